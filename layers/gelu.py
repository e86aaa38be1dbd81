"""GELU as a layer, in a form that every export path understands."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class GELU(keras.layers.Layer):
    """Exact Gaussian error linear unit: `x * Φ(x) = x / 2 * (1 + erf(x / √2))`.

    Written with `erf`: TensorFlow's own exact GELU uses `Erfc`, which ONNX does not have. And in
    just this order, which TensorFlow fuses with the dense layer before it where no gradient is
    asked for. In training it hands on its derivative as one formula, `Φ(x) + x φ(x)`, which goes
    over the numbers less often than that of each operation by itself.

    Call arguments:
        inputs: Tensor of any shape.
        training: Whether a gradient will be asked for. Defaults to None (Keras decides).

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

    def call(self, inputs, training=None):
        """Returns the activated inputs."""
        inputs = ops.convert_to_tensor(inputs)
        if training:
            return _with_derivative(inputs)
        return 0.5 * inputs * (1.0 + ops.erf(inputs * math.sqrt(0.5)))

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs."""
        return inputs_shape


@ops.custom_gradient
def _with_derivative(inputs):
    distribution = 0.5 * ops.erf(inputs * math.sqrt(0.5)) + 0.5

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream  # By name on PyTorch alone.
        density = ops.exp(-0.5 * inputs * inputs) * (1.0 / math.sqrt(2.0 * math.pi))
        return upstream * (distribution + inputs * density)

    return inputs * distribution, gradient
