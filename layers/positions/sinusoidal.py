"""Sinusoidal positions: fixed waves of geometrically growing length."""

import keras
import numpy as np
from keras import ops

from ..checks import check_positive


@keras.saving.register_keras_serializable("attnzoo")
class SinusoidalPositionalEncoding(keras.layers.Layer):
    """Adds sines and cosines of the position to the input; has nothing to learn.

    Channel `2i` gets `sin(position / max_wavelength^(2i / hidden_dim))`, channel `2i + 1` the
    cosine. The sum is returned, not the encoding alone, so that Keras masks survive.

    Args:
        max_length: Longest length that will be seen; the waves have no end, so None means any.
            Defaults to None.
        max_wavelength: Wavelength of the slowest wave over 2π, in positions. Defaults to 10000.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        start_index: Position of the first vector. Defaults to 0.

    Returns:
        `(batch, length, hidden_dim)`: the inputs plus their positions.

    Raises:
        ValueError: If the known length exceeds `max_length`.

    Example:
    >>> import numpy as np
    >>> outputs = SinusoidalPositionalEncoding()(np.zeros((1, 2, 4), "float32"))
    >>> np.asarray(outputs, "float64").round(3).tolist()
    [[[0.0, 1.0, 0.0, 1.0], [0.841, 0.54, 0.01, 1.0]]]

    References:
        Vaswani et al., 2017, "Attention is all you need", section 3.5.
    """

    def __init__(self, max_length=None, max_wavelength=10000.0, **kwargs):
        super().__init__(**kwargs)
        check_positive(optional=True, max_length=max_length)
        if not max_wavelength > 0:
            raise ValueError(
                "Received an invalid value for argument `max_wavelength`, expected a positive "
                f"number. Received: max_wavelength={max_wavelength}"
            )
        self.max_length = max_length
        self.max_wavelength = max_wavelength
        self.supports_masking = True

    def build(self, inputs_shape):
        """Computes each channel's frequency and phase; a cosine is a sine a quarter wave on."""
        channel = np.arange(inputs_shape[-1])
        exponent = 2 * (channel // 2) / inputs_shape[-1]
        self._frequency = (self.max_wavelength**-exponent).astype("float32")
        self._phase = (np.pi / 2 * (channel % 2)).astype("float32")

    def call(self, inputs, start_index=0):
        """Returns the inputs with their positions added."""
        length = ops.shape(inputs)[1]
        check_length(inputs.shape[1], start_index, self.max_length)
        # In float32 always: float16 cannot count past 2048.
        position = ops.cast(ops.arange(length) + start_index, "float32")
        encoding = ops.sin(position[:, None] * self._frequency + self._phase)
        return inputs + ops.cast(encoding, inputs.dtype)

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs."""
        return inputs_shape

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "max_length": self.max_length,
            "max_wavelength": self.max_wavelength,
        }


def check_length(length, start_index, max_length):
    """Raises a ValueError if positions beyond `max_length` are asked for and that can be known."""
    if max_length is None or not isinstance(length, int) or not isinstance(start_index, int):
        return
    if start_index + length > max_length:
        raise ValueError(
            f"Received a sequence that reaches past `max_length`; shorten it or build the model "
            f"with a larger `max_length` (`max_sequence_length` of a zoo model). Received: "
            f"length={length}, start_index={start_index}, max_length={max_length}"
        )
