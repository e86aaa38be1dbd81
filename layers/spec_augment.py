"""SpecAugment: bands of frequency and stretches of time that a spectrogram hides in training."""

import keras
from keras import ops

from .checks import check_not_negative


@keras.saving.register_keras_serializable("attnzoo")
class SpecAugment(keras.layers.Layer):
    """Sets random bands and stretches of normalised features to 0, their mean; in training only.

    Each mask's width is drawn evenly between 0 and its largest, and its place evenly among all
    where it fits, for each sequence anew. There is no warping of time.

    Args:
        frequency_masks: Number of bands of features. Defaults to 2.
        frequency_mask_width: Features that a band has at most. Defaults to 20.
        time_masks: Number of stretches of frames. Defaults to 4.
        time_mask_share: Share of the real frames that a stretch has at most, in [0, 1]. Defaults to
            0.06.
        seed: Seed of the choices. Defaults to None (Keras's global seed).

    Call arguments:
        frames: `(batch, frames, features)`.
        padding_mask: `(batch, frames)`, True = real, padding at the end. Defaults to None (all
            real).
        training: Whether to hide anything. Defaults to None (Keras decides).

    Returns:
        `(batch, frames, features)`.

    Raises:
        ValueError: If a number is negative, or the share above 1.

    Example:
    >>> import numpy as np
    >>> frames = np.ones((1, 50, 80), "float32")
    >>> hidden = np.asarray(SpecAugment(seed=0)(frames, training=True)) == 0
    >>> bool(hidden.any()), bool(hidden.all())
    (True, False)

    References:
        Park et al., 2019, "SpecAugment: a simple data augmentation method for automatic speech
        recognition", section 2.
        Park et al., 2020, "SpecAugment on large scale datasets", section 3.1 (widths in time that
        grow with the length).
    """

    def __init__(
        self,
        frequency_masks=2,
        frequency_mask_width=20,
        time_masks=4,
        time_mask_share=0.06,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_not_negative(
            frequency_masks=frequency_masks,
            frequency_mask_width=frequency_mask_width,
            time_masks=time_masks,
        )
        if not 0 <= time_mask_share <= 1:
            raise ValueError(
                "Received an invalid value for argument `time_mask_share`, expected a share in "
                f"[0, 1]. Received: time_mask_share={time_mask_share}"
            )
        self.frequency_masks = frequency_masks
        self.frequency_mask_width = frequency_mask_width
        self.time_masks = time_masks
        self.time_mask_share = time_mask_share
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, frames_shape):
        """Has no weights; marks the layer as built."""
        self.built = True

    def call(self, frames, padding_mask=None, training=None):
        """Returns the frames, with parts of them hidden."""
        frames = ops.convert_to_tensor(frames)
        if not training:
            return frames
        batch, length, features = ops.shape(frames)
        if padding_mask is None:
            padding_mask = ops.ones((batch, length), "bool")
        lengths = ops.sum(ops.cast(padding_mask, "float32"), axis=1)
        width = min(self.frequency_mask_width, features)
        bands = self._hidden(self.frequency_masks, ops.full((batch,), features), width, features)
        stretches = self._hidden(
            self.time_masks, lengths, self.time_mask_share * lengths[:, None], length
        )
        hidden = ops.logical_or(stretches[:, :, None], bands[:, None, :])
        return ops.where(hidden, ops.zeros((), frames.dtype), frames)

    def _hidden(self, count, sizes, widest, length):
        """Draws `count` spans of each sequence: which of `length` places are in one of them.

        Args:
            count: Number of spans.
            sizes: Places of each sequence that a span may lie in, `(batch,)`.
            widest: Largest width of a span, broadcastable to `(batch, count)`.
            length: Number of places.

        Returns:
            Booleans `(batch, length)`.
        """
        shape = (ops.shape(sizes)[0], count)
        width, place = (
            keras.random.uniform(shape, dtype="float32", seed=self.seed_generator) for _ in range(2)
        )
        width = ops.floor(width * (widest + 1))
        begin = ops.floor(place * (ops.cast(sizes, "float32")[:, None] - width + 1))
        position = ops.cast(ops.arange(length), "float32")[None, None, :]
        begin, end = begin[:, :, None], (begin + width)[:, :, None]
        return ops.any(ops.logical_and(position >= begin, position < end), axis=1)

    def compute_output_shape(self, frames_shape):
        """Shape of the outputs: that of the frames."""
        return frames_shape

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "frequency_masks": self.frequency_masks,
            "frequency_mask_width": self.frequency_mask_width,
            "time_masks": self.time_masks,
            "time_mask_share": self.time_mask_share,
            "seed": self.seed,
        }
