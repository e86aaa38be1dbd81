import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.zoo.text_preprocessor import TextPreprocessor

from .pipelines import TEXTS, VOCABULARY, small_pipeline, small_preprocessor
from .small_models import small_model

FILES = ["labels.txt", "manifest.json", "model.keras", "tokenizer.json"]


@pytest.fixture(scope="module")
def pipeline():
    return small_pipeline()


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_saved_pipeline_answers_as_before(pipeline, tmp_path):
    pipeline.save(tmp_path / "run")
    assert files_in(tmp_path / "run") == FILES
    assert files_in(tmp_path) == ["run"]
    loaded = zoo.load(tmp_path / "run")
    np.testing.assert_array_equal(loaded.logits(TEXTS), pipeline.logits(TEXTS))
    assert loaded.labels == ["negative", "positive", "mixed"]
    assert loaded.config == pipeline.config
    assert loaded.training == {"seed": 0}


def test_it_can_be_saved_again_from_where_it_was_loaded(pipeline, tmp_path):
    pipeline.save(tmp_path / "run")
    loaded = zoo.load(str(tmp_path / "run"))
    loaded.save(tmp_path / "run", overwrite=True)
    again = zoo.load(tmp_path / "run")
    np.testing.assert_array_equal(again.logits(TEXTS), pipeline.logits(TEXTS))


def test_folders_above_it_are_made(pipeline, tmp_path):
    pipeline.save(tmp_path / "some" / "where" / "run")
    assert zoo.load(tmp_path / "some" / "where" / "run").labels == pipeline.labels


def test_the_manifest_says_what_is_there(pipeline, tmp_path):
    pipeline.save(tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["format"] == "attnzoo.pipeline"
    assert manifest["format_version"] == 1
    assert manifest["architecture"] == "sentiment_classifier"
    assert manifest["task"] == "text_classification"
    assert manifest["labels"] == pipeline.labels
    assert manifest["parameters"] == sum(w.size for w in pipeline.model.get_weights())
    assert manifest["versions"]["keras"] == keras.__version__
    assert sorted(manifest["files"]) == ["labels.txt", "model.keras", "tokenizer.json"]
    assert (tmp_path / "run" / "labels.txt").read_text() == "negative\npositive\nmixed\n"


def test_labels_of_any_script_come_back(tmp_path):
    labels = ("très bien", "ужасно", "良い", 'with "quotes"')
    small_pipeline(labels).save(tmp_path / "run")
    loaded = zoo.load(tmp_path / "run")
    assert loaded.labels == list(labels)
    assert (tmp_path / "run" / "labels.txt").read_text("utf-8").splitlines() == list(labels)


def test_half_precision_is_kept(tmp_path):
    pipeline = small_pipeline(dtype="mixed_bfloat16")
    pipeline.save(tmp_path / "run")
    np.testing.assert_array_equal(zoo.load(tmp_path / "run").logits(TEXTS), pipeline.logits(TEXTS))


def test_a_pipeline_that_is_there_is_not_replaced(pipeline, tmp_path):
    pipeline.save(tmp_path / "run")
    before = (tmp_path / "run" / "manifest.json").read_bytes()
    with pytest.raises(FileExistsError, match=r"no saved pipeline at .*run; .*overwrite=True"):
        small_pipeline(("other", "labels")).save(tmp_path / "run")
    assert (tmp_path / "run" / "manifest.json").read_bytes() == before
    assert files_in(tmp_path) == ["run"]


def test_a_pipeline_is_replaced_when_asked(pipeline, tmp_path):
    pipeline.save(tmp_path / "run")
    other = small_pipeline(("no", "yes"), seed=1)
    other.save(tmp_path / "run", overwrite=True)
    loaded = zoo.load(tmp_path / "run")
    assert loaded.labels == ["no", "yes"]
    np.testing.assert_array_equal(loaded.logits(TEXTS), other.logits(TEXTS))


@pytest.mark.parametrize("overwrite", [False, True])
def test_other_files_in_the_folder_stay(pipeline, tmp_path, overwrite):
    folder = tmp_path / "run"
    if overwrite:
        pipeline.save(folder)
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "events").write_text("mine")
    (folder / "history.csv").write_text("epoch\n0\n")
    pipeline.save(folder, overwrite=overwrite)
    assert files_in(folder) == sorted([*FILES, "history.csv", "logs"])
    assert (folder / "logs" / "events").read_text() == "mine"
    assert (folder / "history.csv").read_text() == "epoch\n0\n"
    zoo.load(folder)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError], ids=lambda error: error.__name__)
def test_a_save_that_is_interrupted_leaves_nothing(pipeline, tmp_path, monkeypatch, error):
    def interrupted(self, folder):
        assert (folder / "model.keras").exists(), "half of it is written"
        raise error

    monkeypatch.setattr(TextPreprocessor, "save", interrupted)
    with pytest.raises(error):
        pipeline.save(tmp_path / "run")
    assert files_in(tmp_path) == []


def test_a_replacement_that_is_interrupted_leaves_the_old_pipeline(pipeline, tmp_path, monkeypatch):
    pipeline.save(tmp_path / "run")

    def interrupted(self, folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TextPreprocessor, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            small_pipeline(("no", "yes")).save(tmp_path / "run", overwrite=True)
    assert files_in(tmp_path) == ["run"]
    assert files_in(tmp_path / "run") == FILES
    assert zoo.load(tmp_path / "run").labels == pipeline.labels


def test_what_a_dead_process_left_behind_is_removed(pipeline, tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    alive = os.getppid()
    for owner in (str(dead.pid), str(alive), "of-no-process"):
        (tmp_path / f".partial-run-{owner}").mkdir()
        (tmp_path / f".partial-run-{owner}" / "model.keras").write_text("half")
    (tmp_path / f".partial-another-{dead.pid}").mkdir()
    pipeline.save(tmp_path / "run")
    assert files_in(tmp_path) == sorted(
        [
            f".partial-another-{dead.pid}",
            f".partial-run-{alive}",
            ".partial-run-of-no-process",
            "run",
        ]
    )


@pytest.mark.parametrize("labels", [[], ["one"], ["one", "two", "three", "four"]], ids=len)
def test_there_must_be_a_label_for_each_class(pipeline, labels):
    message = rf"Expected one label for each class.*{len(labels)} labels.*num_classes=3"
    with pytest.raises(ValueError, match=message):
        zoo.Pipeline(pipeline.model, pipeline.preprocessor, labels)


def test_a_model_that_ends_in_a_softmax_is_refused():
    model = small_model(
        "sentiment_classifier",
        vocabulary_size=len(VOCABULARY),
        num_classes=2,
        classifier_activation="softmax",
    )
    with pytest.raises(ValueError, match=r"returns logits.*classifier_activation='softmax'"):
        zoo.Pipeline(model, small_preprocessor(), ["no", "yes"])


def test_a_model_that_is_not_of_the_zoo_is_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match=r"built by `zoo\.build`"):
        zoo.Pipeline(model, small_preprocessor(), ["no", "yes"])
