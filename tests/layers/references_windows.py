"""Attention within reach once more in NumPy float64, pair by pair, with its gradients by hand."""

import math

import numpy as np

from . import references_normalizers


def sees(query, key, window, window_style="regular", global_tokens=0, causal=False):
    """Whether the query at one position may attend to the key at another."""
    left, right = window
    if causal and key > query:
        return False
    if query < global_tokens or key < global_tokens:
        return True
    if window_style == "regular":
        return query - left <= key <= query + right
    chunk = right + 1
    chunk_start = chunk * (query // chunk)
    return chunk_start - left <= key < chunk_start + chunk


def allowed_pairs(batch, length, padding_mask=None, **reach):
    """Which query may attend to which key, `(batch, 1, query, key)`."""
    allowed = np.zeros((batch, 1, length, length), bool)
    for b, _, query, key in np.ndindex(allowed.shape):
        real = padding_mask is None or padding_mask[b][key]
        allowed[b, 0, query, key] = real and sees(query, key, **reach)
    return allowed


def attention(query, key, value, allowed, normalizer="softmax", bias=0.0):
    """Outputs and weights with the scaled dot product."""
    query, key, value = (np.asarray(x, "float64") for x in (query, key, value))
    scores = np.einsum("bhqd,bhkd->bhqk", query, key) / math.sqrt(query.shape[-1]) + bias
    weights = references_normalizers.WEIGHTS[normalizer](scores, allowed)
    return np.einsum("bhqk,bhkd->bhqd", weights, value), weights


def attention_gradients(query, key, value, allowed, upstream, normalizer="softmax"):
    """Gradients of `Σ upstream · outputs` by query, key and value."""
    query, key, value, upstream = (np.asarray(x, "float64") for x in (query, key, value, upstream))
    _, weights = attention(query, key, value, allowed, normalizer)
    by_weights = np.einsum("bhqd,bhkd->bhqk", upstream, value)
    count = np.maximum(allowed.sum(-1, keepdims=True), 1)
    by_scores = references_normalizers.GRADIENTS[normalizer](weights, by_weights, count)
    by_scores = np.where(allowed, by_scores, 0.0) / math.sqrt(query.shape[-1])
    return (
        np.einsum("bhqk,bhkd->bhqd", by_scores, key),
        np.einsum("bhqk,bhqd->bhkd", by_scores, query),
        np.einsum("bhqk,bhqd->bhkd", weights, upstream),
    )


def additive_attention(query, key, value, allowed, kernel):
    """Bahdanau et al. 2015, one pair at a time: `score = v · tanh(query + key)`."""
    query, key, value = (np.asarray(x, "float64") for x in (query, key, value))
    scores = np.zeros((*query.shape[:-1], key.shape[2]))
    for b, h, q, k in np.ndindex(scores.shape):
        scores[b, h, q, k] = kernel[h] @ np.tanh(query[b, h, q] + key[b, h, k])
    weights = references_normalizers.WEIGHTS["softmax"](scores, allowed)
    return np.einsum("bhqk,bhkd->bhqd", weights, value), weights
