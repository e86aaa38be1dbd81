import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import LogMelSpectrogram

from . import references_speech
from .calls import run

SIZES = [(16000, 400, 160, 80, 512), (8000, 200, 80, 40, 256), (1000, 7, 7, 2, 16)]


def noise(batch, samples, seed=0):
    return (0.1 * np.random.default_rng(seed).normal(size=(batch, samples))).astype("float32")


@pytest.mark.parametrize(("rate", "frame", "hop", "mels", "points"), SIZES)
def test_it_is_a_windowed_fourier_transform_in_mel_bands(rate, frame, hop, mels, points):
    layer = LogMelSpectrogram(rate, frame, hop, mels, fft_length=points)
    waveform = noise(2, 5 * frame + hop + 3)
    expected = references_speech.log_mels(waveform, rate, frame, hop, mels, points)
    np.testing.assert_allclose(run(layer, waveform), expected, rtol=0, atol=5e-5)


@pytest.mark.parametrize("frequency", [200.0, 1000.0, 5000.0])
def test_a_tone_is_loudest_in_the_band_around_it(frequency):
    layer = LogMelSpectrogram()
    wave = np.sin(2 * np.pi * frequency * np.arange(3200) / 16000)[None].astype("float32")
    band = run(layer, wave)[0, -1].argmax()
    weights = references_speech.triangles(80, 512, 16000)[round(frequency * 512 / 16000)]
    assert weights[band] == weights.max()


def test_silence_is_the_floor():
    frames = run(LogMelSpectrogram(floor=1e-3), np.zeros((1, 1600), "float32"))
    np.testing.assert_allclose(frames, np.log(1e-3), rtol=1e-6)


@given(st.integers(1, 40), st.integers(0, 159), st.integers(0, 2**32 - 1))
def test_there_is_a_frame_for_each_whole_hop_and_none_sees_what_comes_later(hops, rest, seed):
    layer, waveform = LogMelSpectrogram(num_mels=20), noise(1, hops * 160 + rest, seed)
    frames = run(layer, waveform)
    assert frames.shape == (1, hops, 20)
    longer = np.concatenate([waveform, noise(1, 500, seed + 1)], axis=1)
    np.testing.assert_allclose(run(layer, longer)[:, :hops], frames, rtol=0, atol=2e-5)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 2**32 - 1))
def test_steps_of_any_size_give_the_frames_of_the_whole(hops, seed):
    layer, waveform = LogMelSpectrogram(num_mels=20), noise(2, 160 * sum(hops), seed)
    mask = np.arange(waveform.shape[1]) < np.array([[waveform.shape[1]], [161]])
    state, frames, masks = layer.initial_state(2), [], []
    for end, count in zip(160 * np.cumsum(hops), hops, strict=True):
        part = slice(end - 160 * count, end)
        step, step_mask, state = layer.step(waveform[:, part], state, mask[:, part])
        frames.append(np.asarray(step))
        masks.append(np.asarray(step_mask))
    np.testing.assert_allclose(np.concatenate(frames, 1), run(layer, waveform), rtol=0, atol=2e-5)
    assert np.concatenate(masks, 1).sum(axis=1).tolist() == [sum(hops), 1]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_energies_are_computed_in_float32_whatever_the_policy(policy):
    waveform = noise(1, 3200)
    frames = run(LogMelSpectrogram(dtype=policy), waveform)
    np.testing.assert_allclose(frames, run(LogMelSpectrogram(), waveform), rtol=4e-3, atol=4e-2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_mels": 0}, "`num_mels`, expected a positive integer"),
        ({"sampling_rate": 16000.0}, "`sampling_rate`, expected a positive integer"),
        ({"hop_length": 401}, "`hop_length` <= `frame_length`"),
        ({"fft_length": 256}, "`frame_length` <= `fft_length`"),
        ({"max_frequency": 9000.0}, "`max_frequency` <= `sampling_rate` / 2"),
        ({"min_frequency": 8000.0}, "`min_frequency` < `max_frequency`"),
        ({"num_mels": 256}, "use fewer bands"),
    ],
)
def test_what_makes_no_spectrum_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LogMelSpectrogram(**arguments)
