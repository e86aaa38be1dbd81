"""Learned positions at another resolution: a table over a grid, interpolated (NumPy only)."""

import numpy as np

# The bend of the cubic, as in PyTorch and OpenCV; other libraries have -0.5.
_A = -0.75


def interpolate_grid(table, old_grid, new_grid):
    """Resizes a table of one vector for each cell of a grid, bicubically.

    Rows and columns beyond the edge repeat the edge, as in `torch.nn.functional.interpolate` with
    `mode="bicubic"`, by which checkpoints of vision Transformers are adapted.

    Args:
        table: `(height * width, hidden_dim)`, row by row.
        old_grid: `(height, width)`.
        new_grid: `(height, width)` that is wanted.

    Returns:
        `(new height * new width, hidden_dim)`, of the table's dtype.

    Example:
    >>> interpolate_grid(np.array([[1.0], [3.0]]), (1, 2), (1, 4)).ravel().round(3).tolist()
    [0.789, 1.453, 2.547, 3.211]

    References:
        Keys, 1981, "Cubic convolution interpolation for digital image processing".
        Dosovitskiy et al., 2021, "An image is worth 16x16 words", section 3.2.
    """
    rows, columns = (_matrix(old, new) for old, new in zip(old_grid, new_grid, strict=True))
    grid = table.reshape(*old_grid, -1).astype("float64")
    grid = np.einsum("rh,cw,hwd->rcd", rows, columns, grid)
    return grid.reshape(new_grid[0] * new_grid[1], -1).astype(table.dtype)


def _matrix(old, new):
    """Returns the weights `(new, old)` of old cells in new ones, along one axis."""
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    first = np.floor(centres).astype(int) - 1
    matrix = np.zeros((new, old))
    for tap in range(4):
        cells = np.clip(first + tap, 0, old - 1)
        np.add.at(matrix, (np.arange(new), cells), _cubic(centres - first - tap))
    return matrix


def _cubic(offsets):
    x = np.abs(offsets)
    near = ((_A + 2) * x - (_A + 3)) * x**2 + 1
    far = ((_A * x - 5 * _A) * x + 8 * _A) * x - 4 * _A
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
