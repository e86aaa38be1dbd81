import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import Attention

from ..backends import gradients
from . import references

BATCH, HEADS, QUERIES, KEYS, KEY_DIM, VALUE_DIM = 2, 3, 4, 6, 5, 2


def query_key_value(rng=None, queries=QUERIES, keys=KEYS):
    rng = rng or np.random.default_rng(0)
    shapes = (queries, KEY_DIM), (keys, KEY_DIM), (keys, VALUE_DIM)
    return [rng.normal(size=(BATCH, HEADS, *shape)).astype("float32") for shape in shapes]


@pytest.mark.parametrize(
    "mask_shape",
    [None, (BATCH, 1, 1, KEYS), (QUERIES, KEYS), (BATCH, HEADS, QUERIES, KEYS)],
)
def test_outputs_and_weights_match_the_formula_in_float64(mask_shape):
    mask = None if mask_shape is None else np.random.default_rng(1).random(mask_shape) < 0.6
    states = query_key_value()
    outputs, weights = Attention()(*states, attention_mask=mask)
    expected_outputs, expected_weights = references.attention(*states, mask)
    np.testing.assert_allclose(outputs, expected_outputs, atol=1e-6)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-6)


@given(st.integers(1, 5), st.integers(1, 7), st.integers(0, 2**32 - 1))
def test_the_order_of_the_keys_does_not_matter(queries, keys, seed):
    rng = np.random.default_rng(seed)
    query, key, value = query_key_value(rng, queries, keys)
    order = rng.permutation(keys)
    outputs, weights = Attention()(query, key, value)
    reordered_outputs, reordered_weights = Attention()(query, key[:, :, order], value[:, :, order])
    np.testing.assert_allclose(reordered_outputs, outputs, atol=1e-6)
    np.testing.assert_allclose(reordered_weights, np.asarray(weights)[..., order], atol=1e-6)


@given(st.integers(1, 7), st.integers(0, 2**32 - 1))
def test_outputs_stay_between_the_smallest_and_the_largest_value(keys, seed):
    states = query_key_value(np.random.default_rng(seed), keys=keys)
    outputs = np.asarray(Attention()(*states)[0])
    value = states[2]
    assert np.all(outputs <= value.max(axis=2, keepdims=True) + 1e-6)
    assert np.all(outputs >= value.min(axis=2, keepdims=True) - 1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_row_with_nothing_to_attend_gives_zeros_with_finite_gradients(dtype):
    states = [ops.cast(x, dtype) for x in query_key_value()]
    mask = np.ones((QUERIES, KEYS), bool)
    mask[1] = False
    layer = Attention(dtype=dtype)
    outputs, weights = layer(*states, attention_mask=mask)
    assert outputs.dtype == weights.dtype == dtype
    assert np.all(np.asarray(outputs, "float32")[:, :, 1] == 0.0)
    assert np.all(np.asarray(weights, "float32")[:, :, 1] == 0.0)

    def loss(*states):
        return ops.sum(ops.cast(layer(*states, attention_mask=mask)[0], "float32") ** 2)

    found = gradients(loss, states)
    assert all(np.isfinite(gradient).all() for gradient in found)
    assert np.all(found[0][:, :, 1] == 0.0)


def test_weights_are_dropped_in_training_only():
    states = query_key_value(queries=30, keys=30)
    layer = Attention(dropout=0.5)
    kept = np.asarray(layer(*states, training=False)[1])
    dropped = np.asarray(layer(*states, training=True)[1])
    assert np.all(kept > 0.0)
    assert 0.4 < np.mean(dropped == 0.0) < 0.6


def test_it_has_no_weights():
    layer = Attention()
    layer(*query_key_value())
    assert layer.weights == []


def test_unknown_names_of_pieces_are_refused():
    with pytest.raises(ValueError, match=r"`score`, expected one of .*'dot'.*score='dott'"):
        Attention(score="dott")
    with pytest.raises(ValueError, match=r"`normalizer`, expected one of .*'softmax'.*'hard'"):
        Attention(normalizer="hard")


@pytest.mark.parametrize("rate", [-0.1, 1.5])
def test_a_dropout_outside_zero_to_one_is_refused(rate):
    with pytest.raises(ValueError, match="`rate`"):
        Attention(dropout=rate)
