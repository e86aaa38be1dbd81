"""What goes into an artefact: a float32 copy of the model, its logits bare."""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from attnzoo import export, zoo
from attnzoo.export.served_model import ServedModel, sequence_mask

from .engines import ServingSession, run_onnx, softmax
from .small_models import bag_of_words_of, small_classifier

TENSORS = {
    "token_ids": np.random.default_rng(5).integers(0, 11, (4, 9)).astype("int32"),
    "lengths": np.array([9, 3, 0, 7], "int32"),
}


def answers_of(model, tensors=TENSORS):
    mask = np.arange(tensors["token_ids"].shape[1]) < tensors["lengths"][:, None]
    inputs = {"token_ids": tensors["token_ids"], "padding_mask": mask}
    return np.asarray(model(inputs, training=False))


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(params=["bag_of_words", pytest.param("classifier", marks=pytest.mark.slow)])
def make(request, bag_of_words_name):
    """`f(**options)`: the same bare model, but for its options."""
    if request.param == "classifier":
        return small_classifier
    return functools.partial(bag_of_words_of, bag_of_words_name)


def test_a_mixed_precision_model_is_exported_as_the_float32_model(make, tmp_path):
    mixed, plain = make(dtype="mixed_bfloat16"), make()
    difference = np.abs(answers_of(mixed) - answers_of(plain)).max()
    assert difference > 1e-4, "the comparison below would say nothing"
    export.to_onnx(mixed, tmp_path / "dist")
    answers = run_onnx(tmp_path / "dist" / "onnx" / "model.onnx", TENSORS)
    assert answers["logits"].dtype == np.float32
    np.testing.assert_allclose(answers["logits"], answers_of(plain), rtol=0, atol=2e-5)


def test_a_model_that_ends_in_a_softmax_exports_its_logits(make, tmp_path):
    with_softmax, plain = make(classifier_activation="softmax"), make()
    logits = answers_of(plain)
    np.testing.assert_allclose(answers_of(with_softmax), softmax(logits), rtol=0, atol=1e-6)
    export.to_onnx(with_softmax, tmp_path / "dist")
    answers = run_onnx(tmp_path / "dist" / "onnx" / "model.onnx", TENSORS)
    np.testing.assert_allclose(answers["logits"], logits, rtol=0, atol=2e-5)
    np.testing.assert_allclose(answers["probabilities"], softmax(logits), rtol=0, atol=1e-5)


def test_a_backbone_exports_its_embedding(make, tmp_path):
    backbone = make(num_classes=0)
    export.to_artefact(backbone, tmp_path / "dist")
    expected = answers_of(backbone)
    size = zoo.config_of(backbone).hidden_dim
    assert expected.shape == (4, size)
    onnx_answers = run_onnx(tmp_path / "dist" / "onnx" / "model.onnx", TENSORS)
    serving = ServingSession(tmp_path / "dist" / "savedmodel" / "1")
    for answers in (onnx_answers, serving.run("tokens", TENSORS)):
        assert list(answers) == ["embedding"]
        np.testing.assert_allclose(answers["embedding"], expected, rtol=0, atol=2e-5)
    manifest = manifest_of(tmp_path / "dist")
    assert manifest["labels"] == []
    assert [output["shape"] for output in manifest["outputs"]] == [["batch", size]]


def test_a_bare_model_has_signatures_of_tensors_only(bag_of_words_artefact):
    signatures = ServingSession(bag_of_words_artefact / "savedmodel" / "1").signatures
    assert signatures.keys() == {"tokens", "serving_default", "classify"}
    for signature in (signatures["tokens"], signatures["serving_default"]):
        assert signature.inputs.keys() == {"token_ids", "lengths"}
    assert not (bag_of_words_artefact / "tokenizer.json").exists()
    assert manifest_of(bag_of_words_artefact)["labels"] == ["0", "1", "2"]


def test_a_pipeline_has_all_four_signatures(exported_text):
    names = {"tokens", "preprocess", "serving_default", "classify"}
    assert exported_text.serving.signatures.keys() == names
    assert exported_text.serving.signatures["serving_default"].inputs.keys() == {"text"}
    assert exported_text.serving.signatures["preprocess"].outputs.keys() == {
        "token_ids",
        "lengths",
    }


@pytest.mark.parametrize(
    "signatures",
    [["text"], [], "tokens", ["tokens", "predict"], ["serving_default"], ["classify"]],
    ids=str,
)
def test_signatures_that_a_bare_model_cannot_have_are_refused(
    bag_of_words_model, tmp_path, signatures
):
    with pytest.raises(
        ValueError, match=r"expected \"auto\" or a list of some of \['classify', 'tokens'\]"
    ):
        export.to_savedmodel(bag_of_words_model, tmp_path / "dist", signatures=signatures)
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("version", [0, -1, 1.0, "1"], ids=repr)
def test_a_version_that_is_no_positive_integer_is_refused(bag_of_words_model, tmp_path, version):
    with pytest.raises(ValueError, match="`version` to be a positive integer"):
        export.to_savedmodel(bag_of_words_model, tmp_path / "dist", version=version)
    assert not (tmp_path / "dist").exists()


def test_an_unknown_format_is_refused(bag_of_words_model, tmp_path):
    with pytest.raises(ValueError, match=r"unknown format.*'tflite'"):
        export.to_artefact(bag_of_words_model, tmp_path / "dist", ["tflite"])


def test_a_model_that_is_not_of_the_zoo_has_no_stream(tmp_path):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    with pytest.raises(ValueError, match=r"zoo\.build"):
        export.streaming(model, tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_the_model_that_is_exported_stays_as_it_was():
    model = small_classifier(dtype="mixed_bfloat16")
    before = model.get_weights()
    served = ServedModel(model)
    assert served.model is not model
    for weight in served.model.weights:
        weight.assign(weight * 0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_one_class_only_can_be_exported(bag_of_words_name, tmp_path):
    export.to_onnx(zoo.build(bag_of_words_name, num_classes=1), tmp_path / "dist")
    answers = run_onnx(
        tmp_path / "dist" / "onnx" / "model.onnx",
        {"token_ids": np.ones((2, 3), "int32"), "lengths": np.array([3, 2], "int32")},
    )
    assert answers["probabilities"].tolist() == [[1.0], [1.0]]


def test_classes_that_are_equally_likely_are_no_difference(bag_of_words_name, tmp_path):
    model = zoo.build(bag_of_words_name)
    head = model.get_layer("logits")
    head.set_weights([np.zeros_like(weight) for weight in head.get_weights()])
    assert export.to_onnx(model, tmp_path / "dist").passed


def test_masks_are_exact_for_recordings_of_more_samples_than_float32_counts():
    size = 2**24 + 8
    lengths = tf.constant([2**24 + 1, 2**24 + 4, 0, size])
    expected = tf.sequence_mask(lengths, size)
    assert bool(tf.reduce_all(sequence_mask(lengths, size) == expected))
