"""Logits of CTC where a sequence is over: surely blank."""

import keras
import numpy as np
from keras import ops

# After softmax nothing is left of it, in half precision neither.
_NEVER = -1e4


@keras.saving.register_keras_serializable("attnzoo")
class BlankPadding(keras.layers.Layer):
    """Makes the frames that are not real surely blank, which is class 0.

    So what they are told to be counts neither in a CTC loss, which may then take all rows for
    equally long, nor in what is decoded.

    Call arguments:
        logits: `(batch, frames, num_classes)`.
        padding_mask: `(batch, frames)`, True = real. Defaults to None (all real).

    Returns:
        `(batch, frames, num_classes)`.

    Example:
    >>> import numpy as np
    >>> logits = np.ones((1, 2, 3), "float32")
    >>> np.asarray(BlankPadding()(logits, padding_mask=np.array([[True, False]]))).tolist()
    [[[1.0, 1.0, 1.0], [0.0, -10000.0, -10000.0]]]

    References:
        Graves et al., 2006, "Connectionist temporal classification: labelling unsegmented sequence
        data with recurrent neural networks".
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def call(self, logits, padding_mask=None):
        """Returns the logits, padding being blank."""
        logits = ops.convert_to_tensor(logits)
        if padding_mask is None:
            return logits
        blank = np.full(logits.shape[-1], _NEVER)
        blank[0] = 0.0
        blank = ops.convert_to_tensor(blank, logits.dtype)
        return ops.where(ops.cast(padding_mask, "bool")[:, :, None], logits, blank)

    def compute_output_shape(self, logits_shape):
        """Shape of the outputs: that of the logits."""
        return logits_shape
