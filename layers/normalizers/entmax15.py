"""1.5-entmax over the keys: between softmax and sparsemax."""

import keras
from keras import ops

from .rows import empty_rows_to_zero, widen
from .support import depths, lowest_supported


@keras.saving.register_keras_serializable("attnzoo")
def entmax15(scores, mask=None):
    """1.5-entmax over the last axis: sparse as sparsemax is, and smooth where it is not zero.

    `weights_i = max(score_i / 2 - τ, 0)²`, with the threshold τ for which they sum to one.
    Computed in float32 at least, whatever the dtype of `scores`.

    Args:
        scores: Tensor of shape `(batch, heads, query, key)`.
        mask: Boolean tensor broadcastable to `scores`, True where attention is allowed.
            Defaults to None (everything may be attended).

    Returns:
        Weights of the shape and dtype of `scores`; each row sums to one, or to zero if nothing in
        it may be attended.

    Example:
    >>> import numpy as np
    >>> weights = entmax15(np.array([1.0, 0.6, -1.0], "float32"))
    >>> np.asarray(weights, "float64").round(4).tolist()
    [0.64, 0.36, 0.0]

    References:
        Peters et al., 2019, "Sparse sequence-to-sequence models", section 3 and algorithm 2.
    """
    scores = ops.convert_to_tensor(scores)
    depth = depths(widen(scores) / 2.0, mask)
    # Measured from the lowest key that gets some weight, which keeps sums over many keys small.
    z = depth - lowest_supported(depth, _excess)
    supported = ops.cast(z >= 0.0, z.dtype)
    # With the support given, Σ (z - τ)² = 1 over it is a quadratic equation in the threshold. Its
    # root is that of a positive number: the mean of z - τ is at least 1 / count, as all lie in
    # [0, 1] and their squares sum to one.
    count = ops.sum(supported, axis=-1, keepdims=True)
    mean = ops.sum(z * supported, axis=-1, keepdims=True) / count
    spread = ops.sum(supported * ops.square(z - mean), axis=-1, keepdims=True)
    threshold = mean - ops.sqrt((1.0 - spread) / count)
    weights = empty_rows_to_zero(ops.square(ops.relu(z - threshold)), mask)
    return ops.cast(weights, scores.dtype)


def _excess(ordered, rank):
    """`Σ_{j≤k} (z_j - z_k)²` for each k."""
    total, total_of_squares = ops.cumsum(ordered, axis=-1), ops.cumsum(ops.square(ordered), axis=-1)
    return total_of_squares - 2.0 * ordered * total + rank * ops.square(ordered)
