"""Exported files in a process that has none of our code: what a serving team has."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from .engines import fresh_tensors, keras_answers, softmax

LENGTHS = [7, 0, 19]

SAVEDMODEL_PROGRAM = """
import json, sys
for name in ("attnzoo", "tokenizers", "tf2onnx", "onnx"):
    sys.modules[name] = None  # An import of it raises.
import numpy as np
import tensorflow as tf
for folder in json.loads(sys.argv[1]):
    signatures = tf.saved_model.load(folder + "/dist/savedmodel/1").signatures
    with np.load(folder + "/tensors.npz") as tensors:
        answers = signatures["tokens"](**{n: tf.constant(tensors[n]) for n in tensors})
        np.savez(folder + "/answers.npz", **{n: a.numpy() for n, a in answers.items()})
    if "text" in signatures["serving_default"].structured_input_signature[1]:
        labels = signatures["serving_default"](text=tf.constant(["A gripping film", "好"]))["label"]
        print(json.dumps([folder, [label.decode() for label in labels.numpy().flatten()]]))
assert not [name for name in sys.modules if name.startswith("attnzoo.")]
"""

ONNX_PROGRAM = """
import json, sys
for name in ("attnzoo", "tensorflow", "keras", "tf2onnx", "onnx", "torch"):
    sys.modules[name] = None
import numpy as np
import onnxruntime
for folder in json.loads(sys.argv[1]):
    session = onnxruntime.InferenceSession(folder + "/dist/onnx/model.onnx")
    with np.load(folder + "/tensors.npz") as tensors:
        answers = session.run(None, {n: tensors[n] for n in tensors})
    names = [output.name for output in session.get_outputs()]
    np.savez(folder + "/answers.npz", **dict(zip(names, answers)))
assert not [name for name in sys.modules if name.startswith("attnzoo.")]
"""


@pytest.fixture(scope="module")
def run_program(tmp_path_factory):
    """`f(program, *arguments)`: runs it in a fresh interpreter, in an empty folder."""

    def run(program, *arguments, cwd=None):
        result = subprocess.run(
            [sys.executable, "-I", "-c", program, *arguments],
            cwd=cwd or tmp_path_factory.mktemp("elsewhere"),
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture
def all_exports(export_of, tmp_path):
    """Every architecture's artefact with tensors beside it, and the Keras model's answers."""
    from attnzoo import zoo

    exports, folders = {}, {}
    for name in zoo.list_models():
        exported, folder = export_of(name), tmp_path / name
        folder.mkdir()
        (folder / "dist").symlink_to(exported.folder)
        tensors = fresh_tensors(exported.task, exported.config, LENGTHS, seed=42)
        np.savez(folder / "tensors.npz", **tensors)
        exports[name], folders[name] = exported, folder
    return exports, folders


def check_answers(exports, folders):
    for name, exported in exports.items():
        with np.load(folders[name] / "tensors.npz") as tensors:
            logits = keras_answers(
                exported.model, exported.task, exported.config, {n: tensors[n] for n in tensors}
            )
        with np.load(folders[name] / "answers.npz") as answers:
            np.testing.assert_allclose(answers["logits"], logits, rtol=0, atol=2e-5)
            np.testing.assert_allclose(answers["probabilities"], softmax(logits), rtol=0, atol=1e-5)
            np.testing.assert_array_equal(answers["label"], logits.argmax(-1))


def test_tensorflow_alone_loads_every_savedmodel(all_exports, run_program):
    exports, folders = all_exports
    output = run_program(SAVEDMODEL_PROGRAM, json.dumps([str(f) for f in folders.values()]))
    check_answers(exports, folders)
    for line in output.splitlines():
        folder, labels = json.loads(line)
        pipeline = next(e.source for n, e in exports.items() if str(folders[n]) == folder)
        predictions = pipeline(["A gripping film", "好"])
        assert [label for label in labels if label] == [la for p in predictions for la in p.labels]


def test_onnx_runtime_alone_runs_every_file(all_exports, run_program):
    exports, folders = all_exports
    run_program(ONNX_PROGRAM, json.dumps([str(f) for f in folders.values()]))
    check_answers(exports, folders)


def test_the_program_of_the_readme_runs_as_it_stands(exported_text, run_program):
    readme = (exported_text.folder / "README.md").read_text(encoding="utf-8")
    programs = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    (program,) = [program for program in programs if "onnxruntime" in program]
    blocked = "import sys; sys.modules['attnzoo'] = sys.modules['tensorflow'] = None\n"
    shown = "import json; print(json.dumps([label.tolist(), probabilities.tolist()]))\n"
    output = run_program(blocked + program + shown, cwd=exported_text.folder)
    (label,), (probabilities,) = json.loads(output)
    (prediction,) = exported_text.pipeline(["A gripping, funny film."])
    assert exported_text.pipeline.labels[label] == prediction.label
    np.testing.assert_allclose(
        probabilities, list(prediction.probabilities.values()), rtol=0, atol=1e-5
    )
