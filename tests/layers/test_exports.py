"""Multi-head self-attention and the encoder block, exported; other kinds are beside their tests."""

import keras
import numpy as np
import pytest

from attnzoo.layers import (
    LayerNormalization,
    MultiHeadSelfAttention,
    TransformerEncoderBlock,
    normalizers,
    positions,
)

from ..backends import needs_tensorflow
from ..layer_test_case import randomize_weights
from .export_parity import OneModel, assert_exports_agree, onnx_session

HEADS, HIDDEN = 2, 8
LAYERS = {
    **{
        f"position {name}": lambda name=name: MultiHeadSelfAttention(HEADS, position=name)
        for name in positions.POSITIONS
        if name
        not in ("learned", "sincos_2d")  # Which need to know a size; the latter, the length.
    },
    "position learned": lambda: MultiHeadSelfAttention(
        HEADS, position=positions.LearnedPositionalEncoding(max_length=16)
    ),
    **{
        f"normalizer {name}": lambda name=name: MultiHeadSelfAttention(HEADS, normalizer=name)
        for name in normalizers.NORMALIZERS
    },
    "additive score": lambda: MultiHeadSelfAttention(HEADS, score="additive"),
    "causal": lambda: MultiHeadSelfAttention(HEADS, causal=True),
    "block": lambda: TransformerEncoderBlock(HEADS, 12, layer_scale=0.5, drop_path=0.1),
    "gated block": lambda: TransformerEncoderBlock(
        HEADS, 12, use_bias=False, norm_bias=False, feed_forward="geglu", normalize_attention=False
    ),
    "post-norm block": lambda: TransformerEncoderBlock(HEADS, 12, normalize_first=False),
}


def model_of(layer):
    """A Functional model with outputs and weights, open in batch size and length."""
    inputs = keras.Input((None, HIDDEN), name="inputs")
    padding = keras.Input((None,), dtype="bool", name="padding_mask")
    outputs = layer(inputs, padding_mask=padding, return_attention_scores=True)
    model = keras.Model([inputs, padding], list(outputs))
    randomize_weights(model)
    return model


@needs_tensorflow
@pytest.mark.parametrize("name", LAYERS)
def test_both_exports_agree_for_any_batch_and_length(name, tmp_path):
    rng = np.random.default_rng(0)
    feeds = [
        {
            "inputs": rng.normal(size=(batch, length, HIDDEN)).astype("float32"),
            "padding_mask": rng.random((batch, length)) < share,
        }
        # The last is all padding.
        for batch, length, share in ((2, 7, 0.8), (1, 1, 1.0), (3, 13, 0.5), (1, 2, 0.0))
    ]
    assert_exports_agree(
        model_of(LAYERS[name]()),
        {"inputs": ("batch", "length", HIDDEN), "padding_mask": ("batch", "length")},
        {
            "output_0": ("batch", "length", HIDDEN),
            "output_1": ("batch", HEADS, "length", "length"),
        },
        feeds,
        tmp_path,
    )


@needs_tensorflow
def test_layer_normalization_is_one_operator_to_onnx_runtime(tmp_path):
    import onnx
    import onnxruntime

    inputs = keras.Input((HIDDEN,), name="inputs")
    model = keras.Model(inputs, LayerNormalization()(inputs))
    randomize_weights(model)
    axes = ("batch", HIDDEN)
    onnx_session(OneModel(model, {"inputs": axes}, {"output_0": axes}), tmp_path)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    onnxruntime.InferenceSession(str(tmp_path / "layer.onnx"), options)
    nodes = onnx.load(tmp_path / "optimized.onnx").graph.node
    assert [node.op_type for node in nodes] == ["LayerNormalization"]
