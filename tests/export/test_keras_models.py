"""Any Functional or Sequential Keras model exports, fused where there are operators for it."""

import json

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
from keras import layers

from attnzoo import export
from attnzoo.export.artefact import Artefact

from ..layer_test_case import randomize_weights
from .engines import ServingSession, run_onnx


def encoder():
    """Two inputs under the keys of a dict, two outputs, Keras's own attention and both masks."""
    inputs = {
        "states": keras.Input((None, 8), name="states"),
        "real": keras.Input((None,), dtype="bool", name="real"),
    }
    attended = layers.MultiHeadAttention(2, 4)(
        inputs["states"], inputs["states"], attention_mask=inputs["real"][:, None]
    )
    states = layers.LayerNormalization()(inputs["states"] + attended)
    states = states + layers.Dense(8)(layers.Dense(12, activation="gelu")(states))
    pooled = layers.GlobalAveragePooling1D()(states)
    return keras.Model(inputs, {"states": states, "logits": layers.Dense(3, name="head")(pooled)})


def text():
    """Ids below those of a table, whose zeros are padding to Keras, and a recurrent layer."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    states = layers.Embedding(13, 8, mask_zero=True)(ids)
    states = layers.LayerNormalization()(states + layers.MultiHeadAttention(2, 4)(states, states))
    return keras.Model(
        ids, layers.Dense(3, "softmax", name="probabilities")(layers.LSTM(5)(states))
    )


def translator():
    """Two lengths that have nothing to do with each other."""
    query, value = (keras.Input((None, size), name=n) for n, size in (("query", 8), ("value", 6)))
    attended = layers.MultiHeadAttention(2, 4)(query, value)
    return keras.Model([query, value], layers.LayerNormalization(name="answer")(query + attended))


def vision():
    """Bytes of pictures of any size; exact GELU, of which TensorFlow's operator is not ONNX's."""
    convolved = layers.Conv2D(4, 3, strides=2, padding="same", activation="gelu")
    return keras.Sequential(
        [
            keras.Input((None, None, 3), dtype="uint8", name="image"),
            layers.Rescaling(1 / 255),
            convolved,
            layers.BatchNormalization(name="features"),
        ]
    )


def table():
    """A Sequential model without any name."""
    return keras.Sequential(
        [keras.Input((5,)), layers.Dense(4, activation="gelu"), layers.Dense(2, name="out")]
    )


def half(dtypes=("mixed_bfloat16", "mixed_float16")):
    """Layers of half precision, which the export has in float32."""
    inputs = keras.Input((None, 8), name="states")
    states = layers.Dense(8, activation="gelu", dtype=dtypes[0])(inputs)
    states = states + layers.LayerNormalization(dtype=dtypes[1])(states)
    states = keras.Sequential([layers.Dense(8, dtype=dtypes[1])], name="inner")(states)
    return keras.Model(inputs, layers.Dense(2, dtype="float32", name="out")(states))


MODELS = {model.__name__: model for model in (encoder, text, translator, vision, table, half)}
FUSED = {
    "encoder": {"Gelu": 1, "LayerNormalization": 1, "MultiHeadAttention": 1},
    "text": {"LayerNormalization": 1, "MultiHeadAttention": 1},
    "translator": {"LayerNormalization": 1, "MultiHeadAttention": 1},
    "vision": {},
    "table": {"Gelu": 1},
    "half": {"Gelu": 1, "LayerNormalization": 1},
}
OTHERS = {"text": {"LSTMCell": 1}, "vision": {"BatchNormalization": 1, "Conv2D": 1}}
TENSORS = {
    "encoder": (
        {"real": ["batch", "length"], "states": ["batch", "length", 8]},
        {"logits": ["batch", 3], "states_1": ["batch", "length", 8]},
    ),
    "text": ({"ids": ["batch", "length"]}, {"probabilities": ["batch", 3]}),
    "translator": (
        {"query": ["batch", "query_1", 8], "value": ["batch", "value_1", 6]},
        {"answer": ["batch", "query_1", 8]},
    ),
    "vision": (
        {"image": ["batch", "image_1", "image_2", 3]},
        {"features": ["batch", "features_1", "features_2", 4]},
    ),
    "table": ({"inputs": ["batch", 5]}, {"out": ["batch", 2]}),
    "half": ({"states": ["batch", "length", 8]}, {"out": ["batch", "length", 2]}),
}
FEEDS = {
    "encoder": lambda g: {
        "states": g.normal(size=(3, 11, 8)).astype("float32"),
        "real": np.arange(11) < np.array([11, 4, 0])[:, None],
    },
    "text": lambda g: {"ids": g.integers(0, 13, (4, 9)).astype("int32")},
    "translator": lambda g: {
        "query": g.normal(size=(3, 5, 8)).astype("float32"),
        "value": g.normal(size=(3, 12, 6)).astype("float32"),
    },
    "vision": lambda g: {"image": g.integers(0, 256, (2, 9, 14, 3)).astype("uint8")},
    "table": lambda g: {"inputs": g.normal(size=(4, 5)).astype("float32")},
    "half": lambda g: {"states": g.normal(size=(2, 6, 8)).astype("float32")},
}


@pytest.fixture(scope="module", params=MODELS)
def exported(request, tmp_path_factory):
    """The name, the Keras model and its artefact of both formats."""
    keras.utils.set_random_seed(0)
    model = MODELS[request.param]()
    randomize_weights(model)
    for weight in model.non_trainable_weights:  # Variances, which are not negative.
        weight.assign(keras.ops.abs(weight))
    folder = tmp_path_factory.mktemp(request.param) / "dist"
    export.to_onnx(model, folder)
    export.to_savedmodel(model, folder)
    return request.param, model, folder


def answers_in_float32(name, model, feed):
    """The answers of the Keras model, every layer's in float32."""
    if name == "half":
        weights, model = model.get_weights(), half(("float32", "float32"))
        model.set_weights(weights)
    inputs = feed if name == "encoder" else list(feed.values())
    answers = model(inputs if len(inputs) > 1 else inputs[0])
    return dict(zip(TENSORS[name][1], keras.tree.flatten(answers), strict=True))


