"""What a Keras user who knows nothing of attnzoo does with a model of the zoo."""

import subprocess
import sys

import numpy as np
import pytest

from attnzoo import zoo

from .small_models import every_model, logits_of, model_inputs, sample, small_model

LENGTHS = [6, 2, 0]

RELOAD = """
import sys
import numpy as np
import keras

def load(name):
    return keras.models.load_model(f"{name}.keras")

names = sys.argv[1:]
try:
    load(names[0])
except TypeError as error:
    assert "NamedInputsModel" in str(error)
else:
    raise AssertionError("it loaded without attnzoo.layers")

import attnzoo.layers

for name in names:
    with np.load(f"{name}.npz") as inputs:
        outputs = load(name)({key: inputs[key] for key in inputs})
    np.save(f"{name}.npy", outputs)
assert not [module for module in sys.modules if module.startswith("attnzoo.zoo")]
"""


@pytest.fixture(scope="module")
def models():
    return {name: small_model(name, num_classes=3) for name in zoo.list_models()}


@pytest.fixture(scope="module")
def reloaded(models, tmp_path_factory):
    """The logits that another process gets from each saved model; one process serves all."""
    folder = tmp_path_factory.mktemp("reloaded")
    for name, model in models.items():
        model.save(folder / f"{name}.keras")
        np.savez(folder / f"{name}.npz", **model_inputs(model, sample(model, LENGTHS)))
    subprocess.run([sys.executable, "-c", RELOAD, *models], cwd=folder, check=True)
    return {name: np.load(folder / f"{name}.npy") for name in models}


@every_model
def test_keras_alone_reloads_it_after_importing_the_layers(models, reloaded, name):
    expected = logits_of(models[name], sample(models[name], LENGTHS))
    np.testing.assert_allclose(reloaded[name], expected, atol=1e-6)


@every_model
def test_a_plain_export_to_onnx_gives_the_same_logits(models, name, tmp_path):
    import onnx
    import onnxruntime

    model = models[name]
    inputs = model_inputs(model, sample(model, LENGTHS))
    model(inputs)  # Keras exports only a model that was called.
    # Sums over edges are of opset 18; the rest is of Keras's default one.
    opset = 18 if "edges" in model.input else None
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False, opset_version=opset)
    onnx.checker.check_model(str(tmp_path / "model.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert {node.name for node in session.get_inputs()} == set(inputs)
    for length in (max(LENGTHS), 11):
        tensors = sample(model, LENGTHS, length=length)
        (logits,) = session.run(None, model_inputs(model, tensors))
        np.testing.assert_allclose(logits, logits_of(model, tensors), atol=1e-5)


@every_model
def test_a_plain_export_to_a_saved_model_gives_the_same_logits(models, name, tmp_path):
    import tensorflow as tf

    model = models[name]
    model.export(tmp_path / "saved", format="tf_saved_model", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "saved")
    for length in (max(LENGTHS), 11):
        tensors = sample(model, LENGTHS, length=length)
        logits = loaded.serve(model_inputs(model, tensors))
        np.testing.assert_allclose(logits, logits_of(model, tensors), atol=1e-5)
