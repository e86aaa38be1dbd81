"""Log-mel spectrogram: a waveform in, one vector of band energies every few milliseconds out."""

import keras
import numpy as np
from keras import ops

from .checks import check_positive
from .frame_mask import FrameMask


@keras.saving.register_keras_serializable("attnzoo")
class LogMelSpectrogram(keras.layers.Layer):
    """Energies of mel bands: `log(mel @ |DFT(window * frame)|² + floor)`, in float32.

    Framing is causal: frame `t` ends with sample `(t + 1) * hop_length` and sees the `frame_length`
    samples before it, zeros before the first sample. So there are `samples // hop_length` frames,
    none sees a sample that comes later, and a stream cut anywhere at multiples of `hop_length`
    gives the same frames (`step`). The window is a periodic Hann window; mels are HTK's, the
    triangles have height 1, as in `torchaudio.transforms.MelSpectrogram` (but framing, which there
    is centred).

    The transform is a convolution with the windowed waves, which every runtime has; it has no
    weights.

    Args:
        sampling_rate: Samples of the waveform a second, in Hz. Defaults to 16000.
        frame_length: Samples that a frame sees. Defaults to 400.
        hop_length: Samples from one frame to the next. Defaults to 160.
        num_mels: Number of bands. Defaults to 80.
        fft_length: Samples that a frame is filled up to with zeros, which sets how far apart its
            frequencies lie. Defaults to None (the next power of two).
        min_frequency: Where the lowest band begins, in Hz. Defaults to 20.0.
        max_frequency: Where the highest band ends, in Hz. Defaults to None (half the rate).
        floor: Added to each energy. Defaults to 1e-6.

    Call arguments:
        waveform: `(batch, samples)`, in [-1, 1].

    Returns:
        `(batch, samples // hop_length, num_mels)`.

    Raises:
        ValueError: If a size is not a positive integer, a frame is shorter than a hop or longer
            than `fft_length`, the frequencies do not lie in order below half the rate, there are
            so many bands that one of them holds no frequency, or a waveform is shorter than a hop.

    Example:
    >>> import numpy as np
    >>> waveform = np.sin(np.arange(1600) * 2 * np.pi * 1000 / 16000)[None].astype("float32")
    >>> frames = np.asarray(LogMelSpectrogram(num_mels=40)(waveform))
    >>> frames.shape, int(frames[0, 5].argmax())  # The band around 1000 Hz.
    ((1, 10, 40), 13)

    References:
        Davis and Mermelstein, 1980, "Comparison of parametric representations for monosyllabic
        word recognition in continuously spoken sentences" (mel bands).
        Young et al., 2006, "The HTK book", section 5.4 (the formula of the scale).
    """

    def __init__(
        self,
        sampling_rate=16000,
        frame_length=400,
        hop_length=160,
        num_mels=80,
        fft_length=None,
        min_frequency=20.0,
        max_frequency=None,
        floor=1e-6,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive(
            sampling_rate=sampling_rate,
            frame_length=frame_length,
            hop_length=hop_length,
            num_mels=num_mels,
        )
        check_positive(optional=True, fft_length=fft_length)
        self.sampling_rate = sampling_rate
        self.frame_length = frame_length
        self.hop_length = hop_length
        self.num_mels = num_mels
        self.fft_length = fft_length
        self.min_frequency = min_frequency
        self.max_frequency = max_frequency
        self.floor = floor
        points = fft_length or 1 << (frame_length - 1).bit_length()
        if not hop_length <= frame_length <= points:
            raise ValueError(
                "Expected `hop_length` <= `frame_length` <= `fft_length`. Received: "
                f"hop_length={hop_length}, frame_length={frame_length}, fft_length={points}"
            )
        highest = sampling_rate / 2 if max_frequency is None else max_frequency
        if not 0 <= min_frequency < highest <= sampling_rate / 2:
            raise ValueError(
                "Expected 0 <= `min_frequency` < `max_frequency` <= `sampling_rate` / 2. Received: "
                f"min_frequency={min_frequency}, max_frequency={highest}, "
                f"sampling_rate={sampling_rate}"
            )
        self._bands = mel_bands(num_mels, points, sampling_rate, min_frequency, highest)
        if not self._bands.any(axis=0).all():
            raise ValueError(
                "Expected each band to hold a frequency of the transform; use fewer bands or a "
                f"longer `fft_length`. Received: num_mels={num_mels}, fft_length={points}"
            )
        self._waves = windowed_waves(frame_length, points)

    def build(self, waveform_shape):
        """Has no weights; marks the layer as built."""
        self.built = True

    def call(self, waveform):
        """Returns the frames of whole recordings."""
        waveform = ops.cast(ops.convert_to_tensor(waveform), self._dtype)
        if waveform.shape[1] is not None and waveform.shape[1] < self.hop_length:
            raise ValueError(
                f"Expected a waveform of `hop_length={self.hop_length}` samples at least, which "
                "make a frame; put zeros behind a shorter one. "
                f"Received: shape {tuple(waveform.shape)}"
            )
        before = self.frame_length - self.hop_length
        return self._frames(ops.pad(waveform, [[0, 0], [before, 0]]))

    def initial_state(self, batch_size):
        """Returns the state before the first sample: `samples`, the zeros before it."""
        before = self.frame_length - self.hop_length
        return {"samples": ops.zeros((batch_size, before), self._dtype)}

    def step(self, waveform, state, padding_mask):
        """Returns the next frames, their mask and the new state.

        Args:
            waveform: The next samples, a multiple of `hop_length`: `(batch, samples)`.
            state: What `initial_state` or the last `step` returned.
            padding_mask: `(batch, samples)`, True = real.

        Returns:
            `(batch, frames, num_mels)`, `(batch, frames)` and the new state.
        """
        waveform = ops.cast(ops.convert_to_tensor(waveform), self._dtype)
        samples = ops.concatenate([state["samples"], waveform], axis=1)
        frames = self._frames(samples)
        mask = FrameMask(self.hop_length)(frames, padding_mask=padding_mask)
        return frames, mask, {"samples": samples[:, waveform.shape[1] :]}

    @property
    def _dtype(self):
        # In float32 at least: half precision has no room for energies.
        return keras.backend.result_type(self.compute_dtype, "float32")

    def _frames(self, samples):
        """`(batch, frame_length + (frames - 1) * hop_length)` samples to log energies."""
        waves = ops.convert_to_tensor(self._waves, self._dtype)
        parts = ops.conv(samples[:, :, None], waves, strides=self.hop_length, padding="valid")
        real, imaginary = ops.split(parts, 2, axis=-1)
        energy = real * real + imaginary * imaginary
        energy = ops.matmul(energy, ops.convert_to_tensor(self._bands, self._dtype))
        return ops.cast(ops.log(energy + self.floor), self.compute_dtype)

    def compute_output_shape(self, waveform_shape):
        """Shape of the frames."""
        batch, samples = waveform_shape
        frames = None if samples is None else samples // self.hop_length
        return (batch, frames, self.num_mels)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "sampling_rate": self.sampling_rate,
            "frame_length": self.frame_length,
            "hop_length": self.hop_length,
            "num_mels": self.num_mels,
            "fft_length": self.fft_length,
            "min_frequency": self.min_frequency,
            "max_frequency": self.max_frequency,
            "floor": self.floor,
        }


