"""Convolutional subsampling that looks as far ahead as back: of Speech2Text and of Whisper."""

import keras
from keras import ops

from .checks import checked_stages
from .gelu import GELU
from .masks import zeros_for_padding

_ACTIVATIONS = ("gelu", "glu")


@keras.saving.register_keras_serializable("attnzoo")
class CenteredSubsampling(keras.layers.Layer):
    """Shortens a sequence of spectra by convolutions over time, each centred on its output.

    Before each there are as many zeros around the sequence as its kernel reaches over the end, so
    that `length` becomes `ceil(length / stride)`. Frames that are not real count as zeros, and so
    does what comes of them, so that a padded sequence gives what it would give by itself.

    Args:
        channels: Channels that each convolution gives, the last one the size of the outputs.
        kernel_sizes: Frames that each sees, odd.
        strides: Frames from one output to the next.
        activation: `"gelu"`, or `"glu"`: half of the channels of a convolution of twice as many,
            times the sigmoid of the other half. Defaults to `"gelu"`.
        hears_padding: Whether a convolution sees what the one before it made of padding, as in
            transformers, so that the last vectors of a sequence differ a little where padding
            follows it. Defaults to False.

    Call arguments:
        frames: `(batch, frames, features)`.
        padding_mask: `(batch, frames)`, True = real. Defaults to None (all real).

    Returns:
        `(batch, vectors, channels[-1])`; with the strides multiplied to `step`, `frames` become
        `ceil(frames / step)`. Their mask is that of `FrameMask(step, offset=0)`.

    Raises:
        ValueError: If there are not as many of each, a kernel is even, or `activation` is unknown.

    Example:
    >>> import numpy as np
    >>> layer = CenteredSubsampling((32, 16), (5, 5), (2, 2), activation="glu")
    >>> tuple(layer(np.zeros((2, 101, 80), "float32")).shape)
    (2, 26, 16)

    References:
        Synnaeve et al., 2020, "End-to-end ASR: from supervised to semi-supervised learning with
        modern architectures", section 2 (with GLU).
        Radford et al., 2023, "Robust speech recognition via large-scale weak supervision", section
        2.2 (with GELU).
    """

    def __init__(
        self, channels, kernel_sizes, strides, activation="gelu", hears_padding=False, **kwargs
    ):
        super().__init__(**kwargs)
        self.channels, self.kernel_sizes, self.strides = checked_stages(
            channels=channels, kernel_sizes=kernel_sizes, strides=strides
        )
        if any(size % 2 == 0 for size in self.kernel_sizes):
            raise ValueError(
                "Received an invalid value for argument `kernel_sizes`, expected odd integers, "
                f"which have a centre. Received: kernel_sizes={kernel_sizes}"
            )
        if activation not in _ACTIVATIONS:
            raise ValueError(
                "Received an invalid value for argument `activation`, expected one of "
                f"{_ACTIVATIONS}. Received: activation={activation!r}"
            )
        self.activation = activation
        self.hears_padding = hears_padding
        halves = 2 if activation == "glu" else 1
        self.convolutions = [
            keras.layers.Conv1D(
                halves * size, kernel, stride, dtype=self.dtype_policy, name=f"convolution_{stage}"
            )
            for stage, (size, kernel, stride) in enumerate(
                zip(self.channels, self.kernel_sizes, self.strides, strict=True)
            )
        ]
        self.gelu = GELU(dtype=self.dtype_policy, name="gelu") if activation == "gelu" else None

    def build(self, frames_shape):
        """Builds the convolutions."""
        sizes = (frames_shape[-1], *self.channels)
        for size, convolution in zip(sizes, self.convolutions, strict=False):
            convolution.build((None, None, size))

    def call(self, frames, padding_mask=None):
        """Returns the vectors."""
        states = ops.cast(ops.convert_to_tensor(frames), self.compute_dtype)
        mask = None if padding_mask is None else ops.cast(padding_mask, "bool")
        for kernel, convolution in zip(self.kernel_sizes, self.convolutions, strict=True):
            states = zeros_for_padding(states, mask)
            if mask is not None:
                mask = None if self.hears_padding else mask[:, :: convolution.strides[0]]
            around = [kernel // 2, kernel // 2]
            states = convolution(ops.pad(states, [[0, 0], around, [0, 0]]))
            if self.activation == "glu":
                states, gate = ops.split(states, 2, axis=-1)
                states = states * ops.sigmoid(gate)
            else:
                states = self.gelu(states)
        return states

    def compute_output_shape(self, frames_shape):
        """Shape of the vectors."""
        batch, length, _ = frames_shape
        for stride in self.strides:
            length = None if length is None else -(-length // stride)
        return (batch, length, self.channels[-1])

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "channels": list(self.channels),
            "kernel_sizes": list(self.kernel_sizes),
            "strides": list(self.strides),
            "activation": self.activation,
            "hears_padding": self.hears_padding,
        }
