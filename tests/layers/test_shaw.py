import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import ShawRelativeKeys
from attnzoo.layers.scores import dot

from ..backends import gradients, weight_gradients
from ..layer_test_case import randomize_weights
from . import references_positions as references
from .references_positions import array, offsets_between, offsets_of_blocks, vectors

HEADS = 3
sizes = st.integers(1, 9)


def make_layer(query, offsets, **kwargs):
    layer = ShawRelativeKeys(**kwargs)
    layer(query, offsets)
    randomize_weights(layer)
    return layer


@given(sizes, sizes, st.integers(-6, 6), st.integers(1, 5), st.integers(1, 5))
def test_each_query_meets_the_vector_of_each_clipped_offset(
    queries, keys, shift, max_distance, key_dim
):
    query, offsets = vectors(2, HEADS, queries, key_dim), offsets_between(queries, keys, shift)
    layer = make_layer(query, offsets, max_distance=max_distance)
    expected = references.shaw(query, array(layer.table), offsets)
    np.testing.assert_allclose(array(layer(query, offsets)), expected, atol=2e-6)


@pytest.mark.parametrize(
    "offsets", [offsets_between(4, 7, -2), offsets_of_blocks(5, 4, 7)], ids=["shared", "own"]
)
def test_blocks_of_queries_may_share_their_offsets_or_have_their_own(offsets):
    query = vectors(2, HEADS, 5, 4, 6)
    layer = make_layer(query, offsets, max_distance=3)
    scores = array(layer(query, offsets))
    assert scores.shape == (2, HEADS, 5, 4, 7)
    expected = references.shaw(query, array(layer.table), offsets)
    np.testing.assert_allclose(scores, expected, atol=2e-6)


def test_with_dot_products_it_is_as_if_the_vectors_were_added_to_the_keys():
    query, key = vectors(2, HEADS, 5, 4), vectors(2, HEADS, 7, 4, seed=1)
    offsets = offsets_between(5, 7)
    layer = make_layer(query, offsets, max_distance=2)
    scores = array(dot(query, key)) + array(layer(query, offsets))
    vector = array(layer.table)[np.clip(offsets, -2, 2) + 2]
    keys = np.float64(key)[:, :, None] + vector
    expected = np.einsum("bhqd,bhqkd->bhqk", query, keys) / 2.0
    np.testing.assert_allclose(scores, expected, atol=2e-6)


@pytest.mark.parametrize(
    ("shape", "offsets"),
    [((2, 2, 3, 4), offsets_between(3, 5)), ((2, 2, 2, 3, 4), offsets_of_blocks(2, 3, 5))],
    ids=["whole", "blocks"],
)
def test_gradients_match_those_of_the_reference(shape, offsets):
    query = vectors(*shape)
    layer = make_layer(query, offsets, max_distance=2)
    cotangent = vectors(*shape[:-1], 5, seed=1)

    def loss(query):
        return ops.sum(ops.multiply(layer(query, offsets), cotangent))

    def reference(query, table):
        return np.sum(references.shaw(query, table, offsets) * cotangent)

    table = array(layer.table)
    np.testing.assert_allclose(
        gradients(loss, [query])[0],
        references.numerical_gradient(lambda x: reference(x, table), np.float64(query)),
        atol=1e-5,
    )
    np.testing.assert_allclose(
        weight_gradients(lambda: loss(query), layer.trainable_weights)[0],
        references.numerical_gradient(lambda x: reference(query, x), table),
        atol=1e-5,
    )


def test_heads_share_the_vectors():
    query, offsets = np.repeat(vectors(1, 1, 5, 4), HEADS, axis=1), offsets_between(5, 5)
    layer = make_layer(query, offsets, max_distance=7)
    assert [tuple(weight.shape) for weight in layer.weights] == [(15, 4)]
    scores = array(layer(query, offsets))
    np.testing.assert_allclose(scores, np.repeat(scores[:, :1], HEADS, axis=1), atol=1e-6)


@pytest.mark.parametrize("max_distance", [0, -1, 2.0, None])
def test_a_max_distance_that_is_no_positive_integer_is_refused(max_distance):
    with pytest.raises(ValueError, match=f"`max_distance`, expected a positive.*={max_distance}"):
        ShawRelativeKeys(max_distance=max_distance)
