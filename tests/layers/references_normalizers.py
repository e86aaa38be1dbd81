"""The normalisers once more in NumPy float64: weights by bisection, gradients by hand."""

import numpy as np

from .references import softmax


def sparsemax(scores, mask=None):
    """`max(score - τ, 0)` with the τ that bisection finds (Martins and Astudillo 2016)."""
    return each_row(scores, mask, lambda row: _bisect(row, lambda x: np.maximum(x, 0.0)))


def entmax15(scores, mask=None):
    """`max(score / 2 - τ, 0)²` with the τ that bisection finds (Peters et al. 2019)."""
    return each_row(scores, mask, lambda row: _bisect(row / 2, lambda x: np.maximum(x, 0.0) ** 2))


def relu(scores, mask=None):
    """`max(score, 0) / n`."""
    return each_row(scores, mask, lambda row: np.maximum(row, 0.0) / len(row))


def sigmoid(scores, mask=None):
    """The logistic function of `score - log n`, in terms of tanh, which does not overflow."""
    return each_row(scores, mask, lambda row: (1 + np.tanh((row - np.log(len(row))) / 2)) / 2)


def each_row(scores, mask, normalize):
    """What `normalize` makes of the allowed scores of each row alone; zero elsewhere."""
    scores = np.asarray(scores, "float64")
    mask = np.broadcast_to(True if mask is None else mask, scores.shape)
    weights = np.zeros(scores.shape)
    for row in np.ndindex(scores.shape[:-1]):
        if mask[row].any():
            weights[row][mask[row]] = normalize(scores[row][mask[row]])
    return weights


def _bisect(row, weight):
    """Weights of the threshold in [highest - 1, highest] at which they sum to one."""
    row = row - row.max()
    low, high = -1.0, 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if weight(row - middle).sum() > 1 else (low, middle)
    return weight(row - low)


def softmax_gradient(weights, upstream, count):
    """`(diag(p) - p pᵀ) g`."""
    return _competing(weights, upstream)


def sparsemax_gradient(weights, upstream, count):
    """`(diag(s) - s sᵀ / Σ s) g`, s = 1 on the support (Martins and Astudillo 2016)."""
    return _competing((weights > 0).astype("float64"), upstream)


def entmax15_gradient(weights, upstream, count):
    """`(diag(s) - s sᵀ / Σ s) g`, s = p^(2 - 1.5) (Peters et al. 2019)."""
    return _competing(np.sqrt(weights), upstream)


def _competing(s, upstream):
    total = s.sum(axis=-1, keepdims=True)
    mean = (s * upstream).sum(axis=-1, keepdims=True) / np.where(total == 0, 1.0, total)
    return s * (upstream - mean)


def relu_gradient(weights, upstream, count):
    """`g / n` where the score is positive."""
    return np.where(weights > 0, upstream / count, 0.0)


def sigmoid_gradient(weights, upstream, count):
    """`p (1 - p) g`."""
    return weights * (1 - weights) * upstream


# By name: the weights `f(scores, mask)`, and the gradient of `Σ upstream · weights` by the scores,
# `f(weights, upstream, count)`, where n = count is the number of allowed keys of each row.
WEIGHTS = {
    "entmax15": entmax15,
    "relu": relu,
    "sigmoid": sigmoid,
    "softmax": softmax,
    "sparsemax": sparsemax,
}
GRADIENTS = {
    "entmax15": entmax15_gradient,
    "relu": relu_gradient,
    "sigmoid": sigmoid_gradient,
    "softmax": softmax_gradient,
    "sparsemax": sparsemax_gradient,
}
