"""attnzoo.layers: self-attention and what goes around it (floor 1: imports Keras only)."""

from . import feature_maps, normalizers, positions, scores
from .attention import Attention
from .attention_from_convolution import attention_from_convolution
from .class_token import ClassToken
from .disjoint_union import DisjointUnion, SeparateGraphs
from .gather_positions import GatherPositions
from .gelu import GELU
from .graph_attention import GraphAttention
from .graph_readout import GraphReadout
from .layer_normalization import LayerNormalization
from .linear_self_attention import LinearSelfAttention
from .multi_head_self_attention import MultiHeadSelfAttention
from .named_inputs_model import NamedInputsModel
from .nystrom_self_attention import NystromSelfAttention
from .positions import (
    ALiBi,
    ConditionalPositionalEncoding,
    LearnedPositionalEncoding,
    RelativePositionBias,
    RotaryEmbedding,
    ShawRelativeKeys,
    SinCos2DPositionalEncoding,
    SinusoidalPositionalEncoding,
    T5RelativeBias,
)
from .sequence_pooling import SequencePooling
from .transformer_encoder_block import TransformerEncoderBlock
from .unit_sum import UnitSum
from .windowed_attention import WindowedAttention

__all__ = [
    "GELU",
    "ALiBi",
    "Attention",
    "ClassToken",
    "ConditionalPositionalEncoding",
    "DisjointUnion",
    "GatherPositions",
    "GraphAttention",
    "GraphReadout",
    "LayerNormalization",
    "LearnedPositionalEncoding",
    "LinearSelfAttention",
    "MultiHeadSelfAttention",
    "NamedInputsModel",
    "NystromSelfAttention",
    "RelativePositionBias",
    "RotaryEmbedding",
    "SeparateGraphs",
    "SequencePooling",
    "ShawRelativeKeys",
    "SinCos2DPositionalEncoding",
    "SinusoidalPositionalEncoding",
    "T5RelativeBias",
    "TransformerEncoderBlock",
    "UnitSum",
    "WindowedAttention",
    "attention_from_convolution",
    "feature_maps",
    "normalizers",
    "positions",
    "scores",
]
