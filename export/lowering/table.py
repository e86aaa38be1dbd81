"""What each class of layer calls while a model is traced for ONNX."""

import keras
from keras.src.ops.nn import Gelu  # Where a model applies `keras.ops.gelu` to its tensors.

from ... import layers
from .activations import activation, gelu, gelu_operation
from .attention import keras_attention, self_attention
from .blocks import encoder_block
from .dense import dense
from .lookups import embedding, learned_position, segment_embedding
from .normalization import keras_layer_normalization, layer_normalization
from .unsaid import Unsaid


def _unsaid(layer, *args, **kwargs):
    raise Unsaid(type(layer).__name__)


TABLE = {
    layers.GELU: gelu,
    layers.GraphAttention: _unsaid,
    layers.LayerNormalization: layer_normalization,
    layers.LearnedPositionalEncoding: learned_position,
    layers.LinearSelfAttention: _unsaid,
    layers.MultiHeadSelfAttention: self_attention,
    layers.NystromSelfAttention: _unsaid,
    layers.SegmentEmbedding: segment_embedding,
    layers.TransformerEncoderBlock: encoder_block,
    keras.layers.Activation: activation,
    keras.layers.Dense: dense,
    keras.layers.Embedding: embedding,
    keras.layers.LayerNormalization: keras_layer_normalization,
    keras.layers.MultiHeadAttention: keras_attention,
    Gelu: gelu_operation,
}
