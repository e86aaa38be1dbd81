"""Sinusoidal positions: fixed waves of geometrically growing length."""

import keras
import numpy as np
from keras import ops

from ..checks import check_positive, check_wavelength
from .kinds import InputPosition
from .lengths import check_length, positions_from


@keras.saving.register_keras_serializable("attnzoo")
class SinusoidalPositionalEncoding(InputPosition):
    """Adds sines and cosines of the position to the input; has nothing to learn.

    Channel `2i` gets `sin(position / max_wavelength^(2i / hidden_dim))`, channel `2i + 1` the
    cosine.

    Args:
        max_length: Longest length that will be seen; the waves have no end, so None means any.
            Defaults to None.
        max_wavelength: Wavelength of the slowest wave over 2π, in positions. Defaults to 10000.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        start_index: Position of the first vector: an int or a scalar tensor. Defaults to 0.
        padding_mask: Not needed; as every input position has it.

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
        check_wavelength(max_wavelength)
        self.max_length = max_length
        self.max_wavelength = max_wavelength

    def build(self, inputs_shape):
        """Computes each channel's frequency and phase; a cosine is a sine a quarter wave on."""
        channel = np.arange(inputs_shape[-1])
        exponent = 2 * (channel // 2) / inputs_shape[-1]
        self._frequency = (self.max_wavelength**-exponent).astype("float32")
        self._phase = (np.pi / 2 * (channel % 2)).astype("float32")

    def call(self, inputs, start_index=0, padding_mask=None):
        """Returns the inputs with their positions added."""
        check_length(inputs.shape[1], start_index, self.max_length)
        # In float32 always: float16 cannot count past 2048.
        position = ops.cast(positions_from(start_index, ops.shape(inputs)[1]), "float32")
        angle = ops.add(ops.multiply(position[:, None], self._frequency), self._phase)
        return inputs + ops.cast(ops.sin(angle), inputs.dtype)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "max_length": self.max_length,
            "max_wavelength": self.max_wavelength,
        }
