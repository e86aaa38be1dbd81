"""What all normalisers share: precision, masked scores, and rows with nothing to attend."""

import keras
from keras import ops

# Below any score, yet finite, as -inf would give NaN in a row that has nothing to attend; half of
# what float32 holds, so that adding a score to it cannot overflow.
_MASKED_SCORE = -1.7e38


def widen(scores):
    """Returns scores in float32 at least: float16 ends at 65504, less than many a sum over keys."""
    return ops.cast(scores, keras.backend.result_type(scores.dtype, "float32"))


def mask_scores(scores, mask):
    """Puts the scores of masked keys below all others.

    Adding to the scores is a pass over them less than choosing with `where`: the mask is usually
    the smaller one, and a sum hands its gradient on as it is.

    Args:
        scores: Float32 or float64 tensor.
        mask: Boolean tensor broadcastable to `scores`, True where attention is allowed, or None.
    """
    if mask is None:
        return scores
    return scores + ops.cast(ops.where(mask, 0.0, _MASKED_SCORE), scores.dtype)


def empty_rows_to_zero(weights, mask):
    """Returns weights, zero with a zero gradient in rows with nothing to attend."""
    if mask is None:
        return weights
    return weights * ops.cast(ops.any(mask, axis=-1, keepdims=True), weights.dtype)


def count_allowed(scores, mask):
    """Returns how many keys of each row may be attended, at least one, to divide by.

    The number is of the dtype of `scores`, and broadcasts to it.
    """
    num_keys = ops.shape(scores)[-1]
    if mask is None:
        return ops.cast(num_keys, scores.dtype)
    # A mask may say one thing of all keys of a row: (batch, heads, query, 1).
    allowed = ops.cast(mask, scores.dtype) * ops.ones((num_keys,), scores.dtype)
    return ops.maximum(ops.sum(allowed, axis=-1, keepdims=True), 1.0)
