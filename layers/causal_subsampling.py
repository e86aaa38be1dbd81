"""Causal convolutional subsampling: two or four frames in, one vector out."""

import keras
from keras import ops

from .checks import check_positive
from .frame_mask import FrameMask
from .masks import zeros_for_padding

_FACTORS = (1, 2, 4)


@keras.saving.register_keras_serializable("attnzoo")
class CausalSubsampling(keras.layers.Layer):
    """Shortens a sequence of spectra by convolutions over time and frequency, and projects it.

    Each stage is a convolution of 3×3 with stride 2 along both axes, and ReLU; it halves frames
    and features. Over time it sees the last frame of a pair and the two before it, so that an
    output knows no later frame than its last, and a stream gives the same outputs (`step`).
    Frames that are not real count as zeros.

    Args:
        output_dim: Size of the output vectors.
        factor: Frames that become one vector: 1, 2 or 4. Defaults to 4.
        channels: Channels of the convolutions. Defaults to 32.

    Call arguments:
        frames: `(batch, frames, features)`.
        padding_mask: `(batch, frames)`, True = real. Defaults to None (all real).

    Returns:
        `(batch, frames // factor, output_dim)`.

    Raises:
        ValueError: If a size is not a positive integer, `factor` not 1, 2 or 4, or there are fewer
            frames than `factor`.

    Example:
    >>> import numpy as np
    >>> vectors = CausalSubsampling(output_dim=16)(np.zeros((2, 100, 80), "float32"))
    >>> tuple(vectors.shape)
    (2, 25, 16)

    References:
        Gulati et al., 2020, "Conformer: convolution-augmented Transformer for speech recognition",
        section 2 (convolutional subsampling; not causal there).
    """

    def __init__(self, output_dim, factor=4, channels=32, **kwargs):
        super().__init__(**kwargs)
        check_positive(output_dim=output_dim, channels=channels)
        if factor not in _FACTORS:
            raise ValueError(
                f"Received an invalid value for argument `factor`, expected one of {_FACTORS}. "
                f"Received: factor={factor!r}"
            )
        self.output_dim = output_dim
        self.factor = factor
        self.channels = channels
        self.convolutions = [
            keras.layers.Conv2D(
                channels,
                3,
                strides=2,
                activation="relu",
                dtype=self.dtype_policy,
                name=f"convolution_{stage}",
            )
            for stage in range(factor.bit_length() - 1)
        ]
        self.output_dense = keras.layers.Dense(output_dim, dtype=self.dtype_policy, name="output")

    def build(self, frames_shape):
        """Builds the convolutions and the projection."""
        features, channels = frames_shape[-1], 1
        self._features = [features]  # of the input of each stage
        for convolution in self.convolutions:
            convolution.build((None, None, features + 2, channels))
            features, channels = (features + 1) // 2, self.channels
            self._features.append(features)
        self.output_dense.build((None, features * channels))

    def call(self, frames, padding_mask=None):
        """Returns the vectors of whole sequences."""
        frames = ops.convert_to_tensor(frames)
        if frames.shape[1] is not None and frames.shape[1] < self.factor:
            raise ValueError(
                f"Expected `factor={self.factor}` frames at least, which make a vector; put zeros "
                f"behind a shorter input. Received: shape {tuple(frames.shape)}"
            )
        return self._run(frames, padding_mask, self.initial_state(ops.shape(frames)[0]))[0]

    def initial_state(self, batch_size):
        """Returns the state before the first frame: a frame of zeros before each stage."""
        return {
            name: ops.zeros((batch_size, *shape), self.compute_dtype)
            for name, shape in self._state_shapes().items()
        }

    def step(self, frames, state, padding_mask):
        """Returns the next vectors, their mask and the new state.

        Args:
            frames: The next frames, a multiple of `factor`: `(batch, frames, features)`.
            state: What `initial_state` or the last `step` returned.
            padding_mask: `(batch, frames)`, True = real.

        Returns:
            `(batch, vectors, output_dim)`, `(batch, vectors)` and the new state.
        """
        return self._run(ops.convert_to_tensor(frames), padding_mask, state)

    def _state_shapes(self):
        channels = [1] + [self.channels] * len(self.convolutions)
        return {
            f"stage_{stage}": (1, self._features[stage], channels[stage])
            for stage in range(len(self.convolutions))
        }

    def _run(self, frames, padding_mask, state):
        """Returns vectors, mask and state after frames that come after those of `state`."""
        states = ops.cast(frames, self.compute_dtype)[..., None]
        mask = FrameMask(1)(frames, padding_mask=padding_mask)
        after = {}
        for stage, convolution in enumerate(self.convolutions):
            states = zeros_for_padding(states, mask)
            states = ops.concatenate([state[f"stage_{stage}"], states], axis=1)
            after[f"stage_{stage}"] = states[:, -1:]
            # Two zeros around the features: any number of them becomes half as many, rounded up.
            states = convolution(ops.pad(states, [[0, 0], [0, 0], [1, 1], [0, 0]]))
            mask = mask[:, 1::2]
        length = ops.shape(states)[1]
        rows = ops.reshape(states, (-1, states.shape[2] * states.shape[3]))
        vectors = ops.reshape(self.output_dense(rows), (-1, length, self.output_dim))
        return vectors, mask, after

    def compute_output_shape(self, frames_shape):
        """Shape of the vectors."""
        batch, frames, _ = frames_shape
        return (batch, None if frames is None else frames // self.factor, self.output_dim)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "output_dim": self.output_dim,
            "factor": self.factor,
            "channels": self.channels,
        }
