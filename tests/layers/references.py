"""The layers once more in NumPy float64, written from the papers and as plainly as can be."""

import math

import numpy as np


def allowed_pairs(
    batch, heads, length, padding_mask=None, attention_mask=None, causal=False, key_length=None
):
    """Which query may attend to which key, `(batch, heads, query, key)`, one pair at a time."""
    key_length = key_length or length
    allowed = np.ones((batch, heads, length, key_length), bool)
    for b, h, q, k in np.ndindex(allowed.shape):
        if padding_mask is not None and not padding_mask[b][k]:
            allowed[b, h, q, k] = False
        if causal and k > q:
            allowed[b, h, q, k] = False
        if attention_mask is not None:
            index = {2: (q, k), 3: (b, q, k), 4: (b, h, q, k)}[np.ndim(attention_mask)]
            if not attention_mask[index]:
                allowed[b, h, q, k] = False
    return allowed


def softmax(scores, mask=None):
    """Softmax over the allowed entries of each row alone; zero elsewhere."""
    scores = np.asarray(scores, "float64")
    mask = np.broadcast_to(True if mask is None else mask, scores.shape)
    weights = np.zeros(scores.shape)
    for row in np.ndindex(scores.shape[:-1]):
        allowed = mask[row]
        if allowed.any():
            exponentials = np.exp(scores[row][allowed] - scores[row][allowed].max())
            weights[row][allowed] = exponentials / exponentials.sum()
    return weights


def attention(query, key, value, mask=None):
    """Vaswani et al. 2017, equation 1, for tensors `(batch, heads, length, size)`."""
    query, key, value = (np.asarray(x, "float64") for x in (query, key, value))
    scores = np.einsum("bhqd,bhkd->bhqk", query, key) / math.sqrt(query.shape[-1])
    weights = softmax(scores, mask)
    return np.einsum("bhqk,bhkd->bhqd", weights, value), weights


def dense(inputs, weights, name):
    """A dense layer of the weights `name/kernel` and, if there, `name/bias`."""
    return inputs @ weights[f"{name}/kernel"] + weights.get(f"{name}/bias", 0.0)


def self_attention(inputs, weights, num_heads, mask=None):
    """Vaswani et al. 2017, section 3.2.2, one head after the other."""
    inputs = np.asarray(inputs, "float64")
    projected = [dense(inputs, weights, name) for name in ("query", "key", "value")]
    query, key, value = (np.stack(np.split(x, num_heads, axis=-1), axis=1) for x in projected)
    heads, attention_weights = attention(query, key, value, mask)
    concatenated = np.concatenate([heads[:, h] for h in range(num_heads)], axis=-1)
    return dense(concatenated, weights, "attention_output"), attention_weights


def layer_normalization(inputs, gamma=1.0, beta=0.0, epsilon=1e-6):
    """Ba et al. 2016, equation 4."""
    inputs = np.asarray(inputs, "float64")
    mean, variance = inputs.mean(-1, keepdims=True), inputs.var(-1, keepdims=True)
    return (inputs - mean) / np.sqrt(variance + epsilon) * gamma + beta


def gelu(inputs):
    """`x Φ(x)`, with the normal distribution function from the standard library."""
    return np.vectorize(lambda x: x * 0.5 * math.erfc(-x / math.sqrt(2)))(
        np.asarray(inputs, "float64")
    )


def encoder_block(
    inputs,
    weights,
    num_heads,
    normalize_first,
    epsilon=1e-6,
    mask=None,
    gated=False,
    normalize_attention=True,
    activation=None,
):
    """The Transformer block after Vaswani et al. 2017 (post-norm) or Xiong et al. 2020 (pre).

    `gated` is equation 6 of Shazeer 2020; `activation` is GELU unless it is given.
    """

    def part(name):
        return {k.removeprefix(f"{name}/"): w for k, w in weights.items() if k.startswith(name)}

    def norm(name, states):
        return layer_normalization(states, epsilon=epsilon, **part(name))

    def attend(states):
        return self_attention(states, part("self_attention"), num_heads, mask)[0]

    def feed_forward(states):
        hidden = dense(states, weights, "intermediate")
        if gated:
            hidden, gate = np.split(hidden, 2, axis=-1)
            return dense(gelu(hidden) * gate, weights, "feed_forward_output")
        return dense((activation or gelu)(hidden), weights, "feed_forward_output")

    states = np.asarray(inputs, "float64")
    if normalize_first:
        seen = norm("attention_norm", states) if normalize_attention else states
        states = states + attend(seen)
        return states + feed_forward(norm("feed_forward_norm", states))
    states = norm("attention_norm", states + attend(states))
    return norm("feed_forward_norm", states + feed_forward(states))


def sinusoidal_encoding(length, hidden_dim, max_wavelength=10000.0):
    """Vaswani et al. 2017, section 3.5, one number at a time."""
    encoding = np.zeros((length, hidden_dim))
    for position, channel in np.ndindex(encoding.shape):
        i = channel // 2
        angle = position / max_wavelength ** (2 * i / hidden_dim)
        encoding[position, channel] = math.sin(angle) if channel % 2 == 0 else math.cos(angle)
    return encoding


def mean_pooling(inputs, padding_mask):
    """The mean of each sequence's real vectors; zeros if it has none."""
    inputs = np.asarray(inputs, "float64")
    return np.stack(
        [
            vectors[real].mean(axis=0) if real.any() else np.zeros(vectors.shape[-1])
            for vectors, real in zip(inputs, np.asarray(padding_mask, bool), strict=True)
        ]
    )
