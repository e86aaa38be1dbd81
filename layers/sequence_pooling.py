"""Pooling: N vectors in, one vector out."""

import keras
from keras import ops

from .masks import keras_mask

_POOLINGS = ("cls", "mean", "cls_mean", "cls_distillation")


@keras.saving.register_keras_serializable("attnzoo")
class SequencePooling(keras.layers.Layer):
    """Reduces a sequence to one vector: its first, the mean of its real ones, or two of them.

    Args:
        pooling: `"cls"` (the first vector, made for it by the tokenizer or the model), `"mean"`
            (over real vectors only), `"cls_mean"` (the first, and the mean of the others) or
            `"cls_distillation"` (the first two). Defaults to `"mean"`.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        padding_mask: `(batch, length)`, True = real. Defaults to None (the Keras mask of `inputs`
            if it carries one, else all real).

    Returns:
        `(batch, hidden_dim)`, or `(batch, 2 * hidden_dim)` for two vectors; zeros for a sequence
        that is all padding.

    Raises:
        ValueError: If `pooling` is unknown.

    Example:
    >>> import numpy as np
    >>> vectors = np.array([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]], "float32")
    >>> mask = np.array([[True, True, False]])
    >>> np.asarray(SequencePooling("mean")(vectors, padding_mask=mask)).tolist()
    [[2.0, 3.0]]
    """

    def __init__(self, pooling="mean", **kwargs):
        super().__init__(**kwargs)
        if pooling not in _POOLINGS:
            raise ValueError(
                f"Received an invalid value for argument `pooling`, expected one of {_POOLINGS}. "
                f"Received: pooling={pooling!r}"
            )
        self.pooling = pooling

    def build(self, inputs_shape):
        """Has no weights; marks the layer as built."""
        self.built = True

    def call(self, inputs, padding_mask=None):
        """Returns one vector for each sequence."""
        inputs = ops.convert_to_tensor(inputs)
        if padding_mask is None:
            padding_mask = keras_mask(inputs)
        if self.pooling == "mean":
            return self._mean(inputs, padding_mask)
        first = _real(inputs, padding_mask, 0)
        if self.pooling == "cls":
            return first
        if self.pooling == "cls_distillation":
            return ops.concatenate([first, _real(inputs, padding_mask, 1)], axis=-1)
        others = None if padding_mask is None else padding_mask[:, 1:]
        return ops.concatenate([first, self._mean(inputs[:, 1:], others)], axis=-1)

    def _mean(self, inputs, padding_mask):
        if padding_mask is None:
            return ops.mean(inputs, axis=1)
        # Summed in float32: a long float16 sum would overflow.
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        weights = ops.expand_dims(ops.cast(padding_mask, dtype), -1)
        total = ops.sum(ops.cast(inputs, dtype) * weights, axis=1)
        return ops.cast(total / ops.maximum(ops.sum(weights, axis=1), 1.0), inputs.dtype)

    def compute_mask(self, inputs, previous_mask=None):
        """One vector is left; nothing of it is padding."""
        return None

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs without the length, for two vectors doubled."""
        return (inputs_shape[0], inputs_shape[-1] * (1 if self.pooling in ("cls", "mean") else 2))

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "pooling": self.pooling}


def _real(inputs, padding_mask, index):
    """The vectors at one position, zeros where that is padding."""
    vectors = inputs[:, index]
    if padding_mask is None:
        return vectors
    return ops.where(padding_mask[:, index, None], vectors, ops.zeros((), vectors.dtype))
