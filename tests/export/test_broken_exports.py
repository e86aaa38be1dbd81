"""What other exporters write, or what a careless one would, fails verification and is told why."""

import shutil

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
from onnx import numpy_helper

from attnzoo import export
from attnzoo.export.onnx_conversion import _import_tf2onnx, write_onnx
from attnzoo.export.savedmodel import write_savedmodel
from attnzoo.export.served_model import ServedModel

from .small_models import small_classifier
from .test_verification import ANSWERS, ONNX, SAVEDMODEL, Broken


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A classifier and its artefact of both formats."""
    model = small_classifier()
    folder = tmp_path_factory.mktemp("sound") / "dist"
    export.to_artefact(model, folder)
    return model, folder


@pytest.fixture
def broken(sound, tmp_path):
    return Broken(sound[1], tmp_path / "dist")


def convert(function, path, **specs):
    """Writes an ONNX file as tf2onnx does by itself, whatever it reports."""
    tf2onnx = _import_tf2onnx()
    tf2onnx.convert.from_function(
        tf.function(function, autograph=False),
        [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in specs.items()],
        opset=18,
        output_path=str(path),
    )


def test_exact_gelu_as_keras_exports_it(broken):
    inputs = keras.Input((4,))
    model = keras.Sequential([inputs, keras.layers.Dense(3, activation="gelu")])
    model(np.zeros((1, 4), "float32"))
    model.export(broken.onnx_file, format="onnx", verbose=False)
    assert "Erfc" in [node.op_type for node in onnx.load(broken.onnx_file).graph.node]
    broken.make_checksums_right()
    failures = broken.failures()
    assert "No Op registered for Erfc" in failures[ONNX, "ONNX checker"]
    assert all("Erfc" in failures[answers] for answers in ANSWERS)


def test_a_mask_in_place_of_lengths(sound, broken):
    model = sound[0]
    spec = tf.TensorSpec([None, None], tf.int32)
    mask = tf.TensorSpec([None, None], tf.bool)
    convert(
        lambda token_ids, padding_mask: model(
            {"token_ids": token_ids, "padding_mask": padding_mask}
        ),
        broken.onnx_file,
        token_ids=spec,
        padding_mask=mask,
    )
    broken.make_checksums_right()
    failures = broken.failures()
    assert "('lengths', 'int32', ('batch',))" in failures[ONNX, "names and dimensions"]
    assert "('padding_mask', 'bool'" in failures[ONNX, "names and dimensions"]
    assert failures.keys() >= ANSWERS


def test_padding_that_is_taken_for_text(sound, broken):
    """A file of the right names that does not heed the lengths."""
    served = ServedModel(sound[0])
    heeds_none = ServedModel(sound[0])

    def model_inputs(tensors):
        everything = tf.fill(tf.shape(tensors["lengths"]), tf.shape(tensors["token_ids"])[1])
        return ServedModel.model_inputs(served, {**tensors, "lengths": everything})

    heeds_none.model_inputs = model_inputs
    write_onnx(heeds_none, broken.onnx_file)
    shutil.rmtree(broken.folder / SAVEDMODEL / "variables")
    write_savedmodel(heeds_none, broken.folder / SAVEDMODEL)
    broken.make_checksums_right()
    failures = broken.failures()
    merged = (SAVEDMODEL, "requests that a server pads and merges")
    assert failures.keys() >= {*ANSWERS, merged}
    assert all("_padded: logits differs by" in failures[answers] for answers in ANSWERS)
    assert ", merged: logits differs by" in failures[merged]


def test_weights_twice_as_keras_stores_them(sound, broken):
    model = small_classifier(vocabulary_size=3000)  # More than the slack of the check.
    model.export(broken.folder / "other", format="tf_saved_model", verbose=False)
    variables = broken.folder / SAVEDMODEL / "variables"
    shutil.rmtree(variables)
    shutil.copytree(broken.folder / "other" / "variables", variables)
    broken.change_manifest(lambda manifest: manifest.update(parameters=model.count_params()))
    broken.make_checksums_right()
    failure = broken.failures()[SAVEDMODEL, "weights stored once"]
    assert "4 for each parameter" in failure


def flip(bit):
    """Changes one bit of one weight of a dense layer."""

    def change(model):
        largest = max(model.graph.initializer, key=lambda value: np.prod(value.dims))
        array = numpy_helper.to_array(largest).copy()
        array.reshape(-1).view("uint32")[array.size // 2] ^= np.uint32(1 << bit)
        largest.CopyFrom(numpy_helper.from_array(array, largest.name))

    return change


@pytest.mark.parametrize("bit", [31, 30, 29], ids=["sign", "exponent", "lower exponent"])
def test_one_bit_of_one_weight_whatever_the_checksums_say(broken, bit):
    broken.change_onnx(flip(bit))
    failures = broken.failures()
    assert failures.keys() == ANSWERS
    assert all("logits differs by" in detail for detail in failures.values())


def test_one_byte_of_the_file_is_told_by_its_name(broken):
    content = bytearray(broken.onnx_file.read_bytes())
    content[len(content) // 2] ^= 1
    broken.onnx_file.write_bytes(content)
    (failure,) = broken.failures().items()
    assert failure[0] == (ONNX, "files")
    assert str(broken.onnx_file) in failure[1]


def lose_a_fused_operator(model):
    (gelu,) = [node for node in model.graph.node if node.op_type == "Gelu"]
    gelu.op_type = "FastGelu"


def test_an_operator_that_was_not_fused_is_counted(broken):
    broken.change_onnx(lose_a_fused_operator)
    failure = broken.failures()[ONNX, "operators"]
    assert failure.startswith("expected 1 Gelu, ")
    assert "received 0 Gelu, " in failure