def test_both_formats_answer_as_the_model_to_inputs_of_other_sizes(exported):
    name, model, folder = exported
    feed = FEEDS[name](np.random.default_rng(7))
    expected = answers_in_float32(name, model, feed)
    for received in (
        run_onnx(folder / "onnx" / "model.onnx", feed),
        run_onnx(folder / "onnx" / "model.onnx", feed, optimized=False),
        ServingSession(folder / "savedmodel" / "1").run("serving_default", feed),
    ):
        assert received.keys() == expected.keys()
        for key, reference in expected.items():
            np.testing.assert_allclose(received[key], reference, rtol=0, atol=2e-5)
            assert np.std(reference) > 1e-2


def test_names_and_dimensions_are_those_of_the_keras_inputs(exported):
    name, _, folder = exported
    manifest = Artefact.open(folder).manifest
    received = tuple(
        {spec["name"]: spec["shape"] for spec in manifest[key]} for key in ("inputs", "outputs")
    )
    assert received == TENSORS[name]


def test_what_is_fused_and_what_is_not_is_counted(exported):
    name, _, folder = exported
    variant = Artefact.open(folder).variants["onnx/model.onnx"]
    assert variant["fused"] == FUSED[name]
    assert variant["others"] == OTHERS.get(name, {})
    nodes = onnx.load(folder / "onnx" / "model.onnx").graph.node
    if name not in OTHERS:
        assert not {"Softmax", "Erf"} & {node.op_type for node in nodes}
    (check,) = [c for c in export.verify(folder).checks if c.name == "operators"]
    for kind in OTHERS.get(name, {}):
        assert kind in check.detail


def test_it_is_verified_over_shapes_without_labels_or_a_task_of_the_zoo(exported):
    name, _, folder = exported
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["task"], manifest["labels"]) == ("tensors", [])
    assert not (folder / "labels.txt").exists()
    shapes = {path.stem for path in (folder / "samples").iterdir()}
    lengths = (1,) if name == "table" else (1, 2, 7, 16, 128)
    assert shapes == {f"batch{batch}_length{length}" for batch in (1, 2, 5) for length in lengths}
    with pytest.raises(ValueError, match="with a preprocessor"):
        export.load(folder)


def test_inspect_and_bench_know_it(exported):
    name, _, folder = exported
    inspected = export.inspect(folder)
    assert inspected["variants"]["onnx/model.onnx"]["fused"] == FUSED[name]
    if name == "text":
        timings = export.bench(folder, batches=(2,), lengths=(3,), seconds=0.01)
        assert {timing.variant for timing in timings} == {"onnx/model.onnx", "savedmodel/1"}


