"""Sinusoidal positions: fixed waves of geometrically growing length."""

import math

import keras
import numpy as np
from keras import ops

from ..checks import check_not_negative, check_positive, check_wavelength
from .kinds import InputPosition
from .lengths import check_length, positions_from

_LAYOUTS = ("interleaved", "halves")


@keras.saving.register_keras_serializable("attnzoo")
class SinusoidalPositionalEncoding(InputPosition):
    """Adds sines and cosines of the position to the input; has nothing to learn.

    Channel `2i` gets `sin(position / max_wavelength^(2i / hidden_dim))`, channel `2i + 1` the
    cosine. In the layout of Tensor2Tensor and fairseq the first half of the channels are sines and
    the second cosines, of wavelengths whose longest is `max_wavelength` itself:
    `sin(position / max_wavelength^(i / (hidden_dim / 2 - 1)))`; an odd channel at the end stays as
    it is.

    Args:
        max_length: Longest length that will be seen; the waves have no end, so None means any.
            Defaults to None.
        max_wavelength: Wavelength of the slowest wave over 2π, in positions. Defaults to 10000.
        layout: `"interleaved"` or `"halves"`. Defaults to `"interleaved"`.
        first_position: Number of the first position. Defaults to 0.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        start_index: Position of the first vector: an int or a scalar tensor. Defaults to 0.
        padding_mask: Not needed; as every input position has it.

    Returns:
        `(batch, length, hidden_dim)`: the inputs plus their positions.

    Raises:
        ValueError: If the known length exceeds `max_length`, or `layout` is unknown.

    Example:
    >>> import numpy as np
    >>> outputs = SinusoidalPositionalEncoding()(np.zeros((1, 2, 4), "float32"))
    >>> np.asarray(outputs, "float64").round(3).tolist()
    [[[0.0, 1.0, 0.0, 1.0], [0.841, 0.54, 0.01, 1.0]]]

    References:
        Vaswani et al., 2017, "Attention is all you need", section 3.5.
        Ott et al., 2019, "fairseq: a fast, extensible toolkit for sequence modeling" (the halves,
        in `SinusoidalPositionalEmbedding`).
    """

    def __init__(
        self,
        max_length=None,
        max_wavelength=10000.0,
        layout="interleaved",
        first_position=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive(optional=True, max_length=max_length)
        check_wavelength(max_wavelength)
        if layout not in _LAYOUTS:
            raise ValueError(
                f"Received an invalid value for argument `layout`, expected one of {_LAYOUTS}. "
                f"Received: layout={layout!r}"
            )
        check_not_negative(first_position=first_position)
        self.max_length = max_length
        self.max_wavelength = max_wavelength
        self.layout = layout
        self.first_position = first_position

    def build(self, inputs_shape):
        """Computes the frequencies; interleaved, a cosine is a sine a quarter wave on."""
        if self.layout == "halves":
            half = inputs_shape[-1] // 2
            # Rounded as fairseq does: at the thousandth position the last bit of a frequency is
            # worth 1e-4.
            step = np.float32(-math.log(self.max_wavelength) / max(1, half - 1))
            exponent = (np.arange(half, dtype="float32") * step).astype("float64")
            self._frequency = np.exp(exponent).astype("float32")
            return
        channel = np.arange(inputs_shape[-1])
        exponent = 2 * (channel // 2) / inputs_shape[-1]
        self._frequency = (self.max_wavelength**-exponent).astype("float32")
        self._phase = (np.pi / 2 * (channel % 2)).astype("float32")

    def call(self, inputs, start_index=0, padding_mask=None):
        """Returns the inputs with their positions added."""
        check_length(inputs.shape[1], start_index, self.max_length)
        # In float32 always: float16 cannot count past 2048.
        start_index = start_index + self.first_position
        position = ops.cast(positions_from(start_index, ops.shape(inputs)[1]), "float32")
        angle = ops.multiply(position[:, None], self._frequency)
        if self.layout == "halves":
            waves = ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1)
            if inputs.shape[-1] % 2:
                waves = ops.pad(waves, [[0, 0], [0, 1]])
        else:
            waves = ops.sin(ops.add(angle, self._phase))
        return inputs + ops.cast(waves, inputs.dtype)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "max_length": self.max_length,
            "max_wavelength": self.max_wavelength,
            "layout": self.layout,
            "first_position": self.first_position,
        }
