"""The ONNX file: valid, standard, named as the task names things, and right."""

import json
from collections import Counter

import numpy as np
import onnx
import pytest

from attnzoo import export, layers

from .engines import fresh_tensors, keras_answers, run_onnx, softmax
from .small_models import LABELS

STANDARD = {"", "ai.onnx", "ai.onnx.ml"}
LENGTHS = ([1], [13, 0, 5], [3, 11, 0, 0, 1, 7, 2], [0])


def described(values):
    return [
        (
            value.name,
            onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name,
            tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim),
        )
        for value in values
    ]


def test_the_full_checker_is_satisfied(exported):
    onnx.checker.check_model(str(exported.onnx_file), full_check=True)


def test_inputs_and_outputs_are_those_of_the_task_in_order(exported):
    graph = exported.onnx_model.graph
    for values, specs in (
        (graph.input, exported.task.inputs(exported.config)),
        (graph.output, exported.task.outputs(exported.config)),
    ):
        assert described(values) == [(spec.name, spec.dtype, spec.shape) for spec in specs]


def test_the_batch_is_dynamic_everywhere(exported):
    graph = exported.onnx_model.graph
    rows = exported.task.inputs(exported.config)[0].shape[0]
    assert rows in ("batch", "graphs")
    for _, _, shape in described([*graph.input, *graph.output]):
        assert shape[0] == rows


def test_operators_are_of_opset_18_but_for_the_fused_ones(exported):
    opsets = {opset.domain: opset.version for opset in exported.onnx_model.opset_import}
    assert opsets[""] == 18
    assert opsets.keys() <= STANDARD | {"com.microsoft"}
    fused = {node.op_type for node in exported.onnx_model.graph.node if node.domain not in STANDARD}
    assert fused <= {"Gelu", "MultiHeadAttention", "RotaryEmbedding"}
    assert not exported.onnx_model.functions


OPERATORS = {
    layers.GELU: "Gelu",
    layers.LayerNormalization: "LayerNormalization",
    layers.MultiHeadSelfAttention: "MultiHeadAttention",
}


def test_there_is_one_operator_for_each_layer_that_has_one(exported):
    in_file = Counter(node.op_type for node in exported.onnx_model.graph.node)
    expected = Counter(
        OPERATORS[type(layer)]
        for layer in exported.model._flatten_layers()
        if type(layer) in OPERATORS and _is_full_attention(layer)
    )
    assert {name: in_file[name] for name in OPERATORS.values() if in_file[name]} == expected


def _is_full_attention(layer):
    """Whether an attention layer is no window, of which there is no operator."""
    return type(getattr(layer, "attention", None)) in (type(None), layers.Attention)


def test_weights_are_float32_and_stored_once(exported):
    weights = [
        initializer
        for initializer in exported.onnx_model.graph.initializer
        if initializer.data_type == onnx.TensorProto.FLOAT
    ]
    count = sum(int(np.prod(weight.dims)) for weight in weights)
    variants = json.loads((exported.folder / "manifest.json").read_text())["variants"]
    count -= variants["onnx/model.onnx"]["constant_bytes"] // 4  # Such as the waves of a spectrum.
    assert abs(count - exported.model.count_params()) < 0.05 * exported.model.count_params()
    assert not {initializer.data_type for initializer in exported.onnx_model.graph.initializer} & {
        onnx.TensorProto.BFLOAT16,
        onnx.TensorProto.FLOAT16,
        onnx.TensorProto.DOUBLE,
    }


def test_the_file_says_what_it_is(exported):
    metadata = {item.key: item.value for item in exported.onnx_model.metadata_props}
    assert metadata["architecture"] == exported.name
    assert metadata["task"] == exported.task.name
    assert exported.onnx_model.producer_name == "attnzoo"


def test_the_file_carries_the_labels(exported_text):
    metadata = {item.key: item.value for item in exported_text.onnx_model.metadata_props}
    assert json.loads(metadata["labels"]) == LABELS


@pytest.mark.parametrize("optimized", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_answers_are_those_of_the_keras_model(exported, lengths, optimized):
    tensors = fresh_tensors(exported.task, exported.config, lengths, seed=len(lengths))
    logits = keras_answers(exported.model, exported.task, exported.config, tensors)
    answers = run_onnx(exported.onnx_file, tensors, optimized)
    np.testing.assert_allclose(answers["logits"], logits, rtol=0, atol=2e-5)
    np.testing.assert_allclose(answers["probabilities"], softmax(logits), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(answers["label"], logits.argmax(-1))


def test_no_answers_are_alike_so_that_the_comparison_means_something(exported):
    tensors = fresh_tensors(exported.task, exported.config, [9, 8, 7, 6], seed=3)
    logits = keras_answers(exported.model, exported.task, exported.config, tensors)
    assert logits.std(axis=0).min() > 1e-2


def test_an_unknown_precision_is_refused(tmp_path, bag_of_words_model):
    with pytest.raises(ValueError, match=r"`precision`, expected one of .*Received: .*'int4'"):
        export.to_onnx(bag_of_words_model, tmp_path / "dist", precision="int4")
