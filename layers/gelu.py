"""GELU as a layer, in a form that every export path understands."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class GELU(keras.layers.Layer):
    """Exact Gaussian error linear unit: `x * Φ(x) = x * (erf(x / √2) / 2 + 1 / 2)`.

    Written with `erf`: TensorFlow's own exact GELU uses `Erfc`, which ONNX does not have. Computed
    in float32 at least, which is faster than bfloat16 where processors have no such `erf`.

    Call arguments:
        inputs: Tensor of any shape.

    Returns:
        A tensor of the same shape and dtype.

    Example:
    >>> import numpy as np
    >>> outputs = np.asarray(GELU()(np.array([-1.0, 0.0, 1.0], "float32")), "float64")
    >>> outputs.round(4).tolist()
    [-0.1587, 0.0, 0.8413]

    References:
        Hendrycks and Gimpel, 2016, "Gaussian error linear units", section 2.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, inputs_shape):
        """Has no weights; marks the layer as built."""
        self.built = True

    def call(self, inputs):
        """Returns the activated inputs."""
        inputs = ops.convert_to_tensor(inputs)
        states = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        # In this order each step but the first can take the place of its input in memory.
        share = ops.erf(states * math.sqrt(0.5)) * 0.5 + 0.5
        return ops.cast(share * states, inputs.dtype)

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs."""
        return inputs_shape
