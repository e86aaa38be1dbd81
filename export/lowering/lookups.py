"""Rows of tables, which ONNX finds without the care that TensorFlow's kernels need."""

import tensorflow as tf

from ...layers.positions.lengths import check_length
from .unsaid import Unsaid


def embedding(layer, inputs):
    """`keras.layers.Embedding.call` as one Gather, to which -1 is the last row as to Keras."""
    if layer.quantization_mode is not None or layer.lora_enabled:
        raise Unsaid(type(layer).__name__)
    indices = tf.cast(inputs, tf.int32)
    return tf.gather(tf.convert_to_tensor(layer.embeddings), indices)


def learned_position(layer, inputs, start_index=0, padding_mask=None):
    """`LearnedPositionalEncoding.call` from the first position on, as one Slice of the table."""
    if not isinstance(start_index, int) or start_index:
        raise Unsaid(type(layer).__name__)
    check_length(inputs.shape[1], start_index, layer.max_length)
    length = tf.shape(inputs)[1]
    return inputs + tf.convert_to_tensor(layer.table)[:length]
