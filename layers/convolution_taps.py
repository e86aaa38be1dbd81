"""The relevance of a convolution: certain of one neighbour for each tap of its kernel."""

import keras
import numpy as np
from keras import ops

from .positions import ScorePosition

# The sigmoid of this is 1, and of its negative 0, to every digit of float32.
_CERTAIN = 200.0


@keras.saving.register_keras_serializable("attnzoo")
class ConvolutionTaps(ScorePosition):
    """Scores that are high at one offset for each head, and low elsewhere.

    Args:
        offsets: For each head, the offset from the query to its key: a tuple of one number in a
            sequence, of two (rows down, columns right) in a grid.
        width: Columns of the grid whose rows, one after the other, are the sequence. None for
            a sequence. Defaults to None.

    Call arguments:
        query: `(batch, heads, ..., query_length, key_dim)`; only its axes count.
        offsets: Position of each key less that of each query: integers
            `(..., query_length, key_length)`; in a grid without blocks, the keys from the first on.

    Returns:
        `(heads, ..., query_length, key_length)`.

    Raises:
        ValueError: If a window is put on a grid.

    Example:
    >>> import numpy as np
    >>> offsets = np.arange(3)[None, :] - np.arange(3)[:, None]
    >>> scores = ConvolutionTaps([(-1,), (0,)])(np.zeros((1, 2, 3, 1), "float32"), offsets)
    >>> (np.asarray(scores)[0] > 0).astype(int).tolist()
    [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    """

    def __init__(self, offsets, width=None, **kwargs):
        super().__init__(**kwargs)
        self.offsets = [list(offset) for offset in offsets]
        self.width = width

    def build(self, query_shape):
        """Has no weights; marks the layer as built."""
        self.built = True

    def call(self, query, offsets):
        """Returns a score for each head, query and key."""
        offsets = ops.convert_to_tensor(offsets)
        axes = [offsets]
        if self.width is not None:
            if len(query.shape) != 4:
                raise ValueError(
                    "Expected no window with a grid: whether two positions are in one row is known "
                    f"only with the keys from the first on. Received: width={self.width}, "
                    f"query of shape {tuple(query.shape)}"
                )
            # The end of one row and the start of the next are neighbours in the sequence only.
            query_position = -offsets[:, :1]
            key_position = query_position + offsets
            axes = [
                key_position // self.width - query_position // self.width,
                key_position % self.width - query_position % self.width,
            ]
        at_tap = True
        for axis, wanted in zip(axes, np.transpose(self.offsets), strict=True):
            wanted = wanted.reshape((-1,) + (1,) * (len(query.shape) - 2)).astype("int32")
            at_tap = ops.logical_and(at_tap, ops.equal(ops.cast(axis, "int32"), wanted))
        return ops.cast(ops.where(at_tap, _CERTAIN, -_CERTAIN), self.compute_dtype)

    def compute_output_shape(self, query_shape, offsets_shape):
        """Shape of the scores."""
        blocks = (1,) * (len(query_shape) - 2 - len(offsets_shape))
        return (len(self.offsets), *blocks, *offsets_shape)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "offsets": self.offsets, "width": self.width}
