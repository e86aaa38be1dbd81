import numpy as np
import pytest

from attnzoo import training, zoo
from attnzoo.training.consistency import PairConsistency, with_consistency

from .runs import RECIPE, new_pipeline


def probabilities(logits):
    exponentials = np.exp(logits.astype("float64"))
    return exponentials / exponentials.sum(-1, keepdims=True)


def test_the_loss_is_the_divergence_both_ways_between_the_two_answers():
    logits = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    layer = PairConsistency(2.0)
    np.testing.assert_array_equal(layer(logits, training=True), logits)
    p, q = probabilities(logits[0::2]), probabilities(logits[1::2])
    there, back = (p * np.log(p / q)).sum(-1), (q * np.log(q / p)).sum(-1)
    expected = 2.0 * ((there + back) / 2).mean()
    assert float(layer.losses[0]) == pytest.approx(expected, rel=1e-5)


def test_equal_answers_cost_nothing():
    layer = PairConsistency(2.0)
    layer(np.repeat([[1.0, -2.0]], 4, axis=0).astype("float32"), training=True)
    assert float(layer.losses[0]) == pytest.approx(0.0, abs=1e-7)


def test_outside_of_training_there_is_no_loss():
    layer = PairConsistency(2.0)
    layer(np.ones((3, 2), "float32"), training=False)
    assert layer.losses == []


@pytest.mark.usefixtures("small_architecture")
def test_each_row_stands_twice_in_its_batch(toy_data):
    pipeline = new_pipeline(toy_data)
    once, twice = (
        list(pipeline.make_batches(toy_data.train, 4, copies=copies)) for copies in (1, 2)
    )
    assert len(once) == len(twice)
    for (inputs, labels), (inputs_twice, labels_twice) in zip(once, twice, strict=True):
        for copy in (0, 1):
            np.testing.assert_array_equal(inputs_twice["token_ids"][copy::2], inputs["token_ids"])
            np.testing.assert_array_equal(labels_twice[copy::2], labels)


def test_a_model_with_dropout_pays_for_answering_differently():
    model = zoo.build("sentiment_classifier/tiny", dropout=0.3)
    twin = with_consistency(model, 4.0)
    inputs = {"token_ids": np.repeat([[2, 7, 9, 3]], 4, axis=0)}
    np.testing.assert_array_equal(twin(inputs), model(inputs))
    assert twin.losses == []
    twin(inputs, training=True)
    assert float(twin.losses[0]) > 0.0
    assert twin.weights == model.weights


@pytest.mark.usefixtures("small_architecture")
def test_a_run_with_consistency_learns_another_model_of_the_same_layers(toy_data, tmp_path):
    recipe = RECIPE.replace(epochs=2)
    plain, consistent = (
        training.fit(
            new_pipeline(toy_data), toy_data, recipe.replace(consistency=weight), seed=3, verbose=0
        )
        for weight in (0.0, 4.0)
    )
    kinds = [type(layer) for layer in consistent.pipeline.model.layers]
    assert kinds == [type(layer) for layer in plain.pipeline.model.layers]
    assert np.isfinite([row["loss"] for row in consistent.rows]).all()
    texts = list(toy_data.validation.inputs())
    accuracy = np.mean(consistent.pipeline.logits(texts).argmax(-1) == toy_data.validation.labels)
    assert accuracy == pytest.approx(consistent.best["val_accuracy"])
