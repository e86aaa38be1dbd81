"""Random changes of recordings that leave what is said as it is."""

from dataclasses import dataclass

import numpy as np
from scipy.fft import next_fast_len

# An equaliser has this many bands, evenly over the square root of the frequency.
_EQUALIZER_BANDS = 8


@dataclass(frozen=True)
class AudioAugmentation:
    """Speed, place, loudness, colour and noise of a recording, each drawn anew.

    Args:
        speed: Largest change of the speed, as a share: played faster, a voice is higher and its
            vowels move as in a shorter head. Defaults to 0.0.
        shift: Longest silence put before the recording, and as much behind it, in seconds. Defaults
            to 0.0.
        gain: Largest change of the loudness, in decibels. Defaults to 0.0.
        equalizer: Largest change of the loudness of one band of frequencies, in decibels. Defaults
            to 0.0.
        noise: Share of recordings that get white noise, 10 to 40 decibels below them. Defaults to
            0.0.

    Example:
    >>> clip = np.ones(1000, "float32")
    >>> changed = AudioAugmentation(speed=0.1)(clip, 16000, np.random.default_rng(0))
    >>> 900 < len(changed) < 1120
    True

    References:
        Ko et al., 2015, "Audio augmentation for speech recognition" (speed).
    """

    speed: float = 0.0
    shift: float = 0.0
    gain: float = 0.0
    equalizer: float = 0.0
    noise: float = 0.0

    def __call__(self, samples, rate, generator, shortest=1):
        """Returns changed samples.

        Args:
            samples: float32 `(samples,)`.
            rate: Samples a second.
            generator: NumPy generator that all is drawn by.
            shortest: No speed makes fewer samples than these. Defaults to 1.
        """
        if self.speed:
            samples = self._at_other_speed(samples, generator, shortest)
        if self.equalizer:
            samples = self._equalized(samples, generator)
        if self.shift:
            before, behind = generator.integers(0, int(self.shift * rate) + 1, 2)
            samples = np.pad(samples, (before, behind))
        if self.gain:
            samples = samples * np.float32(10 ** (generator.uniform(-self.gain, self.gain) / 20))
        if self.noise and generator.random() < self.noise:
            loudness = np.sqrt(np.mean(samples**2)) * 10 ** (-generator.uniform(10, 40) / 20)
            noise = generator.standard_normal(len(samples), "float32")
            samples = samples + np.float32(loudness) * noise
        return samples

    def _at_other_speed(self, samples, generator, shortest):
        import soxr

        factor = generator.uniform(1 - self.speed, 1 + self.speed)
        factor = min(factor, len(samples) / (shortest + 1))
        if abs(factor - 1) < 0.005:
            return samples
        changed = soxr.resample(np.ascontiguousarray(samples), factor, 1.0, quality="MQ")
        return changed if len(changed) >= shortest else samples

    def _equalized(self, samples, generator):
        decibels = generator.uniform(-self.equalizer, self.equalizer, _EQUALIZER_BANDS)
        # A length that is a product of small primes, which takes a tenth of the time.
        length = next_fast_len(len(samples), real=True)
        spectrum = np.fft.rfft(samples, length)
        place = np.sqrt(np.linspace(0, 1, len(spectrum))) * (_EQUALIZER_BANDS - 1)
        factor = 10 ** (np.interp(place, np.arange(_EQUALIZER_BANDS), decibels) / 20)
        return np.fft.irfft(spectrum * factor, length)[: len(samples)].astype("float32")
