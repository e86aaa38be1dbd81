"""A user's own architecture exports as ours do, or says why it cannot."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

from attnzoo import export, zoo
from attnzoo.layers import NamedInputsModel, SequencePooling

from .engines import fresh_tensors, keras_answers, run_onnx
from .small_models import (
    BagOfWordsConfig,
    bag_of_words,
    make_inputs,
    randomise,
    registered,
    task_of,
)


@keras.saving.register_keras_serializable("attnzoo.tests")
class Digamma(keras.layers.Layer):
    """A layer of an operator that ONNX does not have."""

    def call(self, inputs):
        return tf.math.digamma(keras.ops.abs(inputs) + 1.0)


@dataclass(frozen=True)
class PlainConfig(zoo.ModelConfig):
    """No more fields than the task asks for."""

    vocabulary_size: int = 11
    num_classes: int = 3
    max_sequence_length: int = 9


def plain(config, dtype=None):
    """Bag of words from a configuration without an activation."""
    sizes = {name: getattr(config, name) for name in ("vocabulary_size", "num_classes")}
    return bag_of_words(BagOfWordsConfig(**sizes), dtype)


def without_names(config, dtype=None):
    """The layers have the names that Keras gives them, others for every model."""
    inputs = make_inputs()
    states = keras.layers.Embedding(config.vocabulary_size, 4)(inputs["token_ids"])
    pooled = SequencePooling("mean")(states, padding_mask=inputs["padding_mask"])
    return NamedInputsModel(inputs, keras.layers.Dense(config.num_classes)(pooled))


def without_mask(config, dtype=None):
    """Wrong: the mean is over the padding too."""
    inputs = make_inputs()
    states = keras.layers.Embedding(config.vocabulary_size, 4, name="e")(inputs["token_ids"])
    pooled = keras.layers.GlobalAveragePooling1D(name="p")(states)
    return NamedInputsModel(inputs, keras.layers.Dense(config.num_classes, name="d")(pooled))


def with_digamma(config, dtype=None):
    """The operator stands between pooling and head."""
    return bag_of_words(config, dtype, Digamma(name="digamma"))


@pytest.fixture
def own_name(request):
    """The name of an architecture that is registered as long as a test runs."""
    yield from registered("own_in_tests", *request.param)


@pytest.mark.parametrize(
    "own_name",
    [(plain, PlainConfig()), (without_names, PlainConfig())],
    indirect=True,
    ids=["no activation in the configuration", "layers without names"],
)
def test_a_plain_architecture_exports(own_name, tmp_path):
    model = randomise(zoo.build(own_name))
    export.to_onnx(model, tmp_path / "dist")
    task, config = task_of(own_name), zoo.get_config(own_name)
    tensors = fresh_tensors(task, config, [5, 0, 3], seed=1)
    np.testing.assert_allclose(
        run_onnx(tmp_path / "dist" / "onnx" / "model.onnx", tensors)["logits"],
        keras_answers(model, task, config, tensors),
        rtol=0,
        atol=2e-5,
    )


@pytest.mark.parametrize("own_name", [(without_mask, BagOfWordsConfig())], indirect=True, ids=[""])
def test_a_model_whose_padding_matters_is_refused(own_name, tmp_path):
    with pytest.raises(export.VerificationError, match=r"sample batch\d_length\d_padded: logits"):
        export.to_onnx(randomise(zoo.build(own_name)), tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("formats", [["onnx"], ["savedmodel", "onnx"]], ids=str)
@pytest.mark.parametrize("own_name", [(with_digamma, BagOfWordsConfig())], indirect=True, ids=[""])
def test_an_operator_without_an_onnx_form_is_named_and_nothing_is_written(
    own_name, tmp_path, formats
):
    model = randomise(zoo.build(own_name))
    with pytest.raises(ValueError, match=r"to have an ONNX form.*Digamma"):
        export.to_artefact(model, tmp_path / "dist", formats)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("own_name", [(with_digamma, BagOfWordsConfig())], indirect=True, ids=[""])
def test_an_operator_without_an_onnx_form_still_makes_a_savedmodel(own_name, tmp_path):
    assert export.to_savedmodel(randomise(zoo.build(own_name)), tmp_path / "dist").passed
