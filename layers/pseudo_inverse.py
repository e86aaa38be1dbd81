"""The Moore-Penrose pseudo-inverse by matrix products alone, which every runtime has."""

from keras import ops


def pseudo_inverse(matrix, num_iterations):
    """Returns the pseudo-inverse that `num_iterations` third-order iterations arrive at.

    `Z ← Z (13 I - A Z (15 I - A Z (7 I - A Z))) / 4`, from `Aᵀ / (‖A‖₁ ‖A‖_∞)`. Each matrix starts
    from norms of its own, so that a batch is as its members.

    Args:
        matrix: `(..., size, size)`, float32 or float64.
        num_iterations: About 20 for a well-conditioned inverse in float32.

    Returns:
        A tensor of the same shape; zeros for a matrix of zeros.

    Example:
    >>> import numpy as np
    >>> matrix = np.array([[2.0, 1.0], [0.0, 1.0]], "float32")
    >>> np.asarray(pseudo_inverse(matrix, 20)).round(4).tolist()
    [[0.5, -0.5], [0.0, 1.0]]

    References:
        Xiong et al., 2021, "Nyströmformer", equation 11 (after Razavi et al., 2014).
    """
    matrix = ops.convert_to_tensor(matrix)
    identity = ops.eye(matrix.shape[-1], dtype=matrix.dtype)
    magnitudes = ops.abs(matrix)
    column_norm = ops.max(ops.sum(magnitudes, axis=-2, keepdims=True), axis=-1, keepdims=True)
    row_norm = ops.max(ops.sum(magnitudes, axis=-1, keepdims=True), axis=-2, keepdims=True)
    norms = column_norm * row_norm
    inverse = ops.swapaxes(matrix, -1, -2) / ops.where(norms > 0, norms, 1)
    for _ in range(num_iterations):
        product = ops.matmul(matrix, inverse)
        inner = 15 * identity - ops.matmul(product, 7 * identity - product)
        inverse = ops.matmul(inverse, 13 * identity - ops.matmul(product, inner)) / 4
    return inverse
