"""Every exported layer passes through `run_layer_test`."""

import inspect

import keras
import numpy as np
import pytest

from attnzoo import layers
from attnzoo.layers import (
    GELU,
    ALiBi,
    Attention,
    BlankPadding,
    CausalSubsampling,
    CenteredSubsampling,
    ClassToken,
    ConditionalPositionalEncoding,
    ConvolutionalPositionalEncoding,
    ConvolutionModule,
    DisjointUnion,
    FeatureNormalization,
    FrameMask,
    GatherPositions,
    GraphAttention,
    GraphReadout,
    LayerNormalization,
    LearnedPositionalEncoding,
    LinearSelfAttention,
    LogMelSpectrogram,
    MultiHeadSelfAttention,
    NystromSelfAttention,
    RandomChoice,
    RelativePositionBias,
    RotaryEmbedding,
    SegmentEmbedding,
    SeparateGraphs,
    SequencePooling,
    ShawRelativeKeys,
    SinCos2DPositionalEncoding,
    SinusoidalPositionalEncoding,
    SpecAugment,
    T5RelativeBias,
    TransformerEncoderBlock,
    UnitSum,
    WaveformEncoder,
    WindowedAttention,
)
from attnzoo.layers.feature_maps import FavorFeatureMap
from attnzoo.layers.scores import AdditiveScore

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

# Queries in blocks, and for each block its offsets. They are floats here so that there is something
# to train before a layer that has no weights; there are as many heads as blocks and sequences, so
# that `fit` takes for a batch what has no axis for it.
BLOCKED_QUERY = vectors(BATCH, BATCH, BATCH, LENGTH, HEAD_DIM, seed=1)
OFFSETS = np.stack([np.arange(7) - row for row in range(BATCH * LENGTH)]).astype("float32")
QUERY_OFFSETS = (BLOCKED_QUERY, OFFSETS.reshape(BATCH, LENGTH, 7))
BIAS = (BATCH, BATCH, LENGTH, 7)
NO_QUERY = {"mask": "unsupported", "weights_without_gradient": ("before_0/kernel",)}
ROW_IN_TABLE = ("before_0/kernel", "before_1/kernel")
# As many edges as nodes, as `fit` wants all arrays of one length. Each of the targets has several,
# as a target's own part of a score changes weights only where scores are on both sides of zero.
NODES = 12
EDGES = np.stack([np.arange(NODES), np.arange(NODES) % 3], axis=1).astype("int32")
EDGES[-1] = -1  # Padding.
# Graphs of one node with one edge, for the same reason; and how many of the vectors of a sequence
# are real nodes.
SELF_LOOPS = np.zeros((BATCH, 1, 2), "int32")
NUM_NODES = np.array([LENGTH, LENGTH - 2], "int32")

