"""attnzoo demo: the whole path, from data to an artefact that is proven right."""

import json

import pytest

from attnzoo import export, zoo

from .conftest import captured

TEXTS = ("sentiment_classifier", "sequence_tagger")


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.list_models())
def test_the_demo_trains_exports_and_verifies(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = captured("demo", name, "--json")
    assert result.code == 0, result.err
    answer = json.loads(result.out)
    (model,) = answer["models"]
    assert model["verification"]["passed"]
    assert export.verify(f"attnzoo-demo/{name}/dist").passed
    labels = zoo.load(model["run"]).labels
    test = model["test"]
    right = test["accuracy"] if "accuracy" in test else 1 - test["wer"]
    assert right > 1.2 / len(labels), "no better than chance"
    answers = {engine: _labels(answer) for engine, answer in model["answers"].items()}
    assert answers["SavedModel"] == answers["ONNX Runtime"] == answers["Keras"]
    trained = zoo.list_presets(name, pretrained=True) if name in TEXTS else []
    assert set(answers) == {"Keras", "SavedModel", "ONNX Runtime", *trained}


def _labels(answer):
    """The labels in a JSON answer, at whatever depth they are, or the text that was heard."""
    if isinstance(answer, dict):
        names = ("label", "text")
        answer = [v for k, v in answer.items() if k in names or isinstance(v, (list, dict))]
    return [_labels(v) if isinstance(v, (list, dict)) else v for v in answer]


@pytest.mark.slow
def test_a_second_demo_takes_a_new_folder_and_says_what_to_do_next(attnzoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "attnzoo-demo").mkdir()
    result = attnzoo("demo", "sentiment_classifier")
    assert result.code == 0, result.err
    assert "attnzoo verify attnzoo-demo-2/sentiment_classifier/dist" in result.out
    assert list((tmp_path / "attnzoo-demo").iterdir()) == []


def test_an_unknown_architecture_is_refused_before_anything_is_written(attnzoo, tmp_path):
    result = attnzoo("demo", "sentiment", "--out", tmp_path / "demo")
    assert result.code == 1
    assert "sentiment_classifier" in result.err
    assert not (tmp_path / "demo").exists()
