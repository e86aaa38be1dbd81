"""ONNX files in OpenVINO, where it is installed, and what is said where it is not."""

import importlib.util
import sys

import pytest

from attnzoo import export
from attnzoo.export import openvino_engine

WHAT = "answers in OpenVINO"
FOUND = importlib.util.find_spec("openvino") is not None


def test_where_it_is_not_installed_it_is_not_said_to_have_passed(
    bag_of_words_artefact, monkeypatch
):
    monkeypatch.setattr(openvino_engine.importlib.util, "find_spec", lambda name: None)
    report = export.verify(bag_of_words_artefact, ["openvino"])
    (check,) = [check for check in report.checks if check.name == WHAT]
    assert check.variant == "onnx/model.onnx"
    assert check.passed is None
    assert check.detail == "openvino is not installed (pip install openvino)"


@pytest.mark.skipif(not FOUND, reason="openvino is not installed")
def test_standard_operators_answer_as_the_keras_model(bag_of_words_artefact):
    report = export.verify(bag_of_words_artefact, ["openvino"])
    (check,) = [check for check in report.checks if check.name == WHAT]
    assert check.passed


def test_operators_that_it_does_not_know_are_named(monkeypatch, tmp_path):
    class Core:
        def read_model(self, path):
            raise RuntimeError(
                "FrontEnd API failed:\n-- com.microsoft.RotaryEmbedding with a message:\nAny was "
                "not initialized.\n\n-- com.microsoft.Gelu with a message:\nno\n"
            )

    module = type("openvino", (), {"Core": Core})
    monkeypatch.setitem(sys.modules, "openvino", module)
    with pytest.raises(ValueError, match=r"convert com\.microsoft\.RotaryEmbedding, com\.micro"):
        openvino_engine.OpenVinoEngine(tmp_path / "model.onnx")