def test_a_layer_that_is_asked_the_same_twice_may_be_counted_once(tmp_path):
    """Of the three calls two are alike, which tf2onnx sometimes merges."""
    inputs = keras.Input((None, 8), name="states")
    states = layers.LayerNormalization()(layers.Dense(8, activation="gelu")(inputs))
    inner, outer = keras.Model(inputs, states), keras.Input((None, 8), name="states")
    model = keras.Model(outer, [inner(inner(outer)), inner(outer)])
    assert export.to_onnx(model, tmp_path / "dist").passed
    fused = Artefact.open(tmp_path / "dist").variants["onnx/model.onnx"]["fused"]
    assert fused.keys() == {"Gelu", "LayerNormalization"}
    assert set(fused.values()) <= {2, 3}


def test_masks_leave_something_to_average(tmp_path):
    states = keras.Input((None, 8), name="states")
    real = keras.Input((None,), dtype="bool", name="real")
    pooled = layers.GlobalAveragePooling1D(name="mean")(states, mask=real)
    assert export.to_onnx(keras.Model([states, real], pooled), tmp_path / "dist").passed


# === What cannot be exported ===


@keras.saving.register_keras_serializable("attnzoo.tests")
class Polygamma(layers.Layer):
    """An operator that ONNX does not have."""

    def call(self, inputs):
        return tf.math.polygamma(1.0, keras.ops.abs(inputs) + 1.0)


class MeanInPython(layers.Layer):
    """A layer that leaves the graph."""

    def call(self, inputs):
        return inputs + float(np.mean(inputs))

    def compute_output_shape(self, shape):
        return shape


def with_layer(layer):
    return keras.Sequential([keras.Input((5,)), layers.Dense(3), layer])


def test_a_layer_that_has_no_onnx_form_is_named(tmp_path):
    model = with_layer(Polygamma(name="special"))
    with pytest.raises(ValueError, match=r"of layer 'special', a Polygamma, .*Polygamma\] is not"):
        export.to_onnx(model, tmp_path / "dist")
    assert list(tmp_path.iterdir()) == []
    assert export.to_savedmodel(model, tmp_path / "dist").passed


@pytest.mark.parametrize("to", [export.to_onnx, export.to_savedmodel], ids=["onnx", "savedmodel"])
def test_a_layer_that_computes_in_python_is_named(to, tmp_path):
    with pytest.raises(
        ValueError, match=r"can trace.*Received: a layer MeanInPython, whose call raises"
    ):
        to(with_layer(MeanInPython()), tmp_path / "dist")
    assert list(tmp_path.iterdir()) == []


class Subclass(keras.Model):
    """A model whose inputs nobody declared."""

    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Subclass(), r"whose inputs are known.*Received: Subclass"),
        (keras.Sequential([layers.Dense(3)]), r"whose inputs are known.*Received: Sequential"),
        ("a path", r"whose inputs are known.*Received: str"),
        (
            keras.Sequential([keras.Input((1,), dtype="string", name="words"), layers.Identity()]),
            r"arrays of numbers or booleans. Received: 'words'",
        ),
    ],
    ids=["subclass", "not built", "path", "strings"],
)
def test_a_model_without_known_inputs_is_refused(model, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export.to_onnx(model, tmp_path / "dist")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_answers_nothing_is_refused(tmp_path):
    inputs = keras.Input((None,), dtype="int32", name="ids")
    states = layers.Embedding(5, 4)(inputs)
    model = keras.Model(inputs, layers.Reshape((1000, 4))(states))
    with pytest.raises(
        ValueError, match=r"that answers random inputs.*raises: a layer Reshape, whose call"
    ):
        export.to_onnx(model, tmp_path / "dist")


def test_lengths_that_the_model_refuses_are_left_out(tmp_path):
    inputs = keras.Input((None, 3), name="signal")
    model = keras.Model(inputs, layers.Conv1D(4, 5, name="out")(inputs))
    export.to_onnx(model, tmp_path / "dist")
    assert Artefact.open(tmp_path / "dist").config.lengths == [7, 16, 128]


def test_other_layers_of_the_same_weights_are_another_model(tmp_path):
    export.to_onnx(table(), tmp_path / "dist")
    other = keras.Sequential(
        [keras.Input((5,)), layers.Dense(4, activation="relu"), layers.Dense(2, name="out")]
    )
    with pytest.raises(ValueError, match="one artefact is one model"):
        export.to_savedmodel(other, tmp_path / "dist")
