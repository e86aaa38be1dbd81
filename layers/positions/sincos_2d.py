"""Sine-cosine positions in two dimensions: fixed waves along the columns and rows of an image."""

import keras
import numpy as np
from keras import ops

from ..checks import check_not_negative
from .kinds import InputPosition
from .lengths import check_whole_grid, checked_grid


@keras.saving.register_keras_serializable("attnzoo")
class SinCos2DPositionalEncoding(InputPosition):
    """Adds sines and cosines of the column and of the row to the vectors of a grid; learns nothing.

    The first half of the channels tells the column `x` and the second half the row `y`, each as
    `sin(x ω_i)` for all `i`, then `cos(x ω_i)`, with `ω_i = 10000^(-4i / hidden_dim)`.

    Args:
        grid: `(height, width)`, the rows of which, one after the other, are the sequence.
        num_prefix_tokens: Number of vectors before the grid that get no position, such as a class
            token. Defaults to 0.

    Call arguments:
        inputs: `(batch, num_prefix_tokens + height * width, hidden_dim)`.
        start_index: Must be 0; as every input position has it.
        padding_mask: Not needed; as every input position has it.

    Returns:
        The inputs plus their positions.

    Raises:
        ValueError: If `grid` or `num_prefix_tokens` is no size, `hidden_dim` is not a multiple of
            4, or the known length is not that of the grid. A graph in which it is not known fails
            when it runs, naming `length_must_be`.

    Example:
    >>> import numpy as np
    >>> layer = SinCos2DPositionalEncoding(grid=(2, 3))
    >>> np.asarray(layer(np.zeros((1, 6, 4), "float32")), "float64")[0, 4].round(3).tolist()
    [0.841, 0.54, 0.841, 0.54]

    References:
        He et al., 2022, "Masked autoencoders are scalable vision learners", appendix A.1; the order
        of the channels is that of the authors' `get_2d_sincos_pos_embed`.
    """

    def __init__(self, grid, num_prefix_tokens=0, **kwargs):
        super().__init__(**kwargs)
        self.grid = checked_grid(grid)
        check_not_negative(num_prefix_tokens=num_prefix_tokens)
        self.num_prefix_tokens = num_prefix_tokens

    def build(self, inputs_shape):
        """Computes the table `(num_prefix_tokens + height * width, hidden_dim)`."""
        hidden_dim = inputs_shape[-1]
        if hidden_dim % 4:
            raise ValueError(
                "Expected an input size that is a multiple of 4: a sine and a cosine of column and "
                f"of row. Received: input size {hidden_dim}"
            )
        frequency = 10000.0 ** (-np.arange(hidden_dim // 4) / (hidden_dim // 4))
        row, column = (index.reshape(-1, 1) * frequency for index in np.indices(self.grid))
        waves = [np.sin(column), np.cos(column), np.sin(row), np.cos(row)]
        prefix = np.zeros((self.num_prefix_tokens, hidden_dim))
        self._table = np.concatenate([prefix, np.concatenate(waves, axis=-1)])

    def call(self, inputs, start_index=0, padding_mask=None):
        """Returns the inputs with their positions added."""
        check_whole_grid(inputs.shape[1], start_index, self.grid, self.num_prefix_tokens)
        encoding = ops.convert_to_tensor(self._table, inputs.dtype)
        if inputs.shape[1] is None:
            # A sum would stretch a sequence of one vector; whole batches have as many numbers only
            # if their lengths agree. An error of a TensorFlow graph tells the name of what failed.
            with keras.name_scope(f"length_must_be_{len(self._table)}"):
                shape = ops.shape(inputs)
                encoding = ops.broadcast_to(encoding, (shape[0], *self._table.shape))
                encoding = ops.reshape(encoding, shape)
        return inputs + encoding

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "grid": list(self.grid),
            "num_prefix_tokens": self.num_prefix_tokens,
        }
