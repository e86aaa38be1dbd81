"""Relative positions as a bias: each head learns how much every distance matters."""

import keras

from ..checks import check_positive
from .by_offset import bias_by_offset, bias_shape
from .kinds import ScorePosition


@keras.saving.register_keras_serializable("attnzoo")
class RelativePositionBias(ScorePosition):
    """Adds to each score a number learned for its head and its offset: `b[head, key - query]`.

    Offsets beyond `max_distance` share the number of the last, on each side.

    Args:
        max_distance: Farthest offset that is told apart. Defaults to 16.
        initializer: Initialiser of the table. Defaults to None (a truncated normal of standard
            deviation 0.02, as in the code of Swin).

    Call arguments:
        query: `(batch, heads, ..., query_length, key_dim)`; only its number of heads is read.
        offsets: Position of each key less that of each query: integers
            `(query_length, key_length)`, or with blocks `(blocks, query_length, key_length)`.

    Returns:
        `(heads, ..., query_length, key_length)`.

    Raises:
        ValueError: If `max_distance` is not a positive integer.

    Example:
    >>> import numpy as np
    >>> offsets = np.arange(7)[None, :] - np.arange(7)[:, None]
    >>> bias = RelativePositionBias(max_distance=4)(np.zeros((2, 8, 7, 16), "float32"), offsets)
    >>> tuple(bias.shape)
    (8, 7, 7)

    References:
        Liu et al., 2021, "Swin Transformer", equation 4 (a learned number for each offset).
        Shaw et al., 2018, "Self-attention with relative position representations", section 3.2
        (clipped offsets).
    """

    def __init__(self, max_distance=16, initializer=None, **kwargs):
        super().__init__(**kwargs)
        check_positive(max_distance=max_distance)
        self.max_distance = max_distance
        if initializer is None:
            initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self.initializer = keras.initializers.get(initializer)

    def build(self, query_shape):
        """Creates the table `(2 * max_distance + 1, heads)`, from offset -max_distance on."""
        self.table = self.add_weight(
            shape=(2 * self.max_distance + 1, query_shape[1]),
            initializer=self.initializer,
            name="table",
        )

    def call(self, query, offsets):
        """Returns the bias of each head, query and key."""
        return bias_by_offset(self.table, query, offsets)

    def compute_output_shape(self, query_shape, offsets_shape):
        """Shape of the bias."""
        return bias_shape(query_shape[1], query_shape, offsets_shape)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "max_distance": self.max_distance,
            "initializer": keras.initializers.serialize(self.initializer),
        }
