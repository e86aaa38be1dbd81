"""The mask of frames, each of which stands for several steps of what they were made of."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class FrameMask(keras.layers.Layer):
    """Says which frames are real: those whose last step is.

    Args:
        step: Steps that become one frame.

    Call arguments:
        frames: `(batch, frames, size)`; only their number is read.
        padding_mask: `(batch, steps)`, True = real. Defaults to None (all real).

    Returns:
        `(batch, frames)`, booleans.

    Example:
    >>> import numpy as np
    >>> mask = np.array([[True, True, True, False, False, False]])
    >>> np.asarray(FrameMask(2)(np.zeros((1, 3, 8)), padding_mask=mask)).tolist()
    [[True, False, False]]
    """

    def __init__(self, step, **kwargs):
        super().__init__(**kwargs)
        self.step = step

    def call(self, frames, padding_mask=None):
        """Returns the mask of the frames."""
        if padding_mask is None:
            return ops.ones(ops.shape(frames)[:2], "bool")
        return ops.cast(padding_mask, "bool")[:, self.step - 1 :: self.step]

    def compute_output_spec(self, frames, padding_mask=None):
        """Symbolic mask."""
        return keras.KerasTensor(frames.shape[:2], dtype="bool")

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "step": self.step}
