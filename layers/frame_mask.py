"""The mask of frames, each of which stands for several steps of what they were made of."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class FrameMask(keras.layers.Layer):
    """Says which frames are real: those whose last step is, or another one that decides.

    Args:
        step: Steps from one frame to the next.
        offset: Index of the step that decides whether the first frame is real, such as 0 for frames
            with a step in their centre; that of the next frame is `step` later. Defaults to None
            (`step - 1`, the last of those that become one frame).

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

    def __init__(self, step, offset=None, **kwargs):
        super().__init__(**kwargs)
        self.step = step
        self.offset = offset

    def call(self, frames, padding_mask=None):
        """Returns the mask of the frames."""
        if padding_mask is None:
            return ops.ones(ops.shape(frames)[:2], "bool")
        first = self.step - 1 if self.offset is None else self.offset
        return ops.cast(padding_mask, "bool")[:, first :: self.step]

    def compute_output_spec(self, frames, padding_mask=None):
        """Symbolic mask."""
        return keras.KerasTensor(frames.shape[:2], dtype="bool")

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "step": self.step, "offset": self.offset}
