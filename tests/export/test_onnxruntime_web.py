"""ONNX files in onnxruntime-web, where Node.js has it, and what is said where it has not."""

import shutil

import numpy as np
import pytest

from attnzoo import export
from attnzoo.export.onnxruntime_web import OnnxRuntimeWeb, why_not

from .engines import fresh_tensors, run_onnx

WHAT = "answers in onnxruntime-web"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
needs_package = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
# A package of that name, whose sessions answer with what they are fed.
ECHO = """
class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
const InferenceSession = { create: async (bytes) => {
  if (bytes.length === 0) throw new Error("the file is empty\\nat line 1");
  return { run: async (feeds) => feeds };
} };
module.exports = { Tensor, InferenceSession, env: { wasm: {} } };
"""


@pytest.fixture
def echo(tmp_path, monkeypatch):
    package = tmp_path / "node_modules" / "onnxruntime-web"
    package.mkdir(parents=True)
    (package / "index.js").write_text(ECHO)
    monkeypatch.delenv("NODE_PATH", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"any")
    return tmp_path / "model.onnx"


def check_of(artefact):
    report = export.verify(artefact, ["onnxruntime_web"])
    return [check for check in report.checks if check.name == WHAT]


def test_without_node_it_is_not_said_to_have_passed(bag_of_words_artefact, monkeypatch):
    monkeypatch.setenv("PATH", "")
    (check,) = check_of(bag_of_words_artefact)
    assert check.variant == "onnx/model.onnx"
    assert check.passed is None
    assert check.detail == "Node.js is not installed"


@needs_node
def test_without_the_package_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.delenv("NODE_PATH", raising=False)
    monkeypatch.chdir(tmp_path)
    assert "npm install onnxruntime-web" in why_not()


@needs_node
@pytest.mark.parametrize("dtype", ["bool", "float32", "int32", "int64", "uint8"])
@pytest.mark.parametrize("shape", [(2, 3), (0, 4), ()])
def test_tensors_come_back_as_they_went(echo, dtype, shape):
    sent = np.random.default_rng(0).integers(-5, 200, shape).astype(dtype)
    with OnnxRuntimeWeb(echo) as engine:
        for _ in range(2):
            (received,) = engine.run({"states": sent}).values()
            assert received.dtype == sent.dtype
            np.testing.assert_array_equal(received, sent)


@needs_node
def test_what_the_runtime_complains_of_is_told_in_a_line(echo):
    echo.write_bytes(b"")
    with (
        OnnxRuntimeWeb(echo) as engine,
        pytest.raises(RuntimeError, match=r"^onnxruntime-web: the file is empty$"),
    ):
        engine.run({"states": np.zeros(2, "float32")})


@needs_package
def test_every_model_answers_as_in_onnx_runtime(exported):
    with OnnxRuntimeWeb(exported.onnx_file) as engine:
        for lengths in ([1], [13, 2, 5]):
            tensors = fresh_tensors(exported.task, exported.config, lengths, seed=1)
            expected = run_onnx(exported.onnx_file, tensors)
            received = engine.run(tensors)
            assert received.keys() == expected.keys()
            for name, value in expected.items():
                np.testing.assert_allclose(received[name], value, atol=2e-5, rtol=2e-5)


@needs_package
def test_verify_asks_it(exported):
    (check,) = check_of(exported.folder)
    assert check.passed, check.detail


@needs_package
def test_a_file_that_is_broken_fails_by_name(exported, tmp_path):
    broken = tmp_path / "model.onnx"
    whole = exported.onnx_file.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    with OnnxRuntimeWeb(broken) as engine, pytest.raises(RuntimeError, match=r"^onnxruntime-web: "):
        engine.run(fresh_tensors(exported.task, exported.config, [3], seed=1))
