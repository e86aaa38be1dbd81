"""Softmax over the keys."""

import keras
from keras import ops

from .rows import empty_rows_to_zero, mask_scores, widen


@keras.saving.register_keras_serializable("attnzoo")
def softmax(scores, mask=None):
    """Softmax over the last axis, zero where `mask` is False and in rows with nothing to attend.

    `weights_i = exp(score_i) / Σ_j exp(score_j)`, computed in float32 at least, whatever the dtype
    of `scores`.

    Args:
        scores: Tensor of shape `(batch, heads, query, key)`.
        mask: Boolean tensor broadcastable to `scores`, True where attention is allowed.
            Defaults to None (everything may be attended).

    Returns:
        Weights of the shape and dtype of `scores`; each row sums to one, or to zero if nothing in
        it may be attended.

    Example:
    >>> import numpy as np
    >>> scores, mask = np.zeros((1, 1, 1, 3), "float32"), np.array([True, True, False])
    >>> np.asarray(softmax(scores, mask)).tolist()
    [[[[0.5, 0.5, 0.0]]]]

    References:
        Vaswani et al., 2017, "Attention is all you need", equation 1.
    """
    scores = ops.convert_to_tensor(scores)
    weights = _softmax(mask_scores(widen(scores), mask))
    return ops.cast(empty_rows_to_zero(weights, mask), scores.dtype)


def _softmax(logits):
    """Softmax over keys; a single key, of which Keras would warn, has all the weight."""
    return ops.exp(logits - logits) if logits.shape[-1] == 1 else ops.softmax(logits, axis=-1)
