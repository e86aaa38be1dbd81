"""Recordings of any kind and rate to padded batches of one rate (imports no TensorFlow)."""

from typing import NamedTuple

import numpy as np

from .raw_audio import AudioError, RawAudio


class Recording(NamedTuple):
    """What a model takes of one recording.

    Args:
        steps: Samples at the model's rate, float32 `(samples,)`; or log-mel frames
            `(frames, num_mels)`.
        steps_per_vector: Steps from one vector of the encoder to the next.
        seconds_per_vector: Time from one vector to the next.
        rate: Samples a second, in Hz; None for frames.
        steps_of_first_vector: Steps that it takes for a first vector. Defaults to None
            (`steps_per_vector`).
    """

    steps: np.ndarray
    steps_per_vector: int
    seconds_per_vector: float
    rate: int | None
    steps_of_first_vector: int | None = None

    def __len__(self):
        """Vectors that it takes to hold all of its steps, by which batches are sorted."""
        return -(-len(self.steps) // self.steps_per_vector)

    @property
    def num_vectors(self):
        """Vectors that the encoder makes of it."""
        first = self.steps_of_first_vector or self.steps_per_vector
        return max(0, len(self.steps) - first + self.steps_per_vector) // self.steps_per_vector


class AudioPreprocessor:
    """Decodes recordings, brings them to one rate, and pads them to batches.

    Log-mel frames and their normalisation are inside the model.

    Args:
        sampling_rate: Samples a second that the model takes, in Hz.
        hop_length: Samples from one log-mel frame to the next.
        subsampling: Frames from one vector of the encoder to the next.
        num_mels: Where the model takes log-mel frames in place of samples, the mels of a frame.
            Defaults to None (samples).
        steps_of_first_vector: Samples, or frames, that it takes for a first vector. Defaults to
            None (those from one vector to the next).

    Example:
    >>> preprocessor = AudioPreprocessor(16000, 160, 4)
    >>> clips = preprocessor.encode([(np.zeros(4000, "int16"), 8000)])
    >>> preprocessor.collate(clips)["waveform"].shape
    (1, 8320)
    """

    def __init__(
        self, sampling_rate, hop_length, subsampling, num_mels=None, steps_of_first_vector=None
    ):
        self.sampling_rate = sampling_rate
        self.hop_length = hop_length
        self.subsampling = subsampling
        self.num_mels = num_mels
        self.steps_of_first_vector = steps_of_first_vector or self.steps_per_vector

    @classmethod
    def of_config(cls, config):
        """Returns the preprocessor of a `SpeechEncoderConfig`, which decides all of it."""
        num_mels = config.num_mels if config.input == "features" else None
        return cls(
            config.sampling_rate,
            config.hop_length,
            config.frames_per_vector,
            num_mels,
            config.steps_of_first_vector,
        )

    @property
    def input_name(self):
        """Name of the model's input."""
        return "waveform" if self.num_mels is None else "features"

    @property
    def steps_per_vector(self):
        """Samples, or frames, from one vector to the next."""
        return self.subsampling * (self.hop_length if self.num_mels is None else 1)

    def checked(self, inputs):
        """Returns the inputs as a list of `Recording`, decoded and at the model's rate.

        Args:
            inputs: Paths, encoded bytes, pairs `(samples, rate)`, `RawAudio`s or `Recording`s; for
                a model that takes features, arrays `(frames, num_mels)`.

        Raises:
            AudioError: If one is none of these, or cannot be decoded.
        """
        return [self._recording(value) for value in inputs]

    def encode(self, inputs):
        """Returns a list of `Recording`, one for each input, as `checked` does."""
        return self.checked(inputs)

    def _recording(self, value):
        if isinstance(value, Recording):
            return value
        if self.num_mels is None:
            return self.recording(RawAudio.of(value).samples(self.sampling_rate))
        frames = np.asarray(value)
        if (
            frames.ndim != 2
            or frames.shape[1] != self.num_mels
            or not len(frames)
            or not np.isfinite(frames).all()
        ):
            raise AudioError(
                f"Expected finite log-mel frames (frames, {self.num_mels}), one at least. "
                f"Received: an array of shape {frames.shape}"
            )
        return self.recording(frames.astype("float32"))

    def recording(self, steps):
        """Returns the `Recording` of samples at the model's rate, or of frames."""
        seconds = self.subsampling * self.hop_length / self.sampling_rate
        rate = self.sampling_rate if self.num_mels is None else None
        return Recording(steps, self.steps_per_vector, seconds, rate, self.steps_of_first_vector)

    def padded_length(self, lengths):
        """Returns the steps that recordings of these `len`s are padded to: whole vectors."""
        return max(self.steps_of_first_vector, max(1, *lengths, 1) * self.steps_per_vector)

    def collate(self, encoded, length=None):
        """Pads recordings with zeros to one batch.

        Args:
            encoded: List of `Recording`.
            length: Padded length in steps. Defaults to None (`padded_length`).

        Returns:
            Dict `waveform (batch, samples)` float32 (or `features (batch, frames, num_mels)`) and
            `padding_mask (batch, samples or frames)` bool.
        """
        if length is None:
            length = self.padded_length([len(item) for item in encoded])
        counts = np.array([len(item.steps) for item in encoded], "int64")
        inner = () if self.num_mels is None else (self.num_mels,)
        batch = np.zeros((len(encoded), length, *inner), "float32")
        for row, item in zip(batch, encoded, strict=True):
            row[: len(item.steps)] = item.steps
        return {self.input_name: batch, "padding_mask": np.arange(length) < counts[:, None]}

    def ticks(self, encoded):
        """Returns what the encoder's positions are called on an axis: seconds."""
        times = range(max(1, encoded.num_vectors))
        return [f"{index * encoded.seconds_per_vector:.2f}" for index in times]

    def description(self):
        """Returns all that decides what it makes of a recording, as one string."""
        return (
            f"{self.input_name} at {self.sampling_rate} Hz, {self.steps_per_vector} steps a vector"
        )

    def save(self, folder):
        """Writes nothing: all that it needs is in the model's configuration."""
