"""Lowered layers compute what the layers do, and are themselves again afterwards."""

from collections import Counter

import keras
import numpy as np
import onnx
import pytest

from attnzoo import layers
from attnzoo.export.lowering import lowered
from attnzoo.export.onnx_conversion import write_onnx

from ..layer_test_case import randomize_weights
from ..layers.export_parity import OneModel
from .engines import run_onnx

LENGTH, SIZE = 7, 16
STATES = np.random.default_rng(0).normal(size=(4, LENGTH, SIZE)).astype("float32")
# The third row begins with padding; the last has nothing to attend.
PADDING = np.arange(LENGTH) < np.array([7, 3, 7, 0])[:, None]
PADDING[2, :2] = False
ALLOWED = np.random.default_rng(1).random((4, LENGTH, LENGTH)) < 0.4
ALLOWED[1, 3] = False


def self_attention(inputs, **options):
    mask = {name: inputs[name] for name in ("padding_mask", "attention_mask") if name in inputs}
    return layers.MultiHeadSelfAttention(4, **options)(inputs["states"], **mask)


def keras_attention(inputs, **options):
    layer = keras.layers.MultiHeadAttention(4, 5, value_dim=3)
    mask = {name: inputs[name] for name in ("attention_mask",) if name in inputs}
    return layer(inputs["states"], inputs["states"], **mask, **options)


def model_of(build, feed, **options):
    inputs = {
        name: keras.Input(
            (None, *array.shape[2:]) if name == "states" else array.shape[1:],
            dtype=array.dtype.name,
            name=name,
        )
        for name, array in feed.items()
    }
    model = keras.Model(list(inputs.values()), build(inputs, **options))
    randomize_weights(model)
    return model


def export_and_run(model, feed, path, attention="fused", opset=None):
    dimensions = {
        name: ("batch", "length" if name == "states" else array.shape[1], *array.shape[2:])
        for name, array in feed.items()
    }
    served = OneModel(model, dimensions, {"output_0": ("batch", "length", model.output.shape[-1])})
    return write_onnx(served, path, attention, opset=opset), run_onnx(path, feed)["output_0"]


MASKED = {"states": STATES, "padding_mask": PADDING}
CASES = {
    "full": (self_attention, {"states": STATES}, {}),
    "padded": (self_attention, MASKED, {}),
    "causal": (self_attention, {"states": STATES}, {"causal": True}),
    "causal_padded": (self_attention, MASKED, {"causal": True}),
    "masked": (self_attention, {**MASKED, "attention_mask": ALLOWED}, {"causal": True}),
    "sizes": (self_attention, MASKED, {"key_dim": 6, "value_dim": 3, "output_dim": 5}),
    "alibi": (self_attention, MASKED, {"position": "alibi"}),
    "relative": (self_attention, MASKED, {"position": "relative", "causal": True}),
    "shaw": (self_attention, MASKED, {"position": "shaw"}),
    "rope": (self_attention, MASKED, {"position": "rope"}),
    "learned": (self_attention, MASKED, {"position": layers.positions.get("sinusoidal")}),
    "keras": (keras_attention, {"states": STATES}, {}),
    "keras_causal": (keras_attention, {"states": STATES}, {"use_causal_mask": True}),
    "keras_masked": (keras_attention, {"states": STATES, "attention_mask": ALLOWED}, {}),
}


OPERATORS = {"fused": "MultiHeadAttention", "standard": "Attention"}


@pytest.mark.parametrize("kind", OPERATORS)
@pytest.mark.parametrize("case", CASES)
def test_attention_is_one_operator_and_answers_as_the_layer(case, kind, tmp_path):
    build, feed, options = CASES[case]
    model = model_of(build, feed, **options)
    known, received = export_and_run(model, feed, tmp_path / "model.onnx", kind)
    assert known["fused"][OPERATORS[kind]] == 1
    assert known["decomposed"] == {}
    expected = np.asarray(model(list(feed.values())))
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-5)
    nodes = onnx.load(tmp_path / "model.onnx").graph.node
    counts = [node.op_type for node in nodes]
    assert counts.count(OPERATORS[kind]) == 1
    assert "Softmax" not in counts
    if kind == "standard":
        assert {node.domain for node in nodes} == {""}


