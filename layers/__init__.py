"""attnzoo.layers: self-attention and what goes around it (floor 1: imports Keras only)."""

from . import normalizers, positions, scores
from .attention import Attention
from .gelu import GELU
from .layer_normalization import LayerNormalization
from .multi_head_self_attention import MultiHeadSelfAttention
from .named_inputs_model import NamedInputsModel
from .positions import LearnedPositionalEncoding, SinusoidalPositionalEncoding
from .sequence_pooling import SequencePooling
from .transformer_encoder_block import TransformerEncoderBlock

__all__ = [
    "GELU",
    "Attention",
    "LayerNormalization",
    "LearnedPositionalEncoding",
    "MultiHeadSelfAttention",
    "NamedInputsModel",
    "SequencePooling",
    "SinusoidalPositionalEncoding",
    "TransformerEncoderBlock",
    "normalizers",
    "positions",
    "scores",
]
