import numpy as np
import pytest

from attnzoo.layers import FrameMask, WaveformEncoder

from ..layer_test_case import named_weights, randomize_weights
from . import references_speech
from .calls import array, run

STAGES = ((4, 5, 6), (5, 3, 2), (3, 2, 1))
REACH, STEP = 5 + 2 * 3 + 1 * 6, 6


def encoder(normalization, **kwargs):
    layer = WaveformEncoder(*STAGES, normalization, **kwargs)
    layer.build((None, None, 1))
    randomize_weights(layer)
    return layer


def recordings(*lengths):
    """Noise of these lengths, padded with noise, and its mask."""
    samples = np.random.default_rng(0).normal(size=(len(lengths), max(lengths), 1))
    return samples.astype("float32"), np.arange(max(lengths)) < np.array(lengths)[:, None]


@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("normalization", ["group", "layer"])
def test_each_recording_gives_what_it_gives_by_itself_in_float64(normalization, use_bias):
    layer = encoder(normalization, use_bias=use_bias)
    samples, mask = recordings(70, 69, 41, REACH)
    outputs = run(layer, samples, padding_mask=mask)
    vectors = array(FrameMask(STEP, REACH - 1)(outputs, padding_mask=mask))
    assert vectors.sum(axis=1).tolist() == [9, 9, 5, 1]
    for row, clip, real, is_real in zip(outputs, samples, mask, vectors, strict=True):
        expected = references_speech.vectors_of_samples(
            clip[real], named_weights(layer), STAGES[-1], normalization
        )
        np.testing.assert_allclose(row[is_real], expected, atol=1e-5)
    alone = run(layer, samples[:1])
    np.testing.assert_allclose(alone, outputs[:1], atol=1e-5)


def test_padding_is_heard_as_zeros_where_that_is_asked_for():
    layer = encoder("group", hears_padding=True)
    samples, mask = recordings(70, 41)
    outputs = run(layer, samples, padding_mask=mask)
    for row, clip in zip(outputs, np.where(mask[:, :, None], samples, 0.0), strict=True):
        expected = references_speech.vectors_of_samples(
            clip, named_weights(layer), STAGES[-1], "group"
        )
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_another_normalization_is_refused():
    with pytest.raises(ValueError, match=r"`normalization`, expected one of .*='batch'"):
        WaveformEncoder(*STAGES, "batch")
    with pytest.raises(ValueError, match=r"as many of each .* strides=\(3,\)"):
        WaveformEncoder((4, 5), (5, 3), (3,), "group")
