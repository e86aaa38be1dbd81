"""attnzoo.layers: self-attention and what goes around it (floor 1: imports Keras only)."""

from . import feature_maps, normalizers, positions, scores
from .attention import Attention
from .attention_from_convolution import attention_from_convolution
from .blank_padding import BlankPadding
from .causal_subsampling import CausalSubsampling
from .centered_subsampling import CenteredSubsampling
from .class_token import ClassToken
from .convolution_module import ConvolutionModule
from .disjoint_union import DisjointUnion, SeparateGraphs
from .feature_normalization import FeatureNormalization
from .frame_mask import FrameMask
from .gather_positions import GatherPositions
from .gelu import GELU
from .graph_attention import GraphAttention
from .graph_readout import GraphReadout
from .layer_normalization import LayerNormalization
from .linear_self_attention import LinearSelfAttention
from .log_mel_spectrogram import LogMelSpectrogram
from .multi_head_self_attention import MultiHeadSelfAttention
from .named_inputs_model import NamedInputsModel
from .nystrom_self_attention import NystromSelfAttention
from .positions import (
    ALiBi,
    ConditionalPositionalEncoding,
    ConvolutionalPositionalEncoding,
    LearnedPositionalEncoding,
    RelativePositionBias,
    RotaryEmbedding,
    ShawRelativeKeys,
    SinCos2DPositionalEncoding,
    SinusoidalPositionalEncoding,
    T5RelativeBias,
)
from .random_choice import RandomChoice
from .segment_embedding import SegmentEmbedding
from .sequence_pooling import SequencePooling
from .spec_augment import SpecAugment
from .transformer_encoder_block import TransformerEncoderBlock
from .unit_sum import UnitSum
from .waveform_encoder import WaveformEncoder
from .windowed_attention import WindowedAttention

__all__ = [
    "GELU",
    "ALiBi",
    "Attention",
    "BlankPadding",
    "CausalSubsampling",
    "CenteredSubsampling",
    "ClassToken",
    "ConditionalPositionalEncoding",
    "ConvolutionModule",
    "ConvolutionalPositionalEncoding",
    "DisjointUnion",
    "FeatureNormalization",
    "FrameMask",
    "GatherPositions",
    "GraphAttention",
    "GraphReadout",
    "LayerNormalization",
    "LearnedPositionalEncoding",
    "LinearSelfAttention",
    "LogMelSpectrogram",
    "MultiHeadSelfAttention",
    "NamedInputsModel",
    "NystromSelfAttention",
    "RandomChoice",
    "RelativePositionBias",
    "RotaryEmbedding",
    "SegmentEmbedding",
    "SeparateGraphs",
    "SequencePooling",
    "ShawRelativeKeys",
    "SinCos2DPositionalEncoding",
    "SinusoidalPositionalEncoding",
    "SpecAugment",
    "T5RelativeBias",
    "TransformerEncoderBlock",
    "UnitSum",
    "WaveformEncoder",
    "WindowedAttention",
    "attention_from_convolution",
    "feature_maps",
    "normalizers",
    "positions",
    "scores",
]
