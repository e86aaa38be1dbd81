"""Attention lowered to one operator, and what it cannot say."""

import tensorflow as tf

from ...layers import Attention, normalizers, positions, scores
from ...layers.masks import combined_mask, keras_mask
from .dense import dense, product
from .operators import multi_head_attention, rotary_embedding
from .unsaid import Unsaid


def self_attention(
    layer,
    inputs,
    padding_mask=None,
    attention_mask=None,
    return_attention_scores=False,
    window_index=None,
    training=None,
):
    """`MultiHeadSelfAttention.call` with the whole formula as one operator."""
    attention = layer.attention
    if (
        type(attention) is not Attention
        or return_attention_scores
        or attention.score_function is not scores.get("dot")
        or attention.normalizer_function is not normalizers.get("softmax")
    ):
        raise Unsaid(type(attention).__name__)
    if padding_mask is None:
        padding_mask = keras_mask(inputs)
    if layer.input_position is not None:
        inputs = layer.input_position(inputs, padding_mask=padding_mask)
    inputs = tf.convert_to_tensor(inputs)
    parts = (layer.query_dense, layer.key_dense, layer.value_dense)
    biases = None
    if attention.position_layer is None and layer.query_dense.use_bias:
        query, key, value = (product(part, inputs) for part in parts)
        biases = [part.bias for part in parts]
    else:
        query, key, value = (dense(part, inputs) for part in parts)
    score_bias = None
    if isinstance(attention.position_layer, positions.RotaryPosition):
        frequency = attention.position_layer.frequency
        query, key = (
            rotary_embedding(states, layer.num_heads, frequency) for states in (query, key)
        )
    elif attention.position_layer is not None:
        heads = _split_heads(query, layer.num_heads)
        score_bias = _score_bias(attention.position_layer, heads)
    if attention_mask is not None:
        # The operator's own causality and padding know of no third reason to look away.
        heads = [_split_heads(states, layer.num_heads) for states in (query, key)]
        mask = combined_mask(*heads, padding_mask, attention_mask, attention.causal)
        has_any = _has_any(mask)  # Before anything is marked, as it may be unsaid.
        gathered = multi_head_attention(
            query, key, value, layer.num_heads, biases, mask=mask, score_bias=score_bias
        )
        return dense(layer.output_dense, gathered * has_any)
    gathered = multi_head_attention(
        query, key, value, layer.num_heads, biases, padding_mask, attention.causal, None, score_bias
    )
    if padding_mask is not None:
        gathered *= _sees_any(padding_mask, attention.causal)
    return dense(layer.output_dense, gathered)


def keras_attention(
    layer,
    query,
    value,
    key=None,
    query_mask=None,
    value_mask=None,
    key_mask=None,
    attention_mask=None,
    return_attention_scores=False,
    training=None,
    use_causal_mask=False,
):
    """`keras.layers.MultiHeadAttention.call` over sequences, with the formula as one operator."""
    if (
        return_attention_scores
        or layer._use_gate
        or len(query.shape) != 3
        or len(value.shape) != 3
        or layer._attention_axes != (1,)
    ):
        raise Unsaid(type(layer).__name__)
    mask = layer._compute_attention_mask(
        query,
        value,
        query_mask=keras_mask(query),
        value_mask=value_mask,
        key_mask=key_mask,
        attention_mask=attention_mask,
        use_causal_mask=use_causal_mask,
    )
    key = value if key is None else key
    parts = (layer._query_dense, layer._key_dense, layer._value_dense)
    projected = [
        _einsum_product(part, tf.convert_to_tensor(states))
        for part, states in zip(parts, (query, key, value), strict=True)
    ]
    biases = None
    if layer._use_bias:
        biases = [tf.reshape(part.bias, (-1,)) for part in parts]
    if mask is not None:
        mask = tf.cast(mask, "bool")
        mask = mask[:, None] if len(mask.shape) == 3 else mask
    gathered = multi_head_attention(*projected, layer.num_heads, biases, mask=mask)
    kernel = tf.convert_to_tensor(layer._output_dense.kernel)
    outputs = tf.linalg.matmul(gathered, tf.reshape(kernel, (-1, kernel.shape[-1])))
    return outputs if layer._output_dense.bias is None else outputs + layer._output_dense.bias


def _score_bias(position, query):
    length = tf.shape(query)[2]
    offsets = tf.range(length)[None, :] - tf.range(length)[:, None]
    bias = position(query, offsets)
    return bias[None] if len(bias.shape) == 3 else bias


def _sees_any(padding_mask, causal):
    """Returns 1 for queries that see a real key, else 0, `(batch, query_length or 1, 1)`."""
    real = tf.cast(padding_mask, tf.float32)
    if not causal:
        return tf.expand_dims(tf.reduce_max(real, axis=1, keepdims=True), -1)
    return tf.expand_dims(tf.minimum(tf.cumsum(real, axis=1), 1.0), -1)


def _has_any(mask):
    """Returns 1 for rows of a mask that allow a key, else 0, `(batch or 1, query_length, 1)`."""
    if mask.shape[1] != 1:
        raise Unsaid("attention_mask of each head")
    return tf.cast(tf.reduce_any(mask, axis=-1), tf.float32)[:, 0, :, None]


def _split_heads(states, num_heads):
    size = states.shape[-1] // num_heads
    cut = tf.reshape(states, (-1, tf.shape(states)[1], num_heads, size))
    return tf.transpose(cut, (0, 2, 1, 3))


def _einsum_product(projection, states):
    """Projects by the kernel of an `EinsumDense`, `(size, heads, head_size)`, without its bias."""
    kernel = tf.convert_to_tensor(projection.kernel)
    return tf.linalg.matmul(states, tf.reshape(kernel, (kernel.shape[0], -1)))
