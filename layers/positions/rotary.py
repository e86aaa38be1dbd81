"""Rotary positions: queries and keys are turned, by an angle that grows with their position."""

import keras
import numpy as np
from keras import ops

from ..checks import check_wavelength
from .kinds import RotaryPosition
from .lengths import positions_from


@keras.saving.register_keras_serializable("attnzoo")
class RotaryEmbedding(RotaryPosition):
    """Turns each pair of channels by its own frequency times the position; learns nothing.

    Channels `i` and `i + key_dim / 2` are a pair, turned by the angle
    `position * max_wavelength^(-2i / key_dim)`. The product of a query and a key turned so depends
    on the distance between them, not on where they stand. The pairing in halves is that of LLaMA
    and ModernBERT (`rotate_half`); the paper pairs channels `2i` and `2i + 1`, which is the same
    after a permutation of the channels of queries and keys alike.

    Args:
        max_wavelength: Wavelength of the slowest turn over 2π, in positions. Defaults to 10000.

    Call arguments:
        states: Queries or keys `(batch, heads, length, key_dim)`.
        start_index: Position of the first vector: an int or a scalar tensor. Defaults to 0.

    Returns:
        `(batch, heads, length, key_dim)`, each vector as long as it was.

    Raises:
        ValueError: If `max_wavelength` is not positive, or `key_dim` is odd.

    Example:
    >>> import numpy as np
    >>> states = np.array([[[[1.0, 0.0], [1.0, 0.0]]]], "float32")
    >>> np.asarray(RotaryEmbedding()(states), "float64").round(3).tolist()
    [[[[1.0, 0.0], [0.54, 0.841]]]]

    References:
        Su et al., 2021, "RoFormer: enhanced Transformer with rotary position embedding",
        equations 15 and 34.
    """

    def __init__(self, max_wavelength=10000.0, **kwargs):
        super().__init__(**kwargs)
        check_wavelength(max_wavelength)
        self.max_wavelength = max_wavelength

    def build(self, states_shape):
        """Computes the frequency of each pair of channels."""
        key_dim = states_shape[-1]
        if key_dim % 2:
            raise ValueError(
                "Expected an even `key_dim`, as channels are turned in pairs. "
                f"Received: key_dim={key_dim}"
            )
        self.frequency = self.max_wavelength ** (-np.arange(0, key_dim, 2) / key_dim)

    def call(self, states, start_index=0):
        """Returns the states turned."""
        # In float32 at least: bfloat16 cannot count past 256.
        in_float64 = keras.backend.standardize_dtype(states.dtype) == "float64"
        dtype = "float64" if in_float64 else "float32"
        position = ops.cast(positions_from(start_index, ops.shape(states)[-2]), dtype)
        angle = position[:, None] * ops.convert_to_tensor(self.frequency, dtype)
        sine, cosine = (ops.cast(wave(angle), states.dtype) for wave in (ops.sin, ops.cos))
        first, second = ops.split(states, 2, axis=-1)
        turned = (first * cosine - second * sine, second * cosine + first * sine)
        return ops.concatenate(turned, axis=-1)

    def compute_output_shape(self, states_shape):
        """Shape of the outputs: that of the states."""
        return states_shape

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "max_wavelength": self.max_wavelength}
