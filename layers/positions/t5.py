"""T5's relative positions: offsets share buckets that grow wider with the distance."""

import keras
import numpy as np
from keras import ops

from ..checks import check_positive
from .by_offset import bias_by_offset, bias_shape
from .kinds import ScorePosition


@keras.saving.register_keras_serializable("attnzoo")
class T5RelativeBias(ScorePosition):
    """Adds to each score a number learned for its head and the bucket of its offset.

    Each small distance has a bucket of its own, the larger ones share buckets of geometrically
    growing width up to `max_distance`, and all beyond share the last.

    Args:
        num_buckets: Number of buckets; even if `bidirectional`. Defaults to 32.
        max_distance: Distance at and beyond which all offsets are alike. Defaults to 128.
        bidirectional: Whether keys before and after the query have half of the buckets each. If
            not, all keys after the query share the bucket of distance 0. Defaults to True.
        initializer: Initialiser of the table. Defaults to `"random_normal"` (standard deviation
            0.05; T5's is `hidden_dim^-0.5`, which is 0.04 at its small size of 512).

    Call arguments:
        query: `(batch, heads, ..., query_length, key_dim)`; only its number of heads is read.
        offsets: Position of each key less that of each query: integers
            `(query_length, key_length)`, or with blocks `(blocks, query_length, key_length)`.

    Returns:
        `(heads, ..., query_length, key_length)`.

    Raises:
        ValueError: If there are too few buckets, or more than distances.

    Example:
    >>> import numpy as np
    >>> offsets = np.arange(7)[None, :] - np.arange(7)[:, None]
    >>> bias = T5RelativeBias()(np.zeros((2, 8, 7, 16), "float32"), offsets)
    >>> tuple(bias.shape)
    (8, 7, 7)

    References:
        Raffel et al., 2020, "Exploring the limits of transfer learning with a unified text-to-text
        Transformer", section 2.1; buckets as in the authors' `_relative_position_bucket`.
    """

    def __init__(
        self,
        num_buckets=32,
        max_distance=128,
        bidirectional=True,
        initializer="random_normal",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive(num_buckets=num_buckets, max_distance=max_distance)
        if num_buckets < 2 or (bidirectional and (num_buckets % 2 or num_buckets < 4)):
            raise ValueError(
                "Received an invalid value for argument `num_buckets`, expected at least 2, or if "
                "`bidirectional` an even number of at least 4. Received: "
                f"num_buckets={num_buckets}, bidirectional={bidirectional}"
            )
        buckets = num_buckets // 2 if bidirectional else num_buckets
        if max_distance <= buckets // 2:
            raise ValueError(
                "Received an invalid value for argument `max_distance`, expected more than the "
                f"{buckets // 2} distances that have a bucket of their own. Received: "
                f"max_distance={max_distance}, num_buckets={num_buckets}"
            )
        self.num_buckets = num_buckets
        self.max_distance = max_distance
        self.bidirectional = bidirectional
        self.initializer = keras.initializers.get(initializer)
        self._buckets = buckets_by_offset(num_buckets, max_distance, bidirectional)

    def build(self, query_shape):
        """Creates the table `(num_buckets, heads)`."""
        self.table = self.add_weight(
            shape=(self.num_buckets, query_shape[1]), initializer=self.initializer, name="table"
        )

    def call(self, query, offsets):
        """Returns the bias of each head, query and key."""
        return bias_by_offset(ops.take(self.table, self._buckets, axis=0), query, offsets)

    def compute_output_shape(self, query_shape, offsets_shape):
        """Shape of the bias."""
        return bias_shape(query_shape[1], query_shape, offsets_shape)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "num_buckets": self.num_buckets,
            "max_distance": self.max_distance,
            "bidirectional": self.bidirectional,
            "initializer": keras.initializers.serialize(self.initializer),
        }


def buckets_by_offset(num_buckets, max_distance, bidirectional):
    """Returns the bucket of every offset from -max_distance to max_distance: int32.

    Example:
    >>> buckets_by_offset(num_buckets=8, max_distance=8, bidirectional=True).tolist()
    [3, 3, 3, 3, 3, 2, 2, 1, 0, 5, 6, 6, 7, 7, 7, 7, 7]
    """
    if not bidirectional:
        before = _buckets_by_distance(num_buckets, max_distance)[::-1]
        return np.array(before + [0] * max_distance, "int32")
    distances = _buckets_by_distance(num_buckets // 2, max_distance)
    after = [num_buckets // 2 + bucket for bucket in distances[1:]]
    return np.array(distances[::-1] + after, "int32")


def _buckets_by_distance(num_buckets, max_distance):
    """The bucket of each distance from 0 to max_distance, in whole numbers only.

    The source takes a logarithm: bucket `exact + step` begins where
    `log(distance / exact) / log(max_distance / exact) * steps >= step`. The same without rounding,
    which in float32 puts a distance in the wrong bucket for 1 choice of sizes in thousands, none of
    them with 32 buckets: `distance^steps * exact^step >= max_distance^step * exact^steps`.
    """
    exact = num_buckets // 2
    steps = num_buckets - exact
    buckets, step = list(range(exact)), 0
    for distance in range(exact, max_distance + 1):
        while step < steps - 1 and (
            distance**steps * exact ** (step + 1) >= max_distance ** (step + 1) * exact**steps
        ):
            step += 1
        buckets.append(exact + step)
    return buckets
