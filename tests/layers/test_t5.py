import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import T5RelativeBias

from ..backends import weight_gradients
from ..layer_test_case import randomize_weights
from . import references_positions as references
from .references_positions import array, offsets_between, offsets_of_blocks, vectors

HEADS = 3
sizes = st.integers(1, 9)


def make_layer(query, offsets, **kwargs):
    layer = T5RelativeBias(**kwargs)
    layer(query, offsets)
    randomize_weights(layer)
    return layer


def buckets(offsets, **kwargs):
    """The bucket of each offset, read off a table that counts."""
    layer, query = T5RelativeBias(**kwargs), np.zeros((1, 1, 1, 2), "float32")
    layer(query, offsets[None])
    layer.set_weights([np.arange(layer.num_buckets, dtype="float32")[:, None]])
    return array(layer(query, offsets[None]))[0, 0]


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(
    ("num_buckets", "max_distance"),
    [(32, 128), (32, 20), (8, 5), (4, 9), (6, 100), (64, 256), (320, 800)],
)
def test_buckets_are_those_of_transformers(num_buckets, max_distance, bidirectional):
    kwargs = {
        "num_buckets": num_buckets,
        "max_distance": max(max_distance, num_buckets),
        "bidirectional": bidirectional,
    }
    offsets = np.arange(-1000, 1001)
    expected = [references.t5_bucket(int(offset), **kwargs) for offset in offsets]
    np.testing.assert_array_equal(buckets(offsets, **kwargs), expected)


def test_buckets_of_t5_itself():
    # As `_relative_position_bucket` of transformers gives them with PyTorch.
    starts = {0: 0, 1: 17, 7: 23, 8: 24, 12: 25, 16: 26, 23: 27, 32: 28, 46: 29, 64: 30, 91: 31}
    offsets = np.arange(0, 2000)
    expected = np.zeros(2000)
    for start, bucket in starts.items():
        expected[start:] = bucket
    expected[1:8] = 16 + offsets[1:8]
    np.testing.assert_array_equal(buckets(offsets), expected)
    np.testing.assert_array_equal(buckets(-offsets)[1:], expected[1:] - 16)


def test_a_bucket_begins_where_the_logarithm_is_whole():
    # 17 buckets on each side, 8 of them exact: 18 / 8 = (27 / 8)^(6 / 9) begins step 6 of 9, which
    # PyTorch's float32 rounds down to 5.
    kwargs = {"num_buckets": 34, "max_distance": 27}
    np.testing.assert_array_equal(buckets(np.array([-18, -17]), **kwargs), [8 + 6, 8 + 5])


@given(sizes, sizes, st.integers(-12, 12), st.booleans())
def test_each_head_has_a_number_for_each_bucket(queries, keys, shift, bidirectional):
    query, offsets = vectors(2, HEADS, queries, 4), offsets_between(queries, keys, shift)
    kwargs = {"num_buckets": 8, "max_distance": 9, "bidirectional": bidirectional}
    layer = make_layer(query, offsets, **kwargs)
    expected = references.bias(
        lambda offset: references.t5_bucket(int(offset), **kwargs), array(layer.table), offsets
    )
    np.testing.assert_allclose(array(layer(query, offsets)), expected, atol=1e-7)


def test_blocks_of_queries_may_share_their_offsets_or_have_their_own():
    query = vectors(2, HEADS, 5, 4, 6)
    for offsets, shape in (
        (offsets_between(4, 7, -2), (HEADS, 1, 4, 7)),
        (offsets_of_blocks(5, 4, 7), (HEADS, 5, 4, 7)),
    ):
        layer = make_layer(query, offsets)
        bias = array(layer(query, offsets))
        expected = references.bias(references.t5_bucket, array(layer.table), offsets)
        np.testing.assert_allclose(bias, expected.reshape(shape))


def test_a_number_gathers_the_gradients_of_all_its_pairs():
    query, offsets = vectors(2, HEADS, 5, 4), offsets_between(5, 30)
    layer = make_layer(query, offsets)
    cotangent = vectors(HEADS, 5, 30, seed=1)
    [gradient] = weight_gradients(
        lambda: ops.sum(ops.multiply(layer(query, offsets), cotangent)), layer.trainable_weights
    )
    expected = np.zeros((32, HEADS))
    for h, q, k in np.ndindex(cotangent.shape):
        expected[references.t5_bucket(k - q), h] += cotangent[h, q, k]
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("num_buckets", "bidirectional"), [(2, True), (7, True), (1, False)], ids=str
)
def test_too_few_buckets_or_an_odd_number_for_two_sides_are_refused(num_buckets, bidirectional):
    with pytest.raises(ValueError, match=f"`num_buckets`, expected at least.*={num_buckets}, bidi"):
        T5RelativeBias(num_buckets=num_buckets, bidirectional=bidirectional)


def test_fewer_distances_than_buckets_are_refused():
    with pytest.raises(ValueError, match=r"`max_distance`, expected more than the 8 .*distance=8"):
        T5RelativeBias(num_buckets=32, max_distance=8)


@pytest.mark.parametrize("argument", ["num_buckets", "max_distance"])
def test_a_size_that_is_no_positive_integer_is_refused(argument):
    with pytest.raises(ValueError, match=f"`{argument}`, expected a positive.*{argument}=0"):
        T5RelativeBias(**{argument: 0})
