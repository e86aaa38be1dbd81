"""Segments of consecutive real tokens, as the matrix that takes their averages."""

from keras import ops


def segment_averages(padding_mask, num_segments, dtype):
    """Returns the matrix whose product with a sequence is the means of its segments.

    The `i`-th of `n` real tokens is in segment `i * num_segments // n`: segments differ by one
    token at most, and padding, wherever it is, does not move their bounds. With fewer tokens than
    segments each token is a segment, and the segments between are empty: rows of zeros.

    Args:
        padding_mask: Boolean `(batch, length)`, True = real.
        num_segments: Number of segments.
        dtype: Dtype of the matrix.

    Returns:
        `(batch, num_segments, length)`; a row of a segment with tokens sums to one.

    Example:
    >>> import numpy as np
    >>> mask = np.array([[True, True, True, True, False]])
    >>> np.asarray(segment_averages(mask, 2, "float32")).tolist()
    [[[0.5, 0.5, 0.0, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5, 0.0]]]
    """
    real = ops.cast(padding_mask, "int32")
    count = ops.maximum(ops.sum(real, axis=1, keepdims=True), 1)
    index = ops.maximum(ops.cumsum(real, axis=1) - 1, 0)  # Padding in front has no token before it.
    segment = ops.floor_divide(index * num_segments, count)
    members = ops.logical_and(
        segment[:, None, :] == ops.arange(num_segments, dtype="int32")[None, :, None],
        ops.cast(padding_mask, "bool")[:, None, :],
    )
    members = ops.cast(members, dtype)
    return members / ops.maximum(ops.sum(members, axis=-1, keepdims=True), 1)
