import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_score

from attnzoo import training
from attnzoo.zoo import Prediction

NAMES = ["bad", "fair", "good", "never"]


@pytest.fixture
def answers():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 200)
    return labels, np.where(generator.random(200) < 0.7, labels, generator.integers(0, 3, 200))


def test_it_is_what_scikit_learn_says(answers):
    labels, predicted = answers
    evaluation = training.score(labels, predicted, NAMES)
    every = {"labels": range(4), "zero_division": 0}
    assert evaluation.rows == 200
    assert evaluation.accuracy == pytest.approx(accuracy_score(labels, predicted))
    assert evaluation.macro_f1 == pytest.approx(
        f1_score(labels, predicted, average="macro", **every)
    )
    precisions = precision_score(labels, predicted, average=None, **every)
    scores = f1_score(labels, predicted, average=None, **every)
    for index, name in enumerate(NAMES):
        assert evaluation.per_label[name]["precision"] == pytest.approx(precisions[index])
        assert evaluation.per_label[name]["f1"] == pytest.approx(scores[index])
        assert evaluation.per_label[name]["support"] == (labels == index).sum()
    np.testing.assert_array_equal(
        evaluation.confusion, confusion_matrix(labels, predicted, labels=range(4))
    )


def test_recall_is_the_share_of_a_label_that_is_found(answers):
    labels, predicted = answers
    evaluation = training.score(labels, predicted, NAMES)
    for index, name in enumerate(NAMES[:3]):
        expected = (predicted[labels == index] == index).mean()
        assert evaluation.per_label[name]["recall"] == pytest.approx(expected)


def test_all_right_and_all_wrong():
    labels = np.array([0, 1, 1])
    assert training.score(labels, labels, ["a", "b"]).macro_f1 == 1.0
    wrong = training.score(labels, 1 - labels, ["a", "b"])
    assert (wrong.accuracy, wrong.macro_f1) == (0.0, 0.0)


def test_it_can_be_written_as_json(answers):
    evaluation = training.score(*answers, NAMES)
    restored = json.loads(json.dumps(evaluation.to_dict()))
    assert restored["accuracy"] == evaluation.accuracy
    assert restored["confusion"] == evaluation.confusion.tolist()
    assert list(restored["per_label"]) == NAMES


class Guesser:
    """Says `good` where the text has a word for it; knows the labels in an order of its own."""

    labels = ("bad", "good")

    def stream(self, texts, batch_size):
        for text in texts:
            label = "good" if {"lovely", "great"} & set(text.split()) else "bad"
            yield Prediction(label, 1.0, {label: 1.0})


def test_a_predictor_is_compared_row_by_row(toy_data):
    evaluation = training.evaluate(Guesser(), toy_data.test)
    texts, labels = list(toy_data.test.inputs()), toy_data.test.labels
    right = [
        (any(word in text.split() for word in ("lovely", "great"))) == (label == 1)
        for text, label in zip(texts, labels, strict=True)
    ]
    assert evaluation.rows == 20
    assert evaluation.accuracy == pytest.approx(np.mean(right))
    assert 0.5 < evaluation.accuracy < 1.0
