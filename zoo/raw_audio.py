"""Recordings as they come: encoded files or samples, read by soundfile (imports no TensorFlow)."""

import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# A wav file written to a pipe cannot know its length and announces the largest one.
_UNKNOWN_LENGTHS = (0, 0xFFFFFFFF, 0x7FFFFFFF)
# Integer samples -> (value of silence, value of full scale).
_SCALES = {"int16": (0, 1 << 15), "int32": (0, 1 << 31), "uint8": (128, 1 << 7)}


class AudioError(ValueError):
    """A recording that cannot be read; the message names it."""


@dataclass(frozen=True, eq=False)
class RawAudio:
    """One recording, not yet decoded, and where it came from.

    Args:
        content: The path or the bytes of a file that soundfile reads (wav, flac, ogg, ...), or
            samples `(samples,)` or `(samples, channels)`: floats in [-1, 1], int16, int32 or the
            uint8 of 8-bit files.
        rate: Samples a second, in Hz, of such samples; a file has its own. Defaults to None.
        origin: What messages call it. Defaults to `"a recording"`.

    Example:
    >>> RawAudio(np.zeros(800, "int16"), 8000).samples(16000).shape
    (1600,)
    """

    content: bytes | Path | np.ndarray
    rate: int | None = None
    origin: str = "a recording"

    @classmethod
    def of(cls, value, rate=None):
        """Returns the recording that a path, encoded bytes, or samples with their rate mean.

        Args:
            value: Path, bytes, a pair `(samples, rate)`, or samples.
            rate: Samples a second, where `value` is samples alone. Defaults to None.

        Raises:
            AudioError: If it is none of them, no file is there, or samples have no rate.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, (bytes, bytearray)):
            return cls(bytes(value), None, f"{len(value)} encoded bytes")
        if isinstance(value, (str, os.PathLike)):
            path = Path(value)
            if not path.is_file():
                raise AudioError(f"Expected an audio file at {path}; there is none.")
            return cls(path, None, str(path))
        if isinstance(value, (tuple, list)) and len(value) == 2 and np.ndim(value[1]) == 0:
            value, rate = value
        if isinstance(value, (np.ndarray, list, tuple)):
            samples = np.asarray(value)
            origin = f"samples of shape {samples.shape} and dtype {samples.dtype}"
            _check_samples(samples, origin)
            if rate is None or not float(rate).is_integer() or rate <= 0:
                raise AudioError(
                    "Expected samples with their rate in Hz, `(samples, rate)`. "
                    f"Received: {origin}, rate={rate!r}"
                )
            return cls(samples, int(rate), origin)
        raise AudioError(
            "Expected a recording: a path, the bytes of a file, or `(samples, rate)`. "
            f"Received: one of type {type(value).__name__}"
        )

    @property
    def own_rate(self):
        """Samples a second before any resampling, in Hz.

        Raises:
            AudioError: If the file has no header that can be read.
        """
        if self.rate is not None:
            return self.rate
        with self._opened() as file:
            return file.samplerate

    def samples(self, rate):
        """Returns the samples at a rate, the mean of all channels, float32 `(samples,)`.

        Integers are divided by their full scale, so that they are in [-1, 1). Another rate than
        the recording's own is reached by soxr's high quality, which filters what would alias.

        Args:
            rate: Samples a second, in Hz.

        Raises:
            AudioError: If the recording cannot be read, breaks off, is empty, or holds a sample
                that is not a finite number.
        """
        samples, own_rate = self._decoded()
        if not len(samples):
            raise AudioError(f"Expected samples in {self.origin}; there are none.")
        if not np.isfinite(samples).all():
            raise AudioError(
                f"Expected finite samples in {self.origin}. Received: "
                f"{samples[~np.isfinite(samples)][0]} at sample "
                f"{int(np.flatnonzero(~np.isfinite(samples))[0])}"
            )
        return samples if own_rate == rate else resampled(samples, own_rate, rate)

    def check(self):
        """Raises an AudioError unless the recording can be decoded."""
        self.samples(self.own_rate)

    def _decoded(self):
        """Returns mono float32 samples, and their rate."""
        if isinstance(self.content, np.ndarray):
            return _as_mono(_scaled(self.content)), self.rate
        if announced := _missing_bytes(self._head(), self._size()):
            raise self._unreadable(f"a file that breaks off: {announced}")
        with self._opened() as file:
            try:
                samples = file.read(dtype="float32", always_2d=True)
            except Exception as error:  # The library raises nothing narrower.
                raise self._unreadable(error) from error
            if 0 <= file.frames != len(samples):
                raise self._unreadable(
                    f"a file that breaks off: {len(samples)} of {file.frames} samples are there"
                )
            return _as_mono(samples), file.samplerate

    def _head(self):
        if isinstance(self.content, bytes):
            return self.content
        with open(self.content, "rb") as file:
            return file.read(1 << 16)

    def _size(self):
        content = self.content
        return len(content) if isinstance(content, bytes) else content.stat().st_size

    def _opened(self):
        """Returns the `soundfile.SoundFile` of the content."""
        import soundfile

        content = self.content
        try:
            return soundfile.SoundFile(
                io.BytesIO(content) if isinstance(content, bytes) else content
            )
        except Exception as error:  # The library raises nothing narrower.
            raise self._unreadable(error) from error

    def _unreadable(self, reason):
        return AudioError(f"Expected {self.origin} to be a whole audio file. Received: {reason}")


def resampled(samples, rate, wanted):
    """Returns float32 samples `(samples,)` at another rate, at least one."""
    import soxr

    changed = soxr.resample(np.ascontiguousarray(samples, "float32"), rate, wanted)
    return changed if len(changed) else np.zeros(1, "float32")


def wav_bytes(samples, rate):
    """Returns a 16-bit wav file of samples; what is louder than full scale is clipped.

    Args:
        samples: int16, or floats in [-1, 1], `(samples,)` or `(samples, channels)`. Floats that
            were 16-bit integers once are written as those again.
        rate: Samples a second, in Hz.
    """
    data = np.asarray(samples)
    if data.dtype != np.int16:
        data = np.clip(np.round(data.astype("float64") * (1 << 15)), -(1 << 15), (1 << 15) - 1)
    channels = 1 if data.ndim == 1 else data.shape[1]
    data = data.astype("<i2").tobytes()
    width = 2 * channels
    header = struct.pack("<HHIIHH", 1, channels, rate, width * rate, width, 16)
    chunks = b"fmt " + struct.pack("<I", 16) + header + b"data" + struct.pack("<I", len(data))
    return b"RIFF" + struct.pack("<I", 4 + len(chunks) + len(data)) + b"WAVE" + chunks + data


def _check_samples(samples, origin):
    if samples.ndim not in (1, 2) or not (
        samples.dtype.name in _SCALES or np.issubdtype(samples.dtype, np.floating)
    ):
        raise AudioError(
            "Expected samples `(samples,)` or `(samples, channels)` of floats, int16, int32 or "
            f"uint8. Received: {origin}"
        )


def _scaled(samples):
    if samples.dtype.name not in _SCALES:
        return samples.astype("float32")
    silence, full = _SCALES[samples.dtype.name]
    return ((samples.astype("float64") - silence) / full).astype("float32")


def _as_mono(samples):
    if samples.ndim == 1:
        return samples
    return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)


def _missing_bytes(head, size):
    """Returns what a wav file lacks of what its header announces, as words, or None.

    libsndfile reads a file that breaks off as if it ended there.
    """
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    position = 12
    while position + 8 <= len(head):
        name, length = (
            head[position : position + 4],
            int.from_bytes(head[position + 4 : position + 8], "little"),
        )
        position += 8
        if name == b"data":
            if length in _UNKNOWN_LENGTHS or position + length <= size:
                return None
            return f"{size - position} of {length} bytes of samples are there"
        position += length + length % 2
    return None
