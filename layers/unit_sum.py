"""Vectors divided by the sum of their entries, as one does with counts of words."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class UnitSum(keras.layers.Layer):
    """Divides each vector by the sum of its entries' absolute values; zeros stay zeros.

    Keras's `UnitNormalization` divides by the Euclidean length instead.

    Call arguments:
        inputs: `(..., features)`.

    Returns:
        The same shape and dtype; the sum is taken in float32 at least.

    Example:
    >>> import numpy as np
    >>> np.asarray(UnitSum()(np.array([[1.0, 0.0, 3.0], [0.0, 0.0, 0.0]]))).tolist()
    [[0.25, 0.0, 0.75], [0.0, 0.0, 0.0]]
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, inputs_shape):
        """Has no weights; marks the layer as built."""
        self.built = True

    def call(self, inputs):
        """Returns the shares of the sum."""
        inputs = ops.convert_to_tensor(inputs)
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        values = ops.cast(inputs, dtype)
        total = ops.sum(ops.abs(values), axis=-1, keepdims=True)
        return ops.cast(values / ops.where(total > 0, total, 1.0), inputs.dtype)

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs."""
        return inputs_shape
