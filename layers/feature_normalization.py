"""Normalisation of features: mean 0 and deviation 1 for each of them."""

import keras
from keras import ops

_SCOPES = ("global", "utterance")


@keras.saving.register_keras_serializable("attnzoo")
class FeatureNormalization(keras.layers.Layer):
    """Takes the mean off each feature and divides by its deviation.

    Args:
        scope: `"global"`: mean and deviation are two weights that are not trained, those of the
            training data; they begin as 0 and 1. `"utterance"`: they are those of each sequence's
            real frames, which takes off what a microphone or a voice adds to all of them.
            Defaults to `"global"`.
        epsilon: Added to the variances of an utterance. Defaults to 1e-3.
        dynamic_range: Of an utterance: how far below its largest feature the others may lie; lower
            ones are raised to that, so that a quiet room and a loud one have the same silence.
            Defaults to None (any).

    Call arguments:
        frames: `(batch, frames, features)`.
        padding_mask: `(batch, frames)`, True = real; only an utterance heeds it. Defaults to None
            (all real).

    Returns:
        `(batch, frames, features)`.

    Raises:
        ValueError: If `scope` is unknown, or `dynamic_range` is not positive or given for another
            scope than an utterance.

    Example:
    >>> import numpy as np
    >>> frames = np.array([[[1.0], [3.0], [99.0]]], "float32")
    >>> layer = FeatureNormalization("utterance", epsilon=0.0)
    >>> np.asarray(layer(frames, padding_mask=np.array([[True, True, False]]))).tolist()
    [[[-1.0], [1.0], [97.0]]]
    """

    def __init__(self, scope="global", epsilon=1e-3, dynamic_range=None, **kwargs):
        super().__init__(**kwargs)
        if scope not in _SCOPES:
            raise ValueError(
                f"Received an invalid value for argument `scope`, expected one of {_SCOPES}. "
                f"Received: scope={scope!r}"
            )
        if dynamic_range is not None and (scope != "utterance" or not dynamic_range > 0):
            raise ValueError(
                "Received an invalid value for argument `dynamic_range`, expected a positive "
                "number with `scope='utterance'`, or None. "
                f"Received: dynamic_range={dynamic_range!r}, scope={scope!r}"
            )
        self.scope = scope
        self.epsilon = epsilon
        self.dynamic_range = dynamic_range

    def build(self, frames_shape):
        """Creates the statistics of the training data, if they are used."""
        if self.scope == "global":
            fixed = {"shape": (frames_shape[-1],), "trainable": False, "autocast": False}
            self.mean = self.add_weight(initializer="zeros", name="mean", **fixed)
            self.deviation = self.add_weight(initializer="ones", name="deviation", **fixed)

    def call(self, frames, padding_mask=None):
        """Returns the normalised frames."""
        frames = ops.convert_to_tensor(frames)
        dtype = keras.backend.result_type(frames.dtype, "float32")
        states = ops.cast(frames, dtype)
        if self.scope == "global":
            mean, deviation = (ops.cast(w, dtype) for w in (self.mean, self.deviation))
        else:
            if padding_mask is None:
                padding_mask = ops.ones(ops.shape(states)[:2], "bool")
            real = ops.cast(padding_mask, dtype)[:, :, None]
            if self.dynamic_range is not None:
                heard = ops.where(padding_mask[:, :, None], states, -1e9)
                largest = ops.max(heard, axis=(1, 2), keepdims=True)
                states = ops.maximum(states, largest - self.dynamic_range)
            count = ops.maximum(ops.sum(real, axis=1, keepdims=True), 1.0)
            mean = ops.sum(states * real, axis=1, keepdims=True) / count
            squares = ops.square(states - mean) * real
            variance = ops.sum(squares, axis=1, keepdims=True) / count
            deviation = ops.sqrt(variance + self.epsilon)
        return ops.cast((states - mean) / deviation, frames.dtype)

    def compute_output_shape(self, frames_shape):
        """Shape of the outputs: that of the frames."""
        return frames_shape

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "scope": self.scope,
            "epsilon": self.epsilon,
            "dynamic_range": self.dynamic_range,
        }
