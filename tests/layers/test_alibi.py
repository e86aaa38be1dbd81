import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import ALiBi
from attnzoo.layers.positions.alibi import slopes

from . import references_positions as references
from .references_positions import array, offsets_between, offsets_of_blocks, vectors

sizes = st.integers(1, 9)


def test_eight_heads_have_the_published_slopes():
    # Section 3: 1/2, 1/4, ..., 1/256.
    assert slopes(8) == [1 / 2**power for power in range(1, 9)]


def test_sixteen_heads_have_the_published_slopes():
    # Section 3: interpolated by geometric means: 1/sqrt(2), 1/2, 1/(2 sqrt(2)), ..., 1/256.
    np.testing.assert_allclose(slopes(16), 2.0 ** -np.arange(0.5, 8.5, 0.5), rtol=1e-12)


def test_twelve_heads_have_those_of_eight_and_four_of_sixteen():
    expected = [1 / 2**power for power in range(1, 9)] + [2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5]
    np.testing.assert_allclose(slopes(12), expected, rtol=1e-12)


@pytest.mark.parametrize("heads", range(1, 70))
def test_any_number_of_heads_has_the_slopes_of_the_authors_code(heads):
    np.testing.assert_allclose(slopes(heads), references.alibi_slopes(heads), rtol=1e-12)


@given(sizes, sizes, st.integers(-6, 6), st.integers(1, 9))
def test_scores_fall_with_the_distance_on_both_sides(queries, keys, shift, heads):
    query, offsets = vectors(2, heads, queries, 4), offsets_between(queries, keys, shift)
    bias = array(ALiBi()(query, offsets))
    np.testing.assert_allclose(bias, references.alibi(heads, offsets), atol=2e-6)
    np.testing.assert_array_equal(bias, array(ALiBi()(query, -offsets)))


def test_blocks_of_queries_may_share_their_offsets_or_have_their_own():
    query = vectors(2, 3, 5, 4, 6)
    for offsets, shape in (
        (offsets_between(4, 7, -2), (3, 1, 4, 7)),
        (offsets_of_blocks(5, 4, 7), (3, 5, 4, 7)),
    ):
        bias = array(ALiBi()(query, offsets))
        np.testing.assert_allclose(bias, references.alibi(3, offsets).reshape(shape), atol=2e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_far_distances_are_right_to_the_rounding_of_the_dtype(dtype):
    query, offsets = np.zeros((1, 8, 1, 2), "float32"), np.array([[-5001, -2049, 2049, 9999]])
    bias = array(ALiBi(dtype=dtype)(query, offsets))
    tolerance = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    np.testing.assert_allclose(bias, references.alibi(8, offsets), rtol=tolerance)


def test_it_has_no_weights():
    layer = ALiBi()
    layer(vectors(1, 2, 3, 4), offsets_between(3, 3))
    assert layer.weights == []
