"""Every exported layer passes through `run_layer_test`."""

import inspect

import keras
import numpy as np
import pytest

from attnzoo import layers
from attnzoo.layers import (
    GELU,
    Attention,
    LayerNormalization,
    LearnedPositionalEncoding,
    MultiHeadSelfAttention,
    SequencePooling,
    SinusoidalPositionalEncoding,
    TransformerEncoderBlock,
)

from ..layer_test_case import BATCH, HIDDEN, LENGTH, run_layer_test

HEADS, HEAD_DIM, VALUE_DIM = 4, 6, 3
SEQUENCE = (BATCH, LENGTH, HIDDEN)
SCORES = (BATCH, HEADS, LENGTH, LENGTH)
# A constant added to all scores of a row changes no weight, so softmax has no use for this bias.
KEY_BIAS = ("key/bias",)


def vectors(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def padding_mask():
    return np.arange(LENGTH)[None, :] < np.array([[LENGTH], [LENGTH - 2]])


QUERY_KEY_VALUE = (
    vectors(BATCH, HEADS, LENGTH, HEAD_DIM, seed=1),
    vectors(BATCH, HEADS, LENGTH, HEAD_DIM, seed=2),
    vectors(BATCH, HEADS, LENGTH, VALUE_DIM, seed=3),
)

CASES = {
    "attention": (
        Attention,
        {"dropout": 0.1},
        QUERY_KEY_VALUE,
        ((BATCH, HEADS, LENGTH, VALUE_DIM), SCORES),
        {
            "call_kwargs": {"attention_mask": padding_mask()[:, None, None, :]},
            "mask": "unsupported",
        },
    ),
    "gelu": (GELU, {}, vectors(*SEQUENCE), SEQUENCE, {}),
    "layer_normalization": (
        LayerNormalization,
        {"epsilon": 1e-3},
        vectors(*SEQUENCE),
        SEQUENCE,
        {},
    ),
    "learned positions": (
        LearnedPositionalEncoding,
        {"max_length": 9, "initializer": "glorot_normal"},
        vectors(*SEQUENCE),
        SEQUENCE,
        {"call_kwargs": {"start_index": 4}},
    ),
    "sinusoidal positions": (
        SinusoidalPositionalEncoding,
        {"max_length": LENGTH, "max_wavelength": 100.0},
        vectors(*SEQUENCE),
        SEQUENCE,
        {},
    ),
    "self-attention": (
        MultiHeadSelfAttention,
        {"num_heads": HEADS},
        vectors(*SEQUENCE),
        SEQUENCE,
        {"weights_without_gradient": KEY_BIAS},
    ),
    "self-attention, all sizes given": (
        MultiHeadSelfAttention,
        {
            "num_heads": HEADS,
            "key_dim": HEAD_DIM,
            "value_dim": VALUE_DIM,
            "output_dim": 7,
            "causal": True,
            "dropout": 0.1,
            "use_bias": False,
            "kernel_initializer": "he_normal",
        },
        vectors(*SEQUENCE),
        (BATCH, LENGTH, 7),
        {"call_kwargs": {"padding_mask": padding_mask()}},
    ),
    "self-attention, return_attention_scores": (
        MultiHeadSelfAttention,
        {"num_heads": HEADS},
        vectors(*SEQUENCE),
        (SEQUENCE, SCORES),
        {"call_kwargs": {"return_attention_scores": True}, "weights_without_gradient": KEY_BIAS},
    ),
    "pooling, mean": (
        SequencePooling,
        {"pooling": "mean"},
        vectors(*SEQUENCE),
        (BATCH, HIDDEN),
        {"call_kwargs": {"padding_mask": padding_mask()}, "mask": "dropped"},
    ),
    "pooling, cls": (
        SequencePooling,
        {"pooling": "cls"},
        vectors(*SEQUENCE),
        (BATCH, HIDDEN),
        {"mask": "dropped"},
    ),
    "encoder block, pre-norm": (
        TransformerEncoderBlock,
        {"num_heads": HEADS, "intermediate_dim": 16},
        vectors(*SEQUENCE),
        SEQUENCE,
        {"weights_without_gradient": KEY_BIAS},
    ),
    "encoder block, post-norm": (
        TransformerEncoderBlock,
        {
            "num_heads": HEADS,
            "intermediate_dim": 16,
            "causal": True,
            "dropout": 0.1,
            "attention_dropout": 0.1,
            "normalize_first": False,
            "layer_norm_epsilon": 1e-5,
            "use_bias": False,
            "kernel_initializer": "he_normal",
        },
        vectors(*SEQUENCE),
        SEQUENCE,
        {"call_kwargs": {"padding_mask": padding_mask()}},
    ),
    "encoder block, return_attention_scores": (
        TransformerEncoderBlock,
        {"num_heads": HEADS, "intermediate_dim": 16},
        vectors(*SEQUENCE),
        (SEQUENCE, SCORES),
        {"call_kwargs": {"return_attention_scores": True}, "weights_without_gradient": KEY_BIAS},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_layer_keeps_the_promises_of_every_layer(case):
    layer_class, init_kwargs, inputs, expected_output_shape, expectations = CASES[case]
    run_layer_test(layer_class, init_kwargs, inputs, expected_output_shape, **expectations)


def test_every_exported_layer_has_a_case():
    tables_of_contents = [layers, layers.normalizers, layers.positions, layers.scores]
    exported = [getattr(table, name) for table in tables_of_contents for name in table.__all__]
    # A whole model, such as NamedInputsModel, has a test file of its own.
    exported_layers = {
        piece
        for piece in exported
        if inspect.isclass(piece)
        and issubclass(piece, keras.layers.Layer)
        and not issubclass(piece, keras.Model)
    }
    assert exported_layers == {case[0] for case in CASES.values()}
