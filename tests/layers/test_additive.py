import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import Attention, MultiHeadSelfAttention, scores
from attnzoo.layers.normalizers import NORMALIZERS
from attnzoo.layers.scores import AdditiveScore

from ..backends import gradients, weight_gradients
from ..layer_test_case import randomize_weights
from .references_normalizers import WEIGHTS

BATCH, HEADS, QUERIES, KEYS, KEY_DIM, VALUE_DIM = 2, 3, 4, 6, 5, 2


def vectors(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def array(tensor):
    return ops.convert_to_numpy(tensor)


def additive(query, key, v):
    """Bahdanau et al. 2015, appendix A.1.2: one pair after the other, `(batch, heads, ...)`."""
    query, key, v = (np.asarray(x, "float64") for x in (query, key, v))
    result = np.zeros((*query.shape[:-1], key.shape[-2]))
    for index in np.ndindex(result.shape):
        *front, q, k = index
        result[index] = v[index[1]] @ np.tanh(query[(*front, q)] + key[(*front, k)])
    return result


def make_score(query):
    """A built layer with random weights."""
    layer = AdditiveScore()
    layer.build(query.shape)
    randomize_weights(layer, scale=1.0)
    return layer


@given(
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 5), st.integers(1, 6)),
    st.lists(st.integers(1, 3), max_size=1),
    st.integers(1, 5),
)
def test_scores_match_the_formula_in_float64(sizes, blocks, key_dim):
    batch, heads, queries, keys = sizes
    query = vectors(batch, heads, *blocks, queries, key_dim)
    key = vectors(batch, heads, *blocks, keys, key_dim, seed=1)
    layer = make_score(query)
    expected = additive(query, key, array(layer.kernel))
    np.testing.assert_allclose(array(layer(query, key)), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("blocks", [(), (3,)], ids=["", "blocks"])
def test_gradients_match_the_formula_in_float64(blocks):
    query = vectors(BATCH, HEADS, *blocks, QUERIES, KEY_DIM)
    key = vectors(BATCH, HEADS, *blocks, KEYS, KEY_DIM, seed=1)
    upstream = vectors(BATCH, HEADS, *blocks, QUERIES, KEYS, seed=2)
    layer = make_score(query)
    found = [
        *gradients(lambda q, k: ops.sum(ops.multiply(layer(q, k), upstream)), [query, key]),
        *weight_gradients(
            lambda: ops.sum(ops.multiply(layer(query, key), upstream)), [layer.kernel]
        ),
    ]

    # d score / d (query + key) = v (1 - tanh²), for every pair; d score / d v = tanh.
    v = array(layer.kernel).astype("float64").reshape(HEADS, *(1 for _ in blocks), 1, 1, KEY_DIM)
    tanh = np.tanh(query[..., :, None, :].astype("float64") + key[..., None, :, :])
    of_pairs = upstream[..., None] * v * (1 - tanh**2)
    of_tanh = upstream[..., None] * tanh
    other_axes = tuple(axis for axis in range(of_tanh.ndim - 1) if axis != 1)
    expected = [of_pairs.sum(-2), of_pairs.sum(-3), of_tanh.sum(other_axes)]
    for gradient, reference in zip(found, expected, strict=True):
        np.testing.assert_allclose(gradient, reference, rtol=0, atol=1e-5)


@pytest.mark.parametrize("normalizer", NORMALIZERS)
@pytest.mark.parametrize("mask_shape", [None, (BATCH, 1, 1, KEYS), (QUERIES, KEYS)])
def test_attention_with_each_normaliser_matches_the_formula_in_float64(normalizer, mask_shape):
    mask = None if mask_shape is None else np.random.default_rng(1).random(mask_shape) < 0.5
    query, key = vectors(BATCH, HEADS, QUERIES, KEY_DIM), vectors(BATCH, HEADS, KEYS, KEY_DIM)
    value = vectors(BATCH, HEADS, KEYS, VALUE_DIM, seed=1)
    layer = Attention(score="additive", normalizer=normalizer)
    layer.build(query.shape)
    randomize_weights(layer, scale=1.0)
    (weight,) = layer.weights
    outputs, weights = layer(query, key, value, attention_mask=mask)
    expected = WEIGHTS[normalizer](additive(query, key, array(weight)), mask)
    np.testing.assert_allclose(array(weights), expected, rtol=0, atol=2e-6)
    expected_outputs = np.einsum("bhqk,bhkd->bhqd", expected, value)
    np.testing.assert_allclose(array(outputs), expected_outputs, rtol=0, atol=2e-6)


def test_self_attention_trains_and_saves_its_weight(tmp_path):
    inputs = keras.Input((None, 8))
    outputs = MultiHeadSelfAttention(num_heads=2, score="additive")(inputs)
    model = keras.Model(inputs, outputs)
    (v,) = [w for w in model.trainable_weights if tuple(w.shape) == (2, 4)]
    before, batch = array(v), vectors(3, 5, 8)
    model.compile("sgd", "mse")
    model.fit(batch, np.ones((3, 5, 8), "float32"), verbose=0)
    assert np.abs(array(v) - before).max() > 0
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(array(loaded(batch)), array(model(batch)), atol=1e-6)


def test_each_name_looked_up_is_a_new_layer_of_the_asked_dtype():
    first = scores.get("additive", dtype="mixed_bfloat16")
    second = scores.get("additive", dtype="mixed_bfloat16")
    assert isinstance(first, AdditiveScore)
    assert first is not second
    assert first.compute_dtype == "bfloat16"


def test_a_query_without_heads_is_refused():
    with pytest.raises(ValueError, match=r"`query`, expected \(batch, heads, query_length, key_d"):
        AdditiveScore()(vectors(2, 5, 8), vectors(2, 5, 8))
