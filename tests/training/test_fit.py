import json

import keras
import numpy as np
import pytest

from attnzoo import training, zoo

from .runs import RECIPE, assert_same_run, new_pipeline, read_csv, train
from .toy_data import toy_reviews, write_rows

# === A run that nothing interrupts ===


def test_it_learns(finished, toy_data):
    history = finished.history
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert finished.best["val_accuracy"] > 0.9
    assert training.evaluate(finished.pipeline, toy_data.test).accuracy > 0.75
    assert finished.pipeline(["a lovely song"])[0].label == "good"
    assert finished.pipeline(["a dreadful song"])[0].label == "bad"


def test_each_epoch_has_a_row(finished):
    assert [row["epoch"] for row in finished.rows] == [0, 1, 2, 3]
    assert set(finished.rows[0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}
    assert finished.seconds > 0


def test_the_weights_of_the_best_epoch_are_kept(finished, toy_data):
    best = finished.best
    assert best["val_accuracy"] == max(row["val_accuracy"] for row in finished.rows)
    logits = finished.pipeline.logits(list(toy_data.validation.inputs())).astype("float64")
    labels = toy_data.validation.labels
    assert (logits.argmax(-1) == labels).mean() == pytest.approx(best["val_accuracy"])
    shifted = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    smoothing = RECIPE.label_smoothing
    targets = np.eye(2)[labels] * (1 - smoothing) + smoothing / 2
    assert -(targets * shifted).sum(-1).mean() == pytest.approx(best["val_loss"], rel=1e-4)


def test_the_folder_holds_the_run_and_nothing_else(finished, run_folder):
    assert sorted(path.name for path in run_folder.iterdir()) == [
        "history.csv",
        "labels.txt",
        "learning_curve.png",
        "manifest.json",
        "model.keras",
        "tokenizer.json",
    ]
    assert (run_folder / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    rows = read_csv(run_folder / "history.csv")
    assert [{name: float(value) for name, value in row.items()} for row in rows] == finished.rows


def test_the_folder_loads_with_the_best_weights(finished, run_folder, toy_data):
    texts = list(toy_data.test.inputs())
    loaded = zoo.load(run_folder)
    np.testing.assert_array_equal(loaded.logits(texts), finished.pipeline.logits(texts))


def test_the_manifest_says_how_it_was_trained(finished, run_folder, toy_data):
    trained = json.loads((run_folder / "manifest.json").read_text(encoding="utf-8"))["training"]
    assert trained == finished.pipeline.training
    assert trained["data"] == toy_data.spec
    assert trained["seed"] == 0
    assert training.TextRecipe(**trained["recipe"]) == RECIPE
    assert trained["best"] == finished.best
    assert trained["interrupted"] is False
    assert trained["who"] == "the tests"


def test_the_trained_model_goes_on_with_plain_keras(finished, toy_data):
    pipeline = finished.pipeline
    trained = pipeline.model.get_weights()
    history = pipeline.model.fit(pipeline.batches(toy_data.train), epochs=2, verbose=0)
    assert history.epoch == [0, 1], "no epoch is skipped"
    pipeline.model.set_weights(trained)


# === Seeds ===


def test_the_same_seed_gives_the_same_weights(finished, start, toy_data, tmp_path):
    keras.utils.set_random_seed(12345)  # What happened before does not matter.
    assert_same_run(train(start, toy_data, out=tmp_path / "run"), finished)


def test_another_seed_gives_other_weights(finished, start, toy_data):
    other = train(start, toy_data, RECIPE.replace(epochs=1), seed=1)
    assert other.rows[0]["loss"] != finished.rows[0]["loss"]
    assert any(
        not np.array_equal(weight, reference)
        for weight, reference in zip(
            other.pipeline.model.weights, finished.pipeline.model.weights, strict=True
        )
    )


# === Stopping early ===


def test_it_stops_when_patience_runs_out_and_keeps_the_first_best(start, toy_data):
    recipe = RECIPE.replace(epochs=10, learning_rate=1e-12, ema_momentum=None, patience=2)
    history = train(start, toy_data, recipe)
    assert len(history.rows) == 3
    assert history.best_epoch == 0


def test_an_unknown_monitor_is_refused(start, toy_data):
    with pytest.raises(ValueError, match=r"'val_accuracy', 'val_loss'\].*monitor='val_f1'"):
        train(start, toy_data, RECIPE.replace(epochs=1, monitor="val_f1"))


# === Folders ===


def test_a_finished_run_is_not_trained_over(finished, start, toy_data, run_folder):
    before = (run_folder / "manifest.json").read_bytes()
    with pytest.raises(FileExistsError, match=r"Expected no training run in .*finished"):
        train(start, toy_data, out=run_folder)
    assert (run_folder / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("folder", ["nowhere", "finished"])
def test_where_nothing_was_interrupted_nothing_is_resumed(finished, toy_data, run_folder, folder):
    with pytest.raises(FileNotFoundError, match="there is none to resume"):
        training.fit(
            "sentiment_classifier/tiny",
            toy_data,
            RECIPE,
            out=run_folder.with_name(folder),
            resume=True,
        )


@pytest.mark.parametrize("argument", ["resume", "tensorboard"])
def test_without_a_folder_there_is_nothing_to_resume_or_log_to(toy_data, argument):
    with pytest.raises(ValueError, match="Expected `out`"):
        training.fit("sentiment_classifier/tiny", toy_data, **{argument: True})


def test_overrides_of_a_pipeline_that_is_there_are_refused(small_architecture, toy_data):
    with pytest.raises(ValueError, match=r"pass them to `prepare`.*\['hidden_dim'\]"):
        training.fit(new_pipeline(toy_data), toy_data, hidden_dim=16)


def test_tensorboard_is_asked_for_where_it_is_missing(start, toy_data, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'attnzoo\[tensorboard\]'"):
        train(start, toy_data, out=tmp_path / "run", tensorboard=True)


# === By name, and from a trained pipeline ===


def test_a_name_is_prepared_with_its_overrides(toy_data):
    history = training.fit(
        "sentiment_classifier/tiny",
        toy_data,
        RECIPE.replace(epochs=1),
        verbose=0,
        hidden_dim=16,
        num_layers=1,
    )
    assert history.pipeline.model.name == "sentiment_classifier"
    assert history.pipeline.config.hidden_dim == 16
    assert len(history.rows) == 1


def test_training_goes_on_from_a_trained_pipeline(finished, run_folder, toy_data):
    history = train(run_folder, toy_data, RECIPE.replace(epochs=1, learning_rate=1e-5))
    # So small a rate changes nothing but the last digits.
    assert history.rows[0]["val_accuracy"] == finished.best["val_accuracy"]
    assert history.rows[0]["val_loss"] == pytest.approx(finished.best["val_loss"], abs=1e-3)


def test_a_trained_pipeline_learns_other_labels(finished, run_folder, tmp_path):
    texts = [text for text, _ in toy_reviews(40, seed=3)]
    things = ("book", "film", "game", "hotel", "meal", "song")
    rows = [(text, text.split()[-1]) for text in texts]
    data = training.load_data(write_rows(tmp_path / "a.tsv", rows), verbose=False)
    pipeline = training.prepare(zoo.load(run_folder), data)
    history = training.fit(
        pipeline, data, RECIPE.replace(epochs=2), out=tmp_path / "run", verbose=0
    )
    assert history.rows[1]["loss"] < history.rows[0]["loss"]
    assert zoo.load(tmp_path / "run").labels == sorted(things)
