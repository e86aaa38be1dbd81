"""Shaw's relative positions: a query meets, besides each key, a vector learned for its distance."""

import keras
from keras import ops

from ..checks import check_positive
from .by_offset import clipped_offsets
from .kinds import ScorePosition


@keras.saving.register_keras_serializable("attnzoo")
class ShawRelativeKeys(ScorePosition):
    """Adds to each score `query · a[key - query] / sqrt(key_dim)`, for learned vectors `a`.

    Offsets beyond `max_distance` share the vector of the last, on each side; all heads share the
    vectors. With the score `"dot"` the sum is `query · (key + a[key - query]) / sqrt(key_dim)`.

    Args:
        max_distance: Farthest offset that is told apart. Defaults to 16.
        initializer: Initialiser of the vectors. Defaults to `"glorot_uniform"` (what the authors'
            code gets from TensorFlow, naming none).

    Call arguments:
        query: `(batch, heads, ..., query_length, key_dim)`.
        offsets: Position of each key less that of each query: integers
            `(query_length, key_length)`, or with blocks `(blocks, query_length, key_length)`.

    Returns:
        `(batch, heads, ..., query_length, key_length)`.

    Raises:
        ValueError: If `max_distance` is not a positive integer.

    Example:
    >>> import numpy as np
    >>> offsets = np.arange(7)[None, :] - np.arange(7)[:, None]
    >>> scores = ShawRelativeKeys(max_distance=4)(np.zeros((2, 8, 7, 16), "float32"), offsets)
    >>> tuple(scores.shape)
    (2, 8, 7, 7)

    References:
        Shaw et al., 2018, "Self-attention with relative position representations", equation 4
        (the keys only; the authors found the values of equation 3 of little use, table 3).
    """

    def __init__(self, max_distance=16, initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        check_positive(max_distance=max_distance)
        self.max_distance = max_distance
        self.initializer = keras.initializers.get(initializer)

    def build(self, query_shape):
        """Creates the vectors `(2 * max_distance + 1, key_dim)`, from offset -max_distance on."""
        self.table = self.add_weight(
            shape=(2 * self.max_distance + 1, query_shape[-1]),
            initializer=self.initializer,
            name="table",
        )

    def call(self, query, offsets):
        """Returns the scores of each query and offset."""
        # Each query meets each vector once, and not once for each key at its offset.
        products = ops.matmul(query * query.shape[-1] ** -0.5, ops.transpose(self.table))
        # One lookup in all products of a sequence (or a block) laid end to end, as a lookup row by
        # row would need as many indices as there are scores.
        lead, rows = _split(ops.shape(query)[:-1], len(offsets.shape))
        products = ops.reshape(products, (-1, *lead, _product(rows) * self.table.shape[0]))
        first = ops.reshape(ops.arange(_product(rows)) * self.table.shape[0], (*rows, 1))
        index = first + clipped_offsets(offsets, self.max_distance)
        return ops.take(products, index, axis=len(products.shape) - 1)

    def compute_output_shape(self, query_shape, offsets_shape):
        """Shape of the scores."""
        return (*query_shape[:-1], offsets_shape[-1])

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "max_distance": self.max_distance,
            "initializer": keras.initializers.serialize(self.initializer),
        }


def _split(shape, offsets_rank):
    """Parts `(batch, heads, ..., query_length)` at the axes that the offsets have, batch left out.

    >>> _split((2, 8, 3, 7), offsets_rank=2)
    ((8, 3), (7,))
    >>> _split((2, 8, 3, 7), offsets_rank=3)
    ((8,), (3, 7))
    """
    start = len(shape) + 1 - offsets_rank
    return shape[1:start], shape[start:]


def _product(sizes):
    product = 1
    for size in sizes:  # Which may be tensors.
        product = product * size
    return product
