"""Sparsemax over the keys: the Euclidean projection of the scores onto the simplex."""

import keras
from keras import ops

from .rows import empty_rows_to_zero, widen
from .support import depths, lowest_supported


@keras.saving.register_keras_serializable("attnzoo")
def sparsemax(scores, mask=None):
    """Sparsemax over the last axis: weights that sum to one, most of them exactly zero.

    `weights_i = max(score_i - τ, 0)`, with the threshold τ for which they sum to one. Computed in
    float32 at least, whatever the dtype of `scores`.

    Args:
        scores: Tensor of shape `(batch, heads, query, key)`.
        mask: Boolean tensor broadcastable to `scores`, True where attention is allowed.
            Defaults to None (everything may be attended).

    Returns:
        Weights of the shape and dtype of `scores`; each row sums to one, or to zero if nothing in
        it may be attended.

    Example:
    >>> import numpy as np
    >>> np.asarray(sparsemax(np.array([1.0, 0.5, -1.0], "float32"))).tolist()
    [0.75, 0.25, 0.0]

    References:
        Martins and Astudillo, 2016, "From softmax to sparsemax", algorithm 1; the Jacobian is in
        section 2.5.
    """
    scores = ops.convert_to_tensor(scores)
    depth = depths(widen(scores), mask)
    # Measured from the lowest key that gets some weight, which keeps sums over many keys small.
    z = depth - lowest_supported(depth, _excess)
    supported = ops.cast(z >= 0.0, z.dtype)
    # With the support given, the threshold solves Σ (z - τ) = 1 over it: differentiable as it is.
    count = ops.sum(supported, axis=-1, keepdims=True)
    threshold = (ops.sum(z * supported, axis=-1, keepdims=True) - 1.0) / count
    weights = empty_rows_to_zero(ops.relu(z - threshold), mask)
    return ops.cast(weights, scores.dtype)


def _excess(ordered, rank):
    """`Σ_{j≤k} (z_j - z_k)` for each k."""
    return ops.cumsum(ordered, axis=-1) - rank * ordered
