import numpy as np
import pytest

from attnzoo.zoo.interpolation import interpolate_grid

TABLE = np.array([[7, 3], [0, -4], [-4, -9], [-8, -9], [-6, 6], [3, 8]], "float64")

# What torch 2.13 answers: interpolate(table, size, mode="bicubic", align_corners=False).
LARGER = [
    *([9.049083, 4.897], [5.652208, 0.988444], [0.520833, -4.868056], [-3.178042, -8.941431]),
    *([-5.099972, -11.014028], [-0.26, -3.384], [-1.65, -1.34], [-3.0, 1.0], [-1.65, 0.37]),
    *([-0.26, -0.644], [-9.569083, -11.665], [-8.952208, -3.668444], [-6.520833, 6.868056]),
    *([-0.121958, 9.681431], [4.579972, 9.726028]),
]
SMALLER = [[-1.154297, -2.041016], [-1.154297, -0.019531]]


@pytest.mark.parametrize(("grid", "expected"), [((3, 5), LARGER), ((1, 2), SMALLER)], ids=str)
def test_it_is_the_bicubic_interpolation_of_torch(grid, expected):
    np.testing.assert_allclose(interpolate_grid(TABLE, (2, 3), grid), expected, atol=1e-6)


def test_the_same_grid_changes_nothing():
    np.testing.assert_array_equal(interpolate_grid(TABLE, (2, 3), (2, 3)), TABLE)


def test_the_dtype_stays_that_of_the_table():
    assert interpolate_grid(TABLE.astype("float32"), (2, 3), (5, 4)).dtype == "float32"
