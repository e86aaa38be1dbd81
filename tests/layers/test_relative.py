import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import RelativePositionBias

from ..backends import weight_gradients
from ..layer_test_case import randomize_weights
from . import references_positions as references
from .references_positions import array, offsets_between, offsets_of_blocks, vectors

HEADS = 3
sizes = st.integers(1, 9)


def make_layer(query, offsets, **kwargs):
    layer = RelativePositionBias(**kwargs)
    layer(query, offsets)
    randomize_weights(layer)
    return layer


@given(sizes, sizes, st.integers(-6, 6), st.integers(1, 5))
def test_each_head_has_a_number_for_each_clipped_offset(queries, keys, shift, max_distance):
    query, offsets = vectors(2, HEADS, queries, 4), offsets_between(queries, keys, shift)
    layer = make_layer(query, offsets, max_distance=max_distance)
    bias = array(layer(query, offsets))
    np.testing.assert_allclose(bias, references.relative(array(layer.table), offsets), atol=1e-7)


def test_blocks_of_queries_may_share_their_offsets():
    query, offsets = vectors(2, HEADS, 5, 4, 6), offsets_between(4, 7, -2)
    layer = make_layer(query, offsets, max_distance=3)
    bias = array(layer(query, offsets))
    assert bias.shape == (HEADS, 1, 4, 7)
    np.testing.assert_allclose(bias[:, 0], references.relative(array(layer.table), offsets))


def test_each_block_of_queries_may_have_its_own_offsets():
    query, offsets = vectors(2, HEADS, 5, 4, 6), offsets_of_blocks(5, 4, 7)
    layer = make_layer(query, offsets, max_distance=3)
    bias = array(layer(query, offsets))
    assert bias.shape == (HEADS, 5, 4, 7)
    np.testing.assert_allclose(bias, references.relative(array(layer.table), offsets))


@pytest.mark.parametrize("kind", ["int32", "int64"])
def test_offsets_may_be_an_array_or_a_tensor(kind):
    query, offsets = vectors(2, HEADS, 5, 4), offsets_between(5, 5)
    layer = make_layer(query, offsets)
    tensor = ops.convert_to_tensor(offsets, kind)
    np.testing.assert_array_equal(array(layer(query, tensor)), array(layer(query, offsets)))


def test_a_number_gathers_the_gradients_of_all_its_pairs():
    query, offsets = vectors(2, HEADS, 5, 4), offsets_between(5, 8)
    layer = make_layer(query, offsets, max_distance=2)
    cotangent = vectors(HEADS, 5, 8, seed=1)
    [gradient] = weight_gradients(
        lambda: ops.sum(ops.multiply(layer(query, offsets), cotangent)), layer.trainable_weights
    )
    expected = np.zeros((5, HEADS))
    for h, q, k in np.ndindex(cotangent.shape):
        expected[references.clip(k - q, 2) + 2, h] += cotangent[h, q, k]
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


def test_the_table_starts_small_and_different_for_each_head():
    layer = RelativePositionBias(max_distance=500)
    layer.build((None, 16, None, 8))
    table = array(layer.table)
    assert table.shape == (1001, 16)
    # A normal of standard deviation 0.02, cut off at two of them.
    assert np.abs(table).max() <= 0.04 + 1e-6
    assert 0.016 < table.std() < 0.021
    assert layer.count_params() == 1001 * 16


@pytest.mark.parametrize("max_distance", [0, -1, 2.0, None])
def test_a_max_distance_that_is_no_positive_integer_is_refused(max_distance):
    with pytest.raises(ValueError, match=f"`max_distance`, expected a positive.*={max_distance}"):
        RelativePositionBias(max_distance=max_distance)
