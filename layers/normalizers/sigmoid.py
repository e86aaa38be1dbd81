"""Sigmoid in place of a softmax: each key is weighed alone."""

import keras
from keras import ops

from .rows import count_allowed, widen


@keras.saving.register_keras_serializable("attnzoo")
def sigmoid(scores, mask=None):
    """Sigmoid of each score less `log(n)`, where n is the number of keys that may be attended.

    `weights_i = 1 / (1 + n exp(-score_i))`: the bias makes rows of small scores sum to about one,
    as those of softmax do, but no key competes with another.

    Args:
        scores: Tensor of shape `(batch, heads, query, key)`.
        mask: Boolean tensor broadcastable to `scores`, True where attention is allowed.
            Defaults to None (everything may be attended).

    Returns:
        Weights of the shape and dtype of `scores`, zero where `mask` is False.

    Example:
    >>> import numpy as np
    >>> scores, mask = np.zeros(5, "float32"), np.array([True, True, True, True, False])
    >>> np.asarray(sigmoid(scores, mask), "float64").round(4).tolist()
    [0.2, 0.2, 0.2, 0.2, 0.0]

    References:
        Ramapuram et al., 2024, "Theory, analysis, and best practices for sigmoid self-attention".
    """
    scores = ops.convert_to_tensor(scores)
    wide = widen(scores)
    weights = ops.sigmoid(wide - ops.log(count_allowed(wide, mask)))
    if mask is not None:
        # Not by a masked score: ONNX Runtime's sigmoid of the lowest score is small, not zero.
        weights = weights * ops.cast(mask, weights.dtype)
    return ops.cast(weights, scores.dtype)