@pytest.mark.parametrize("kind", OPERATORS)
def test_a_row_with_nothing_to_attend_gathers_zeros(kind, tmp_path):
    model = model_of(self_attention, MASKED, use_bias=False)
    _, received = export_and_run(model, MASKED, tmp_path / "model.onnx", kind)
    np.testing.assert_array_equal(received[3], 0)
    assert np.abs(received[0]).min() > 0


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"normalizer": "sparsemax"}, "Attention"),
        ({"score": "additive"}, "Attention"),
        ({"window": (2, 1)}, "WindowedAttention"),
    ],
    ids=["sparsemax", "additive", "window"],
)
def test_what_no_operator_says_stays_a_formula_and_is_counted(options, name, tmp_path):
    model = model_of(self_attention, MASKED, **options)
    known, received = export_and_run(model, MASKED, tmp_path / "model.onnx")
    assert known["decomposed"] == {name: 1}
    assert "MultiHeadAttention" not in known["fused"]
    np.testing.assert_allclose(received, model(list(MASKED.values())), rtol=0, atol=1e-5)


def feed_forward(inputs):
    """Every kind of stock layer that has an operator, and both kinds of GELU."""
    states = keras.layers.Dense(12, activation="gelu")(inputs["states"])
    states = keras.layers.LayerNormalization()(states)
    states = keras.layers.Activation("gelu")(keras.layers.Dense(SIZE)(states))
    return keras.ops.gelu(layers.LayerNormalization()(layers.GELU()(states)), approximate=True)


@pytest.mark.parametrize(
    ("kind", "by_tanh"), [("fused", "FastGelu"), ("standard", "Gelu")], ids=OPERATORS
)
def test_stock_layers_are_operators_too(kind, by_tanh, tmp_path):
    feed = {"states": STATES}
    model = model_of(feed_forward, feed)
    known, received = export_and_run(model, feed, tmp_path / "model.onnx", kind)
    gelus = ["Gelu"] * 3 + [by_tanh]
    assert known["fused"] == {"LayerNormalization": 2, **Counter(gelus)}
    np.testing.assert_allclose(received, model(STATES), rtol=0, atol=1e-5)
    nodes = [node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node]
    assert sorted(nodes) == sorted(["MatMul", "Add"] * 2 + gelus + ["LayerNormalization"] * 2)


@pytest.mark.parametrize(("kind", "opset"), [("fused", 23), ("decomposed", 21), ("decomposed", 23)])
def test_a_newer_opset_is_written_on_request(kind, opset, tmp_path):
    model = model_of(self_attention, MASKED)
    known, received = export_and_run(model, MASKED, tmp_path / "model.onnx", kind, opset)
    assert known["opset"] == opset
    opsets = {o.domain: o.version for o in onnx.load(tmp_path / "model.onnx").opset_import}
    assert opsets[""] == opset
    np.testing.assert_allclose(received, model(list(MASKED.values())), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("kind", "opset"), [("fused", 17), ("standard", 18), ("fused", 99)])
def test_an_opset_without_the_operators_is_refused(kind, opset, tmp_path):
    model = model_of(self_attention, {"states": STATES})
    message = rf"`opset`, expected (18|23) to 23 with attention='{kind}'.*opset={opset}"
    with pytest.raises(ValueError, match=message):
        export_and_run(model, {"states": STATES}, tmp_path / "model.onnx", kind, opset)


def test_decomposed_is_of_standard_operators(tmp_path):
    model = model_of(self_attention, MASKED)
    known, received = export_and_run(model, MASKED, tmp_path / "model.onnx", "decomposed")
    assert known["fused"] == {}
    assert {node.domain for node in onnx.load(tmp_path / "model.onnx").graph.node} == {""}
    np.testing.assert_allclose(received, model(list(MASKED.values())), rtol=0, atol=1e-5)


def test_an_unknown_kind_of_attention_is_refused(tmp_path):
    model = model_of(self_attention, {"states": STATES})
    with pytest.raises(ValueError, match=r"`attention`, expected one of .*Received: .*'flash'"):
        export_and_run(model, {"states": STATES}, tmp_path / "model.onnx", "flash")


@pytest.mark.parametrize("fails", [False, True], ids=["done", "error"])
def test_calls_are_the_layers_own_again(fails):
    model = model_of(feed_forward, {"states": STATES})
    expected = np.asarray(model(STATES))
    try:
        with lowered(model):
            assert any("call" in vars(layer) for layer in model.operations)
            if fails:
                raise RuntimeError
    except RuntimeError:
        pass
    assert not any("call" in vars(layer) for layer in model.operations)
    np.testing.assert_array_equal(model(STATES), expected)
