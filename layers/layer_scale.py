"""LayerScale: a learned factor for each channel of a residual branch."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class LayerScale(keras.layers.Layer):
    """Multiplies each channel by a learned factor that begins small: `gamma * x`.

    Deep stacks train better when each residual branch begins near zero.

    Args:
        initial_value: Factor of every channel at the start. Defaults to 1e-5.

    Call arguments:
        inputs: `(..., hidden_dim)`.

    Returns:
        A tensor of the same shape.

    Example:
    >>> import numpy as np
    >>> np.asarray(LayerScale(0.5)(np.array([[2.0, 4.0]], "float32"))).tolist()
    [[1.0, 2.0]]

    References:
        Touvron et al., 2021, "Going deeper with image Transformers", equation 4.
    """

    def __init__(self, initial_value=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.initial_value = initial_value
        self.supports_masking = True

    def build(self, inputs_shape):
        """Creates the factors."""
        self.gamma = self.add_weight(
            shape=(inputs_shape[-1],),
            initializer=keras.initializers.Constant(self.initial_value),
            name="gamma",
        )

    def call(self, inputs):
        """Returns the scaled inputs."""
        return inputs * ops.cast(self.gamma, inputs.dtype)

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs."""
        return inputs_shape

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "initial_value": self.initial_value}
