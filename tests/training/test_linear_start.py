"""A text classifier that begins as a linear model."""

import keras
import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from attnzoo import training, zoo
from attnzoo.training import callbacks
from attnzoo.training.callbacks import EpochSeeds
from attnzoo.training.linear_start import (
    LinearStart,
    can_begin_linearly,
    cross_fitted_evidence,
)

from .runs import assert_same_run

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["good", "goodness", "##ness", "film", "bad", "badly", "plot"]
TOKENS = [*SPECIAL, *WORDS]


def drawn_rows(count=40, classes=2, seed=0):
    generator = np.random.default_rng(seed)
    rows = [
        np.array([2, *generator.integers(5, len(TOKENS), generator.integers(1, 9)), 3])
        for _ in range(count)
    ]
    return rows, np.arange(count) % classes


def strings(token):
    text = token.removeprefix("##")
    marked = f"{text}$" if token.startswith("##") else f"^{text}$"
    return {marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1)}


def test_evidence_is_that_of_logistic_regression():
    rows, labels = drawn_rows()
    texts = [[TOKENS[token] for token in row if token >= len(SPECIAL)] for row in rows]
    pieces = CountVectorizer(analyzer=list).fit_transform(texts).toarray()
    of_strings = CountVectorizer(
        analyzer=lambda tokens: [string for token in tokens for string in strings(token)]
    )
    spelled = of_strings.fit_transform(texts).toarray()
    inputs = np.hstack([pieces, spelled / 2]) / np.array([[len(row)] for row in rows])
    seen = [1 + (inputs[labels == label] > 0).sum(axis=0) for label in (0, 1)]
    ratios = np.log(seen[1] / seen[1].sum()) - np.log(seen[0] / seen[0].sum())
    regression = LogisticRegression(C=100, max_iter=200).fit(inputs * ratios, labels)
    expected = regression.decision_function(inputs * ratios) - regression.intercept_

    (evidence, *_), _ = cross_fitted_evidence(rows, labels, 2, TOKENS, folds=2)
    means = np.stack([evidence[row].mean(axis=0) for row in rows])
    np.testing.assert_allclose(means[:, 1] - means[:, 0], expected, rtol=1e-2, atol=1e-2)
    assert not evidence[: len(SPECIAL)].any()


@pytest.mark.parametrize("classes", [2, 3])
def test_a_table_has_not_seen_the_rows_of_its_fold(classes):
    rows, labels = drawn_rows(classes=classes)
    evidence, unseen = cross_fitted_evidence(rows, labels, classes, TOKENS, folds=4)
    assert np.bincount(unseen).tolist() == [0, 10, 10, 10, 10]
    one, other = (np.flatnonzero((unseen == 2) & (labels == label))[0] for label in (0, 1))
    rows[one], rows[other] = rows[other], rows[one]
    changed, folds = cross_fitted_evidence(rows, labels, classes, TOKENS, folds=4)
    assert (folds == unseen).all()
    np.testing.assert_array_equal(changed[2], evidence[2])
    assert np.abs(changed - evidence)[[0, 1, 3, 4]].max(axis=(1, 2)).min() > 0.01


def small_model(**changes):
    keras.utils.set_random_seed(0)
    changes = {"vocabulary_size": len(TOKENS), "dropout": 0.0, **changes}
    return zoo.build("sentiment_classifier/tiny", embedding_dropout=0.0, **changes)


