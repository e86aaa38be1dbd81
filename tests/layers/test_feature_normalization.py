import numpy as np
import pytest

from attnzoo.layers import FeatureNormalization

from .calls import run

FRAMES = np.random.default_rng(0).normal(3.0, 2.0, (3, 9, 4)).astype("float32")
MASK = np.arange(9) < np.array([[9], [4], [0]])


def test_global_statistics_are_weights_that_are_not_trained():
    layer = FeatureNormalization()
    np.testing.assert_array_equal(run(layer, FRAMES), FRAMES)
    mean, deviation = np.arange(4.0), np.arange(1.0, 5.0)
    layer.set_weights([mean, deviation])
    np.testing.assert_allclose(run(layer, FRAMES), (FRAMES - mean) / deviation, rtol=1e-5)
    assert not layer.trainable_weights


def test_each_utterance_has_the_statistics_of_its_real_frames():
    outputs = run(FeatureNormalization("utterance", epsilon=0.0), FRAMES, padding_mask=MASK)
    for row in (0, 1):
        real = FRAMES[row][MASK[row]].astype("float64")
        expected = (FRAMES[row] - real.mean(axis=0)) / real.std(axis=0)
        np.testing.assert_allclose(outputs[row], expected, rtol=1e-4, atol=1e-4)


def test_nothing_but_padding_stays_finite():
    assert np.isfinite(run(FeatureNormalization("utterance"), FRAMES, padding_mask=MASK)).all()


def test_without_a_mask_all_is_real():
    layer = FeatureNormalization("utterance")
    every = np.ones(FRAMES.shape[:2], bool)
    np.testing.assert_allclose(run(layer, FRAMES), run(layer, FRAMES, padding_mask=every))


def test_what_is_too_quiet_is_raised_to_the_range():
    layer = FeatureNormalization("utterance", epsilon=0.0, dynamic_range=3.0)
    frames = np.where(MASK[:, :, None], FRAMES, 99.0).astype("float32")  # Not to be heeded.
    outputs = run(layer, frames, padding_mask=MASK)
    for row in (0, 1):
        real = FRAMES[row][MASK[row]].astype("float64")
        raised = np.maximum(real, real.max() - 3.0)
        assert (raised != real).any()
        expected = (raised - raised.mean(axis=0)) / raised.std(axis=0)
        np.testing.assert_allclose(outputs[row][MASK[row]], expected, rtol=1e-4, atol=1e-4)
    layer = FeatureNormalization("utterance", dynamic_range=3.0)
    assert np.isfinite(run(layer, frames, padding_mask=MASK)).all()


@pytest.mark.parametrize(("scope", "dynamic_range"), [("global", 3.0), ("utterance", 0.0)])
def test_a_range_that_means_nothing_is_refused(scope, dynamic_range):
    with pytest.raises(ValueError, match="argument `dynamic_range`"):
        FeatureNormalization(scope, dynamic_range=dynamic_range)


def test_another_scope_is_refused():
    with pytest.raises(ValueError, match=r"`scope`, expected one of .*scope='batch'"):
        FeatureNormalization("batch")
