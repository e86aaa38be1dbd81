"""Rows of tables, which ONNX finds without the care that TensorFlow's kernels need."""

import tensorflow as tf

from ...layers.positions.lengths import check_length
from .unsaid import Unsaid


def embedding(layer, inputs):
    """`keras.layers.Embedding.call` as one Gather, for which too -1 is the last row."""
    if layer.quantization_mode is not None:  # Its table is of integers, with scales beside it.
        raise Unsaid(type(layer).__name__)
    return _rows(layer.embeddings, inputs)


def segment_embedding(layer, inputs, segment_ids=None):
    """`SegmentEmbedding.call` as Gather and Add."""
    vectors = layer.table[0] if segment_ids is None else _rows(layer.table, segment_ids)
    return inputs + vectors


def learned_position(layer, inputs, start_index=0, padding_mask=None):
    """`LearnedPositionalEncoding.call` from the first position on, as one Slice of the table."""
    if not isinstance(start_index, int) or start_index:
        raise Unsaid(type(layer).__name__)
    check_length(inputs.shape[1], start_index, layer.max_length)
    length = tf.shape(inputs)[1]
    return inputs + tf.convert_to_tensor(layer.table)[:length]


def _rows(table, indices):
    return tf.gather(tf.convert_to_tensor(table), tf.cast(indices, tf.int32))
