import keras
import numpy as np

from attnzoo.training import LabelAccuracy, SmoothedCrossentropy

LOGITS = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
LABELS = np.array([0, 1, 2, 2, 1, 0])
SHARES = np.random.default_rng(1).dirichlet(np.ones(3), 6).astype("float32")


def test_it_is_the_accuracy_of_keras_for_integers_and_for_shares_by_turns():
    ours = LabelAccuracy()
    for labels, theirs in (
        (LABELS, keras.metrics.SparseCategoricalAccuracy()),
        (SHARES, keras.metrics.CategoricalAccuracy()),
        (LABELS, keras.metrics.SparseCategoricalAccuracy()),
    ):
        ours.reset_state()
        ours.update_state(labels, LOGITS, sample_weight=[1, 1, 0, 1, 0.5, 1])
        theirs.update_state(labels, LOGITS, sample_weight=[1, 1, 0, 1, 0.5, 1])
        np.testing.assert_allclose(ours.result(), theirs.result(), rtol=1e-6)


def test_words_of_sentences_each_count():
    logits = np.stack([LOGITS, LOGITS[::-1]])
    expected = np.mean(logits.argmax(-1) == [LABELS, LABELS])
    np.testing.assert_allclose(LabelAccuracy()(np.stack([LABELS, LABELS]), logits), expected)


def test_it_is_rebuilt_from_its_configuration():
    metric = keras.metrics.deserialize(keras.metrics.serialize(LabelAccuracy("right")))
    assert isinstance(metric, LabelAccuracy)
    assert metric.name == "right"


def test_the_loss_of_shares_is_the_mean_of_the_losses_of_labels():
    loss = SmoothedCrossentropy(0.1)
    each = [float(loss(np.full(6, k), LOGITS)) for k in range(3)]
    same = np.broadcast_to(np.float32([0.2, 0.3, 0.5]), (6, 3))
    np.testing.assert_allclose(loss(same, LOGITS), np.dot([0.2, 0.3, 0.5], each), rtol=1e-5)
