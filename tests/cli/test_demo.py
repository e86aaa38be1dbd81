"""attnzoo demo: the whole path, from data to an artefact that is proven right."""

import json

import pytest

from attnzoo import export, zoo

from .conftest import captured


@pytest.mark.slow
def test_the_demo_runs_and_a_second_one_takes_a_new_folder(attnzoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = attnzoo("demo")
    assert result.code == 0, result.err
    for phrase in ("1. Data", "2. Training", "3. Test split", "4. Exporting", "checks passed"):
        assert phrase in result.out
    assert "attnzoo verify attnzoo-demo/dist" in result.out
    assert export.verify("attnzoo-demo/dist").passed
    assert zoo.load("attnzoo-demo/run").labels == ["negative", "positive"]

    second = captured("demo", "--json")
    assert second.code == 0, second.err
    answer = json.loads(second.out)
    assert answer["out"] == "attnzoo-demo-2"
    assert answer["verification"]["passed"]
    assert answer["test"]["accuracy"] > 0.62  # Three deviations above a coin, of 160 sentences.
    labels = {name: [a["label"] for a in answers] for name, answers in answer["answers"].items()}
    assert labels["Keras"] == labels["SavedModel"] == labels["ONNX Runtime"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["attnzoo-demo", "attnzoo-demo-2"]
