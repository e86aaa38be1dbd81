"""ALiBi: keys count for less the farther away they are, at a rate fixed for each head."""

import keras
import numpy as np
from keras import ops

from .by_offset import bias_shape
from .kinds import ScorePosition


@keras.saving.register_keras_serializable("attnzoo")
class ALiBi(ScorePosition):
    """Adds to each score `-slope[head] * |key - query|`; has nothing to learn.

    For a power of two of heads the slopes are `2^(-8/heads), 2^(-16/heads), ..., 2^-8`. Keys after
    the query count like those before it, so that it serves encoders too; with `causal=True` it is
    the paper's.

    Call arguments:
        query: `(batch, heads, ..., query_length, key_dim)`; only its number of heads is read.
        offsets: Position of each key less that of each query: integers
            `(query_length, key_length)`, or with blocks `(blocks, query_length, key_length)`.

    Returns:
        `(heads, ..., query_length, key_length)`.

    Example:
    >>> import numpy as np
    >>> offsets = np.arange(3)[None, :] - np.arange(3)[:, None]
    >>> np.asarray(ALiBi()(np.zeros((1, 8, 3, 4), "float32"), offsets))[0].tolist()
    [[-0.0, -0.5, -1.0], [-0.5, -0.0, -0.5], [-1.0, -0.5, -0.0]]

    References:
        Press et al., 2022, "Train short, test long: attention with linear biases enables input
        length extrapolation", section 3; other numbers of heads as in the authors' `get_slopes`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, query_shape):
        """Computes the slope of each head."""
        self._slopes = np.array(slopes(query_shape[1]), "float32")

    def call(self, query, offsets):
        """Returns the bias of each head, query and key."""
        # In float32: float16 cannot count past 2048.
        distance = ops.abs(ops.cast(offsets, "float32"))
        shape = bias_shape(len(self._slopes), query.shape, offsets.shape)
        slope = np.reshape(-self._slopes, (-1,) + (1,) * (len(shape) - 1))
        return ops.cast(ops.multiply(distance, slope), self.compute_dtype)

    def compute_output_shape(self, query_shape, offsets_shape):
        """Shape of the bias."""
        return bias_shape(query_shape[1], query_shape, offsets_shape)


def slopes(num_heads):
    """Returns the slope of each head, as a list.

    Between powers of two the heads beyond the lower one take every other slope of the next.

    Example:
    >>> slopes(3)
    [0.0625, 0.00390625, 0.25]
    """
    power = 2 ** (num_heads.bit_length() - 1)
    first = [2.0 ** (-8 * (head + 1) / power) for head in range(power)]
    return first if power == num_heads else first + slopes(2 * power)[::2][: num_heads - power]