def windowed_waves(frame_length, points):
    """Returns cosines and sines of each frequency under a periodic Hann window.

    Returns:
        Convolution kernel `(frame_length, 1, 2 * (points // 2 + 1))` float32.
    """
    sample = np.arange(frame_length)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * sample / frame_length)
    angle = 2 * np.pi * np.outer(sample, np.arange(points // 2 + 1)) / points
    waves = np.concatenate([np.cos(angle), -np.sin(angle)], axis=1)
    return (window[:, None] * waves)[:, None].astype("float32")


def mel_bands(num_mels, points, sampling_rate, min_frequency, max_frequency):
    """Returns the weight of each frequency in each band, `(points // 2 + 1, num_mels)` float32.

    Bands are triangles over the frequencies in Hz, whose corners are equally far apart in mels.
    """
    lowest, highest = (2595 * np.log10(1 + f / 700) for f in (min_frequency, max_frequency))
    corners = 700 * (10 ** (np.linspace(lowest, highest, num_mels + 2) / 2595) - 1)
    frequency = np.arange(points // 2 + 1)[:, None] * sampling_rate / points
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    rise, fall = (frequency - left) / (centre - left), (right - frequency) / (right - centre)
    return np.clip(np.minimum(rise, fall), 0, None).astype("float32")
