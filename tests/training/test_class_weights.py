import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from attnzoo import training
from attnzoo.training.class_weights import class_weights
from attnzoo.training.tasks import get_training_task


class Rows:
    """A split of which only the labels matter."""

    def __init__(self, labels):
        self.flat_labels = np.array(labels, "int32")


def test_balanced_weights_are_those_of_scikit_learn():
    labels = [0] * 7 + [1] * 2 + [2]
    expected = compute_class_weight("balanced", classes=np.arange(3), y=np.array(labels))
    np.testing.assert_allclose(class_weights("balanced", ["a", "b", "c"], Rows(labels)), expected)


def test_a_class_without_examples_divides_nothing_by_zero():
    assert np.isfinite(class_weights("balanced", ["a", "b", "c"], Rows([0, 0, 1]))).all()


def test_labels_that_are_not_named_weigh_one():
    assert class_weights({"b": 3}, ["a", "b"], Rows([0, 1])) == [1.0, 3.0]
    assert class_weights(None, ["a", "b"], Rows([0, 1])) is None
    with pytest.raises(ValueError, match=r"labels \['a', 'b'\]. Received: c"):
        class_weights({"c": 3}, ["a", "b"], Rows([0, 1]))


def test_words_of_a_tagger_are_weighed_and_padding_weighs_nothing(tagged_data, tagger):
    names, weight = tagged_data.label_names, {"O": 0.25, "B-place": 3.0}
    recipe = training.get_recipe(
        "demo", "token_classification", class_weight=weight, label_smoothing=0.0
    )
    task = get_training_task("token_classification")
    loss = task.compile_arguments(tagger, recipe, tagged_data.train)["loss"]
    inputs, labels, is_word = next(iter(tagger.make_batches(tagged_data.validation)))
    assert (is_word == 0).any()
    logits = tagger.model.predict_on_batch(inputs).astype("float64")
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    words = is_word.astype(bool)
    of_words = [weight.get(names[label], 1.0) for label in labels[words]]
    losses = -np.take_along_axis(log_probabilities[words], labels[words][:, None], axis=1)[:, 0]
    expected = (of_words * losses).sum() / words.sum()
    received = loss(labels, logits.astype("float32"), sample_weight=is_word)
    assert float(received) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("value", ["even", {"bad": 0}, {"bad": "much"}, 3])
def test_what_is_no_weight_is_refused(value):
    with pytest.raises(ValueError, match='`class_weight` of a recipe, expected "balanced"'):
        training.get_recipe("demo", class_weight=value)
