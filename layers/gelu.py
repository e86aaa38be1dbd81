"""GELU as a layer, in a form that every export path understands."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class GELU(keras.layers.Layer):
    """Exact Gaussian error linear unit: `x * Φ(x) = x / 2 * (1 + erf(x / √2))`.

    Written with `erf`: TensorFlow's own exact GELU uses `Erfc`, which ONNX does not have. And in
    just this order, which TensorFlow fuses with the dense layer before it where no gradient is
    asked for.

    Call arguments:
        inputs: Tensor of any shape.

    Returns:
        A tensor of the same shape.

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
        return 0.5 * inputs * (1.0 + ops.erf(inputs * math.sqrt(0.5)))

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs."""
        return inputs_shape
