"""Layer normalisation, in a form that ONNX Runtime recognises and fuses."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class LayerNormalization(keras.layers.Layer):
    """Normalises each vector to mean 0 and variance 1, then scales and shifts it.

    `(x - mean) / sqrt(mean((x - mean)²) + epsilon) * gamma + beta`, over the last axis, computed
    in float32 at least. Converted to ONNX it is one operator to ONNX Runtime, which does not
    recognise the operations of Keras's own layer. In training it hands on the derivative of the
    normalisation as one formula, which goes over the vectors less often than that of each operation
    by itself.

    Args:
        epsilon: Added to the variance. Defaults to 1e-6.
        use_bias: Whether vectors are shifted after they are scaled. Defaults to True.

    Call arguments:
        inputs: `(..., hidden_dim)`.
        training: Whether a gradient will be asked for. Defaults to None (Keras decides).

    Returns:
        A tensor of the same shape and dtype.

    Example:
    >>> import numpy as np
    >>> outputs = LayerNormalization()(np.array([[1.0, 3.0]], "float32"))
    >>> np.round(np.asarray(outputs), 4).tolist()
    [[-1.0, 1.0]]

    References:
        Ba et al., 2016, "Layer normalization", equation 4.
    """

    def __init__(self, epsilon=1e-6, use_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.use_bias = use_bias
        self.supports_masking = True

    def build(self, inputs_shape):
        """Creates scale and, with a bias, shift, kept in float32 under mixed precision."""
        shape = (inputs_shape[-1],)
        self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma", autocast=False)
        self.beta = None
        if self.use_bias:
            self.beta = self.add_weight(
                shape=shape, initializer="zeros", name="beta", autocast=False
            )

    def call(self, inputs, training=None):
        """Returns the normalised inputs."""
        inputs = ops.convert_to_tensor(inputs)
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        states = ops.cast(inputs, dtype)
        if training:
            normalized = self._with_derivative(states)
        else:
            centred, deviation = self._moments(states)
            normalized = centred / deviation
        outputs = normalized * ops.cast(self.gamma, dtype)
        if self.use_bias:
            outputs = outputs + ops.cast(self.beta, dtype)
        return ops.cast(outputs, inputs.dtype)

    def _moments(self, states):
        """Returns the vectors less their means, and their standard deviations."""
        centred = states - ops.mean(states, axis=-1, keepdims=True)
        # Not `square`, which becomes a product, where ONNX Runtime looks for a power.
        variance = ops.mean(ops.power(centred, 2), axis=-1, keepdims=True)
        return centred, ops.sqrt(variance + self.epsilon)

    def _with_derivative(self, states):
        @ops.custom_gradient
        def normalize(states):
            centred, deviation = self._moments(states)
            factor = 1.0 / deviation
            normalized = centred * factor

            def gradient(*args, upstream=None):
                upstream = args[0] if upstream is None else upstream  # By name on PyTorch alone.
                mean = ops.mean(upstream, axis=-1, keepdims=True)
                along = ops.mean(upstream * normalized, axis=-1, keepdims=True)
                return factor * (upstream - mean - normalized * along)

            return normalized, gradient

        return normalize(states)

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs."""
        return inputs_shape

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon, "use_bias": self.use_bias}
