import keras
import numpy as np
import pytest

from attnzoo.layers import BlankPadding
from attnzoo.training import CTCLoss, SmoothedCrossentropy

from .ctc_reference import ctc_reference


def reference(labels, logits, smoothing):
    """Szegedy et al., 2016, section 7, in float64."""
    logits = logits.astype("float64")
    shifted = logits - logits.max(-1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    classes = logits.shape[-1]
    targets = np.eye(classes)[labels] * (1 - smoothing) + smoothing / classes
    return -(targets * log_probabilities).sum(-1)


@pytest.fixture
def batch():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 5, 12)
    return labels, (6 * generator.normal(size=(12, 5))).astype("float32")


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_it_is_the_formula_in_float64(batch, smoothing):
    expected = reference(*batch, smoothing)
    loss = SmoothedCrossentropy(smoothing, reduction=None)
    np.testing.assert_allclose(loss(*batch), expected, rtol=1e-5)
    assert float(SmoothedCrossentropy(smoothing)(*batch)) == pytest.approx(expected.mean(), 1e-5)


def test_without_smoothing_it_is_kerass_own(batch):
    keras_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert float(SmoothedCrossentropy()(*batch)) == pytest.approx(float(keras_loss(*batch)), 1e-6)


def test_weights_count_rows(batch):
    weights = np.random.default_rng(1).random(12)
    expected = (weights * reference(*batch, 0.1)).sum() / 12
    loss = SmoothedCrossentropy(0.1)(*batch, sample_weight=weights)
    assert float(loss) == pytest.approx(expected, 1e-5)


def test_large_logits_stay_finite():
    logits = np.array([[1e4, -1e4], [-1e4, 1e4]], "float32")
    loss = SmoothedCrossentropy(0.1, reduction=None)(np.array([0, 0]), logits)
    np.testing.assert_allclose(loss, reference(np.array([0, 0]), logits, 0.1), rtol=1e-6)


def test_its_configuration_makes_it_anew():
    loss = SmoothedCrossentropy(0.3, name="mine")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(copy) is SmoothedCrossentropy
    assert copy.get_config() == loss.get_config()
    assert (copy.label_smoothing, copy.name) == (0.3, "mine")


# === CTC ===

TRANSCRIPTS = [[1], [1, 2], [2, 2], [3, 1, 3], [], [1, 1, 2]]


def ctc_batch(seed, vectors=5, num_classes=4):
    logits = np.random.default_rng(seed).normal(size=(len(TRANSCRIPTS), vectors, num_classes))
    targets = np.zeros((len(TRANSCRIPTS), 3), "int32")
    for row, classes in zip(targets, TRANSCRIPTS, strict=True):
        row[: len(classes)] = classes
    return 2 * logits.astype("float32"), targets


@pytest.mark.parametrize("seed", range(3))
def test_ctc_is_the_sum_over_all_paths(seed):
    logits, targets = ctc_batch(seed)
    losses = CTCLoss(reduction="none")(targets, logits)
    expected = [ctc_reference(*pair) for pair in zip(logits, TRANSCRIPTS, strict=True)]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    np.testing.assert_allclose(CTCLoss()(targets, logits), np.mean(expected), rtol=1e-5)


def test_padded_vectors_that_are_blank_do_not_count():
    logits, targets = ctc_batch(0)
    longer = np.pad(logits, ((0, 0), (0, 3), (0, 0)))
    mask = np.arange(8) < 5
    blank = BlankPadding()(longer, padding_mask=np.broadcast_to(mask, longer.shape[:2]))
    wider = np.pad(targets, ((0, 0), (0, 4)))
    loss = CTCLoss(reduction="none")
    np.testing.assert_allclose(loss(wider, blank), loss(targets, logits), rtol=1e-5)


def test_ctc_comes_back_from_its_configuration():
    loss = CTCLoss(reduction="none", name="mine")
    assert CTCLoss.from_config(loss.get_config()).get_config() == loss.get_config()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_of_a_row_is_weighed_by_its_class(batch, smoothing):
    labels, logits = batch
    weights = [0.5, 2.0, 1.0, 0.0, 3.0]
    expected = reference(labels, logits, smoothing) * np.array(weights)[labels]
    loss = SmoothedCrossentropy(smoothing, weights, reduction=None)
    np.testing.assert_allclose(loss(labels, logits), expected, rtol=1e-5)
    shares = np.eye(5, dtype="float32")[labels]
    np.testing.assert_allclose(loss(shares, logits), expected, rtol=1e-5)
    restored = keras.losses.deserialize(keras.losses.serialize(loss))
    assert restored.get_config() == loss.get_config()