CASES = {
    "alibi": (ALiBi, {}, QUERY_OFFSETS, BIAS, NO_QUERY),
    "additive score": (
        AdditiveScore,
        {"kernel_initializer": "he_normal"},
        QUERY_KEY_VALUE[:2],
        SCORES,
        {"mask": "unsupported"},
    ),
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
    "disjoint union": (
        DisjointUnion,
        {},
        vectors(BATCH, 1, HIDDEN),
        ((BATCH, HIDDEN), (BATCH, 2)),
        {
            "call_kwargs": {"edges": SELF_LOOPS, "num_nodes": np.ones(BATCH, "int32")},
            "mask": "unsupported",
        },
    ),
    "gather positions": (
        GatherPositions,
        {},
        vectors(*SEQUENCE),
        (BATCH, 3, HIDDEN),
        {"call_kwargs": {"positions": np.array([[0, 2, -1], [1, 1, 4]])}, "mask": "dropped"},
    ),
    "segment embedding": (
        SegmentEmbedding,
        {"num_segments": 3, "initializer": "glorot_normal"},
        vectors(*SEQUENCE),
        SEQUENCE,
        {"call_kwargs": {"segment_ids": np.arange(BATCH * LENGTH).reshape(BATCH, LENGTH) % 3}},
    ),
    "gelu": (GELU, {}, vectors(*SEQUENCE), SEQUENCE, {}),
    "layer_normalization": (
        LayerNormalization,
        {"epsilon": 1e-3},
        vectors(*SEQUENCE),
        SEQUENCE,
        {},
    ),
    "layer_normalization without bias": (
        LayerNormalization,
        {"use_bias": False},
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
    "2-D sine-cosine positions": (
        SinCos2DPositionalEncoding,
        {"grid": [1, LENGTH - 1], "num_prefix_tokens": 1},
        vectors(*SEQUENCE),
        SEQUENCE,
        {},
    ),
    "conditional positions": (
        ConditionalPositionalEncoding,
        {"kernel_size": 5},
        vectors(*SEQUENCE),
        SEQUENCE,
        {"call_kwargs": {"padding_mask": padding_mask()}},
    ),
    "conditional positions, grid": (
        ConditionalPositionalEncoding,
        {"grid": [1, LENGTH]},
        vectors(*SEQUENCE),
        SEQUENCE,
        {},
    ),
    "convolutional positions": (
        ConvolutionalPositionalEncoding,
        {"kernel_size": 4, "groups": 2},
        vectors(*SEQUENCE),
        SEQUENCE,
        {"call_kwargs": {"padding_mask": padding_mask()}},
    ),
    "relative position bias": (
        RelativePositionBias,
        {"max_distance": 3, "initializer": "glorot_normal"},
        QUERY_OFFSETS,
        BIAS,
        {"mask": "unsupported", "weights_without_gradient": ROW_IN_TABLE},
    ),
    "rotary embedding": (
        RotaryEmbedding,
        {"max_wavelength": 100.0},
        QUERY_KEY_VALUE[0],
        QUERY_KEY_VALUE[0].shape,
        {"call_kwargs": {"start_index": 4}, "mask": "unsupported"},
    ),
    "shaw relative keys": (
        ShawRelativeKeys,
        {"max_distance": 3, "initializer": "glorot_normal"},
        QUERY_OFFSETS,
        (BATCH, *BIAS),
        {"mask": "unsupported", "weights_without_gradient": ("before_1/kernel",)},
    ),
    "T5 relative bias": (
        T5RelativeBias,
        {
            "num_buckets": 6,
            "max_distance": 5,
            "bidirectional": False,
            "initializer": "glorot_normal",
        },
        QUERY_OFFSETS,
        BIAS,
        {"mask": "unsupported", "weights_without_gradient": ROW_IN_TABLE},
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
    "linear self-attention": (
        LinearSelfAttention,
        {"num_heads": HEADS},
        vectors(*SEQUENCE),
        SEQUENCE,
        {},
    ),
    "linear self-attention, all sizes given": (
        LinearSelfAttention,
        {
            "num_heads": HEADS,
            "key_dim": HEAD_DIM,
            "value_dim": VALUE_DIM,
            "output_dim": 7,
            "feature_map": "favor",
            "num_features": 9,
            "causal": True,
            "chunk_size": 2,
            "use_bias": False,
            "kernel_initializer": "he_normal",
        },
        vectors(*SEQUENCE),
        (BATCH, LENGTH, 7),
        {"call_kwargs": {"padding_mask": padding_mask()}},
    ),
    "favor features": (
        FavorFeatureMap,
        {"num_features": 11, "seed": 3},
        vectors(BATCH, HEADS, LENGTH, HEAD_DIM),
        (BATCH, HEADS, LENGTH, 11),
        {"mask": "unsupported"},
    ),
    "Nyström self-attention": (
        NystromSelfAttention,
        {"num_heads": HEADS},
        vectors(*SEQUENCE),
        SEQUENCE,
        {"weights_without_gradient": KEY_BIAS},
    ),
    "Nyström self-attention, all sizes given": (
        NystromSelfAttention,
        {
            "num_heads": HEADS,
            "key_dim": HEAD_DIM,
            "value_dim": VALUE_DIM,
            "output_dim": 7,
            "num_landmarks": 3,
            "num_iterations": 4,
            "conv_kernel_size": 3,
            "use_bias": False,
            "kernel_initializer": "he_normal",
        },
        vectors(*SEQUENCE),
        (BATCH, LENGTH, 7),
        {"call_kwargs": {"padding_mask": padding_mask()}},
    ),
    "graph attention": (
        GraphAttention,
        {"units": 3, "num_heads": 2},
        vectors(NODES, HIDDEN),
        (NODES, 6),
        {"call_kwargs": {"edges": EDGES}, "mask": "unsupported"},
    ),
    "graph attention, gatv2": (
        GraphAttention,
        {
            "units": 3,
            "num_heads": 2,
            "score": "gatv2",
            "concat": False,
            "add_self_loops": False,
            "edge_dropout": 0.1,
            "feature_dropout": 0.1,
            "negative_slope": 0.1,
            "use_bias": False,
            "activation": "elu",
            "kernel_initializer": "he_normal",
        },
        vectors(NODES, HIDDEN),
        ((NODES, 3), (NODES, 2)),
        {
            "call_kwargs": {"edges": EDGES, "return_attention_scores": True},
            "mask": "unsupported",
        },
    ),
    "graph attention, dot": (
        GraphAttention,
        {"units": 3, "score": "dot"},
        vectors(NODES, HIDDEN),
        (NODES, 3),
        {"call_kwargs": {"edges": EDGES}, "mask": "unsupported"},
    ),
    "graph readout, attention": (
        GraphReadout,
        {"readout": "attention"},
        vectors(*SEQUENCE),
        (BATCH, HIDDEN),
        {"call_kwargs": {"num_nodes": NUM_NODES}, "mask": "unsupported"},
    ),
    "graph readout, log_sum": (
        GraphReadout,
        {"readout": "log_sum"},
        vectors(*SEQUENCE),
        (BATCH, HIDDEN),
        {"call_kwargs": {"num_nodes": NUM_NODES}, "mask": "unsupported"},
    ),
    "blank padding": (
        BlankPadding,
        {},
        vectors(*SEQUENCE),
        SEQUENCE,
        {"mask": "unsupported"},
    ),
    "causal subsampling": (
        CausalSubsampling,
        {"output_dim": 7, "factor": 2, "channels": 3},
        vectors(*SEQUENCE),
        (BATCH, LENGTH // 2, 7),
        {"call_kwargs": {"padding_mask": padding_mask()}, "mask": "unsupported"},
    ),
    "centered subsampling": (
        CenteredSubsampling,
        {
            "channels": (6, 7),
            "kernel_sizes": (3, 5),
            "strides": (1, 2),
            "activation": "glu",
            "hears_padding": True,
        },
        vectors(*SEQUENCE),
        (BATCH, 3, 7),
        {"call_kwargs": {"padding_mask": padding_mask()}, "mask": "unsupported"},
    ),
    "convolution module": (
        ConvolutionModule,
        {
            "kernel_size": 3,
            "dropout": 0.1,
            "layer_norm_epsilon": 1e-5,
            "kernel_initializer": "he_normal",
        },
        vectors(*SEQUENCE),
        SEQUENCE,
        {"call_kwargs": {"padding_mask": padding_mask()}, "mask": "unsupported"},
    ),
    "feature normalization": (
        FeatureNormalization,
        {"scope": "utterance", "epsilon": 0.1},
        vectors(*SEQUENCE),
        SEQUENCE,
        {"call_kwargs": {"padding_mask": padding_mask()}, "mask": "unsupported"},
    ),
    "log-mel spectrogram": (
        LogMelSpectrogram,
        {
            "sampling_rate": 1000,
            "frame_length": 20,
            "hop_length": 10,
            "num_mels": 4,
            "fft_length": 64,
            "min_frequency": 10.0,
            "max_frequency": 400.0,
            "floor": 1e-2,
        },
        vectors(BATCH, 40),
        (BATCH, 4, 4),
        {"mask": "unsupported"},
    ),
    "spec augment": (
        SpecAugment,
        {
            "frequency_masks": 1,
            "frequency_mask_width": 2,
            "time_masks": 1,
            "time_mask_share": 0.5,
            "seed": 0,
        },
        vectors(*SEQUENCE),
        SEQUENCE,
        {"call_kwargs": {"padding_mask": padding_mask()}, "mask": "unsupported"},
    ),
    "class token": (
        ClassToken,
        {"initializer": "ones"},
        vectors(*SEQUENCE),
        (BATCH, LENGTH + 1, HIDDEN),
        {"mask": "unsupported"},
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
            "dropout": 0.1,
            "drop_path": 0.1,
            "layer_scale": 0.5,
            "normalize_first": False,
            "layer_norm_epsilon": 1e-5,
            "use_bias": False,
            "kernel_initializer": "he_normal",
        },
        vectors(*SEQUENCE),
        SEQUENCE,
        {"call_kwargs": {"padding_mask": padding_mask()}},
    ),
    "encoder block, rectified": (
        TransformerEncoderBlock,
        {"num_heads": HEADS, "intermediate_dim": 16, "feed_forward": "relu"},
        vectors(*SEQUENCE),
        SEQUENCE,
        {"weights_without_gradient": KEY_BIAS},
    ),
    "encoder block, gated": (
        TransformerEncoderBlock,
        {
            "num_heads": HEADS,
            "intermediate_dim": 16,
            "use_bias": False,
            "norm_bias": False,
            "feed_forward": "geglu",
            "normalize_attention": False,
        },
        vectors(*SEQUENCE),
        SEQUENCE,
        {},
    ),
    "encoder block, return_attention_scores": (
        TransformerEncoderBlock,
        {"num_heads": HEADS, "intermediate_dim": 16},
        vectors(*SEQUENCE),
        (SEQUENCE, SCORES),
        {"call_kwargs": {"return_attention_scores": True}, "weights_without_gradient": KEY_BIAS},
    ),
    "separate graphs": (
        SeparateGraphs,
        {},
        vectors(BATCH, HIDDEN),
        (BATCH, 1, HIDDEN),
        {"call_kwargs": {"node_features": vectors(BATCH, 1, HIDDEN)}, "mask": "unsupported"},
    ),
    "unit sum": (UnitSum, {}, vectors(*SEQUENCE), SEQUENCE, {}),
    "waveform encoder": (
        WaveformEncoder,
        {
            "channels": (6, 7),
            "kernel_sizes": (2, 2),
            "strides": (1, 2),
            "normalization": "group",
            "use_bias": True,
            "hears_padding": True,
        },
        vectors(*SEQUENCE),
        (BATCH, 2, 7),
        {
            "call_kwargs": {"padding_mask": padding_mask()},
            "mask": "unsupported",
            # A channel's mean takes it off again.
            "weights_without_gradient": ("convolution_0/bias",),
        },
    ),
    "waveform encoder, layer by layer": (
        WaveformEncoder,
        {
            "channels": (6, 7),
            "kernel_sizes": (2, 2),
            "strides": (1, 2),
            "normalization": "layer",
        },
        vectors(*SEQUENCE),
        (BATCH, 2, 7),
        {"mask": "unsupported"},
    ),
    "windowed attention": (
        WindowedAttention,
        {"window": (2, 1), "position": "relative", "dropout": 0.1},
        QUERY_KEY_VALUE,
        ((BATCH, HEADS, LENGTH, VALUE_DIM), SCORES),
        {"call_kwargs": {"return_attention_scores": True}, "mask": "unsupported"},
    ),
    "windowed attention, chunks and a global token": (
        WindowedAttention,
        {"window": (1, 1), "window_style": "chunked_limited", "global_tokens": 1},
        QUERY_KEY_VALUE,
        ((BATCH, HEADS, LENGTH, VALUE_DIM), SCORES),
        {
            "call_kwargs": {"padding_mask": padding_mask(), "return_attention_scores": True},
            "mask": "unsupported",
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_layer_keeps_the_promises_of_every_layer(case):
    layer_class, init_kwargs, inputs, expected_output_shape, expectations = CASES[case]
    run_layer_test(layer_class, init_kwargs, inputs, expected_output_shape, **expectations)


def test_every_exported_layer_has_a_case():
    tables_of_contents = [
        layers,
        layers.feature_maps,
        layers.normalizers,
        layers.positions,
        layers.scores,
    ]
    exported = [getattr(table, name) for table in tables_of_contents for name in table.__all__]
    # A whole model, such as NamedInputsModel, has a test file of its own; a kind of layer, such as
    # InputPosition, has nothing to call; and a layer that makes masks or numbers has no outputs to
    # train by.
    exported_layers = {
        piece
        for piece in exported
        if inspect.isclass(piece)
        and issubclass(piece, keras.layers.Layer)
        and not issubclass(piece, keras.Model)
        and piece.call is not keras.layers.Layer.call
    }
    assert exported_layers == {case[0] for case in CASES.values()} | {FrameMask, RandomChoice}
