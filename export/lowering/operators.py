"""The operators that layers call, as ONNX Runtime has them or as the ONNX standard has them."""

import contextvars

import tensorflow as tf

from .markers import MICROSOFT, STANDARD, mark

# Below any score, yet half of what float32 holds, so that a score can be added; in a row that has
# nothing to attend the weights are equal then, as they are in the Keras layer.
MASKED_SCORE = -1.7e38
# Whether operators are those of the standard, of opset 23, while a model is traced.
standard = contextvars.ContextVar("standard", default=False)


def gelu(states, approximate=False):
    """GELU, exact or by tanh."""
    states = tf.convert_to_tensor(states)
    if standard.get():
        kind = "tanh" if approximate else "none"
        return mark("Gelu", [states], states.shape, STANDARD, approximate=kind)
    return mark("FastGelu" if approximate else "Gelu", [states], states.shape, MICROSOFT)


def rotary_embedding(states, num_heads, frequency):
    """Turns the halves of each head by angles that grow with the place in the sequence.

    Args:
        states: `(batch, length, heads * head_size)`.
        num_heads: Number of heads.
        frequency: Angle between neighbours, `(head_size / 2,)`.
    """
    length = tf.shape(states)[1]
    angles = tf.range(length, dtype=tf.float32)[:, None] * tf.constant(frequency, tf.float32)
    tables = tf.cos(angles), tf.sin(angles)
    if standard.get():
        places = tf.range(tf.cast(length, tf.int64))
        places = tf.broadcast_to(places, (tf.shape(states)[0], length))
        inputs = [states, *tables, places]
        return mark("RotaryEmbedding", inputs, states.shape, STANDARD, num_heads=num_heads)
    start = tf.zeros((1,), tf.int64)
    return mark("RotaryEmbedding", [states, start, *tables], states.shape, MICROSOFT)


def multi_head_attention(
    query,
    key,
    value,
    num_heads,
    biases=None,
    padding_mask=None,
    causal=False,
    mask=None,
    score_bias=None,
):
    """Returns what the heads gather, `(batch, query_length, heads * value_dim)`.

    Args:
        query: `(batch, query_length, heads * key_dim)`.
        key: `(batch, key_length, heads * key_dim)`.
        value: `(batch, key_length, heads * value_dim)`.
        num_heads: Number of heads.
        biases: Vectors that are added to query, key and value first, `(heads * key_dim,)` twice and
            `(heads * value_dim,)`. Defaults to None.
        padding_mask: `(batch, key_length)`, True = real. Defaults to None.
        causal: Whether a query sees only its own key and earlier ones. Defaults to False.
        mask: Boolean `(batch or 1, heads or 1, query_length or 1, key_length)`, True = attend.
            Defaults to None.
        score_bias: Added to the scores, `(batch or 1, heads or 1, query_length, key_length)`.
            Defaults to None.
    """
    if standard.get() and padding_mask is not None:  # The standard's operator has no other place.
        real = tf.cast(padding_mask, tf.bool)[:, None, None]
        mask, padding_mask = real if mask is None else mask & real, None
    if mask is not None:
        lengths = tf.shape(query)[1], tf.shape(key)[1]
        masked = tf.where(mask, 0.0, MASKED_SCORE)
        masked = tf.broadcast_to(masked, (*tf.unstack(tf.shape(masked)[:2]), *lengths))
        score_bias = masked if score_bias is None else score_bias + masked
    shape = (*query.shape[:2], value.shape[-1])
    if standard.get():
        heads = {"q_num_heads": num_heads, "kv_num_heads": num_heads}
        inputs = [query, key, value]
        if biases is not None:
            inputs = [states + bias for states, bias in zip(inputs, biases, strict=True)]
        inputs.append(score_bias)
        return mark("Attention", inputs, shape, STANDARD, is_causal=int(causal), **heads)
    real = None if padding_mask is None else tf.cast(padding_mask, tf.int32)
    bias = None if biases is None else tf.concat(biases, 0)
    return mark(
        "MultiHeadAttention",
        [query, key, value, bias, real, score_bias],
        shape,
        domain=MICROSOFT,
        num_heads=num_heads,
        mask_filter_value=MASKED_SCORE,
        unidirectional=int(causal),
    )
