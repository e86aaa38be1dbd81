"""Random changes of recordings: what each may change, and what it may not."""

import numpy as np
import pytest

from attnzoo.training import AudioAugmentation

from ..zoo.recordings import tone

RATE = 16000


def changed(samples, seed=0, **options):
    return AudioAugmentation(**options)(samples, RATE, np.random.default_rng(seed))


def pitch(samples):
    """The loudest frequency, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 17))
    return spectrum.argmax() * RATE / (1 << 17)


def test_nothing_changes_by_default():
    clip = tone()
    assert changed(clip) is clip


@pytest.mark.parametrize(
    "options",
    [{"speed": 0.2}, {"shift": 0.1}, {"gain": 6.0}, {"equalizer": 6.0}, {"noise": 0.99}],
    ids=lambda options: next(iter(options)),
)
def test_the_generator_decides_the_change(options):
    clip = tone()
    first, same, other = (changed(clip, seed, **options) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    assert first.dtype == "float32"
    assert np.isfinite(first).all()


def test_speed_makes_a_recording_shorter_and_as_much_higher():
    clip = tone(16000)
    factors = []
    for seed in range(20):
        faster = changed(clip, seed, speed=0.2)
        factors.append(len(clip) / len(faster))
        assert pitch(faster) == pytest.approx(440 * factors[-1], rel=0.01)
    assert 0.79 < min(factors) < 0.85
    assert 1.15 < max(factors) < 1.21


@pytest.mark.parametrize("shortest", [3600, 4000, 4400])
def test_no_speed_takes_the_samples_that_are_needed(shortest):
    augmentation, clip = AudioAugmentation(speed=0.3), tone(4000)
    for seed in range(20):
        samples = augmentation(clip, RATE, np.random.default_rng(seed), shortest=shortest)
        assert len(samples) >= min(shortest, len(clip))


def test_silence_is_put_around():
    clip = np.ones(1000, "float32")
    lengths = set()
    for seed in range(10):
        samples = changed(clip, seed, shift=0.05)
        (real,) = np.nonzero(samples)
        assert (len(real), real[-1] - real[0]) == (1000, 999)
        lengths.add(len(samples))
    assert max(lengths) <= 1000 + 2 * 800
    assert len(lengths) > 5


def test_loudness_changes_by_the_decibels_at_most():
    factors = [changed(tone(), seed, gain=6.0)[5] / tone()[5] for seed in range(30)]
    assert 0.5 < min(factors) < 0.7
    assert 1.5 < max(factors) < 2.0


def test_an_equaliser_changes_bands_by_the_decibels_at_most():
    click = np.zeros(4096, "float32")
    click[2048] = 1
    for seed in range(10):
        decibels = 20 * np.log10(np.abs(np.fft.rfft(changed(click, seed, equalizer=8.0))))
        assert np.abs(decibels).max() < 8.01
        assert np.ptp(decibels) > 2


def test_noise_is_ten_to_forty_decibels_below():
    clip = tone()
    heard = [changed(clip, seed, noise=0.99) - clip for seed in range(40)]
    below = [10 * np.log10(np.mean(clip**2) / np.mean(noise**2)) for noise in heard if noise.any()]
    assert len(below) > 30
    assert 9 < min(below) < 15
    assert 35 < max(below) < 41


def test_silence_stays_silent():
    silence = np.zeros(400, "float32")
    options = {"speed": 0.1, "gain": 6.0, "equalizer": 6.0, "noise": 0.99, "shift": 0.1}
    assert not changed(silence, **options).any()