def test_the_model_is_the_regression_but_for_its_blocks():
    rows, labels = drawn_rows()
    model = small_model(position=None)
    LinearStart(model, rows, labels, TOKENS, folds=3).training_model(model)
    (evidence, *_), _ = cross_fitted_evidence(rows, labels, 2, TOKENS, folds=3)
    backbone = model.get_layer("token_embedding")(rows[0][None])
    logits = model.get_layer("logits")(keras.ops.mean(backbone, axis=1))
    # What tells tokens apart besides is small.
    np.testing.assert_allclose(logits[0], evidence[rows[0]].mean(axis=0), atol=0.5)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_rows_are_looked_up_in_the_table_that_has_not_seen_them(dtype):
    rows, labels = drawn_rows()
    model = small_model(dtype=dtype)
    start = LinearStart(model, rows, labels, TOKENS, folds=3)
    trained = start.training_model(model)
    evidence, unseen = cross_fitted_evidence(rows, labels, 2, TOKENS, folds=3)
    assert (start.offsets == unseen * len(TOKENS)).all()
    ids = rows[0][None].astype("int32")
    mask = {"padding_mask": np.ones(ids.shape, bool)}
    tolerance = {"float32": 1e-5, "mixed_bfloat16": 0.1}[dtype]
    np.testing.assert_allclose(
        trained({"token_ids": ids, **mask}), model({"token_ids": ids}), atol=1e-6
    )
    seen_by_none = trained({"token_ids": ids + start.offsets[0].astype("int32"), **mask})
    embedding, head = model.get_layer("token_embedding"), model.get_layer("logits")
    change = (evidence[unseen[0]] - evidence[0]) @ np.linalg.pinv(head.get_weights()[0])
    embedding.set_weights([embedding.get_weights()[0] + change])
    np.testing.assert_allclose(
        seen_by_none, model({"token_ids": ids}), atol=tolerance, rtol=tolerance
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"final_norm": True},
        {"pooling": "cls"},
        {"position": "sinusoidal"},
        {"embedding_norm": True},
    ],
    ids=str,
)
def test_models_whose_logits_are_not_linear_in_the_embeddings_begin_at_random(changes):
    config = zoo.get_config("sentiment_classifier/tiny")
    assert can_begin_linearly(config)
    assert not can_begin_linearly(config.replace(**changes))


def test_few_texts_choose_the_recipe(toy_data):
    assert training.get_recipe("scratch", data=toy_data).evidence_folds == 5
    assert training.get_recipe("scratch").evidence_folds == 0
    with pytest.raises(ValueError, match="evidence_folds=1"):
        training.get_recipe("scratch", evidence_folds=1)


def fit(data, out=None, model="sentiment_classifier/tiny", **kwargs):
    recipe = training.get_recipe("few", epochs=3, batch_size=8, consistency=1.0)
    return training.fit(model, data, recipe, out=out, seed=0, verbose=0, **kwargs)


def embeddings(pipeline):
    return pipeline.model.get_layer("token_embedding").get_weights()[0]


def test_embeddings_stay_and_the_rest_learns_and_a_second_training_goes_on(toy_data, tmp_path):
    history = fit(toy_data, tmp_path / "run")
    keras.utils.set_random_seed(0)
    fresh = training.prepare("sentiment_classifier/tiny", toy_data)
    recipe = training.get_recipe("few")
    task = training.tasks.get_training_task("text_classification")
    task.start(fresh, toy_data, recipe).training_model(fresh.model)
    np.testing.assert_array_equal(embeddings(history.pipeline), embeddings(fresh))
    block = [pipeline.model.get_layer("encoder_block_0") for pipeline in (history.pipeline, fresh)]
    assert any((a != b).any() for a, b in zip(*(b.get_weights() for b in block), strict=True))
    assert all(weight.trainable for weight in history.pipeline.model.trainable_weights)

    loaded = zoo.load(tmp_path / "run")
    np.testing.assert_array_equal(embeddings(loaded), embeddings(fresh))
    prepared = training.prepare(loaded, toy_data)
    again = fit(toy_data, model=prepared)
    assert again.pipeline.training["new_weights"] is False
    assert (embeddings(again.pipeline) != embeddings(fresh)).any()


def test_a_stopped_run_goes_on_as_if_it_had_not_been(toy_data, tmp_path, monkeypatch):
    monkeypatch.setattr(callbacks, "SECONDS_BETWEEN_BACKUPS", 0)
    whole = fit(toy_data, tmp_path / "whole")
    begin = EpochSeeds.on_epoch_begin

    def stopping(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt
        begin(self, epoch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(EpochSeeds, "on_epoch_begin", stopping)
        with pytest.raises(KeyboardInterrupt):
            fit(toy_data, tmp_path / "stopped")
    keras.utils.set_random_seed(999)
    assert_same_run(fit(toy_data, tmp_path / "stopped", resume=True), whole)
