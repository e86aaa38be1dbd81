"""Features of samples that are learned rather than computed: the convolutions of wav2vec."""

import keras
from keras import ops

from .checks import checked_stages
from .gelu import GELU
from .layer_normalization import LayerNormalization
from .masks import zeros_for_padding

_NORMALIZATIONS = ("group", "layer")
_EPSILON = 1e-5


@keras.saving.register_keras_serializable("attnzoo")
class WaveformEncoder(keras.layers.Layer):
    """Makes vectors of samples by convolutions without padding, each followed by GELU.

    Args:
        channels: Channels that each convolution gives, the last one the size of the outputs.
        kernel_sizes: Samples, or outputs of the one before, that each sees.
        strides: Those from one output to the next.
        normalization: Before GELU: `"layer"` normalises each vector of each convolution by itself;
            `"group"` each channel of the first convolution over the recording.
        use_bias: Whether the convolutions have biases. Defaults to False.
        hears_padding: With `"group"`: whether padding counts, as zeros, in a channel's mean and
            deviation, as in transformers, so that a recording's vectors depend on how it is padded.
            Defaults to False.

    Call arguments:
        samples: `(batch, samples, 1)`.
        padding_mask: `(batch, samples)`, True = real. Defaults to None (all real).

    Returns:
        `(batch, vectors, channels[-1])`. With the strides multiplied to `step`, the first vector
        sees the first `reach` samples and each other one begins `step` later; their mask is that of
        `FrameMask(step, offset=reach - 1)`.

    Raises:
        ValueError: If there are not as many of each size, or `normalization` is unknown.

    Example:
    >>> import numpy as np
    >>> layer = WaveformEncoder((8, 16), (10, 3), (5, 2), "group")
    >>> tuple(layer(np.zeros((1, 100, 1), "float32")).shape)
    (1, 9, 16)

    References:
        Baevski et al., 2020, "wav2vec 2.0: a framework for self-supervised learning of speech
        representations", section 2.
        Wu and He, 2018, "Group normalization".
    """

    def __init__(
        self,
        channels,
        kernel_sizes,
        strides,
        normalization,
        use_bias=False,
        hears_padding=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.channels, self.kernel_sizes, self.strides = checked_stages(
            channels=channels, kernel_sizes=kernel_sizes, strides=strides
        )
        if normalization not in _NORMALIZATIONS:
            raise ValueError(
                "Received an invalid value for argument `normalization`, expected one of "
                f"{_NORMALIZATIONS}. Received: normalization={normalization!r}"
            )
        self.normalization = normalization
        self.use_bias = use_bias
        self.hears_padding = hears_padding
        stages = list(zip(self.channels, self.kernel_sizes, self.strides, strict=True))
        self.convolutions = [
            keras.layers.Conv1D(
                *sizes, use_bias=use_bias, dtype=self.dtype_policy, name=f"convolution_{stage}"
            )
            for stage, sizes in enumerate(stages)
        ]
        self.norms = [
            LayerNormalization(_EPSILON, dtype=self.dtype_policy, name=f"norm_{stage}")
            for stage in range(len(stages) if normalization == "layer" else 0)
        ]
        self.gelu = GELU(dtype=self.dtype_policy, name="gelu")

    def build(self, samples_shape):
        """Builds the convolutions and what normalises them."""
        sizes = (samples_shape[-1], *self.channels)
        for size, convolution in zip(sizes, self.convolutions, strict=False):
            convolution.build((None, None, size))
        for size, norm in zip(self.channels, self.norms, strict=False):
            norm.build((None, None, size))
        if self.normalization == "group":
            shape = (self.channels[0],)
            self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma")
            self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")

    def call(self, samples, padding_mask=None):
        """Returns the vectors."""
        states = ops.cast(ops.convert_to_tensor(samples), self.compute_dtype)
        states = zeros_for_padding(states, padding_mask)
        real = None
        if padding_mask is not None:
            # What is made of real samples alone; all later convolutions follow from it.
            mask = ops.cast(padding_mask, "bool")
            real = mask[:, self.kernel_sizes[0] - 1 :: self.strides[0]]
        for stage, convolution in enumerate(self.convolutions):
            states = convolution(states)
            if self.normalization == "layer":
                states = self.norms[stage](states)
            elif stage == 0:
                states = self._over_time(states, None if self.hears_padding else real)
            states = self.gelu(states)
        return states

    def _over_time(self, states, mask):
        """Normalises each channel by its mean and deviation over the real vectors."""
        # In float32 at least: half precision cannot count the vectors of a second.
        dtype = keras.backend.result_type(self.compute_dtype, "float32")
        states = ops.cast(states, dtype)
        if mask is None:
            mask = ops.ones(ops.shape(states)[:2], "bool")
        real = ops.cast(mask, dtype)[:, :, None]
        count = ops.maximum(ops.sum(real, axis=1, keepdims=True), 1.0)
        centred = states - ops.sum(states * real, axis=1, keepdims=True) / count
        variance = ops.sum(ops.square(centred) * real, axis=1, keepdims=True) / count
        scale = ops.cast(self.gamma, dtype) / ops.sqrt(variance + _EPSILON)
        return ops.cast(centred * scale + ops.cast(self.beta, dtype), self.compute_dtype)

    def compute_output_shape(self, samples_shape):
        """Shape of the vectors."""
        batch, length, _ = samples_shape
        for kernel, stride in zip(self.kernel_sizes, self.strides, strict=True):
            length = None if length is None else (length - kernel) // stride + 1
        return (batch, length, self.channels[-1])

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "channels": list(self.channels),
            "kernel_sizes": list(self.kernel_sizes),
            "strides": list(self.strides),
            "normalization": self.normalization,
            "use_bias": self.use_bias,
            "hears_padding": self.hears_padding,
        }
