import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import normalizers
from attnzoo.layers.normalizers import softmax

from . import references

DTYPES = {"float64": 1e-12, "float32": 1e-6, "bfloat16": 4e-3, "float16": 1e-3}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
def test_weights_match_a_softmax_over_the_allowed_entries_alone(dtype, masked):
    rng = np.random.default_rng(0)
    scores = tf.cast(rng.normal(scale=3.0, size=(2, 3, 4, 5)), dtype)
    mask = rng.random((2, 1, 4, 5)) < 0.6 if masked else None
    weights = softmax(scores, mask)
    assert weights.dtype == dtype
    expected = references.softmax(np.asarray(tf.cast(scores, "float64")), mask)
    np.testing.assert_allclose(tf.cast(weights, "float64"), expected, rtol=0, atol=DTYPES[dtype])


@given(st.lists(st.tuples(st.floats(-60000, 60000, width=16), st.booleans()), min_size=1))
def test_a_row_sums_to_one_or_if_nothing_may_be_attended_to_zero(entries):
    scores = np.array([score for score, _ in entries])
    mask = np.array([allowed for _, allowed in entries])
    for dtype, tolerance in (("float32", 1e-5), ("float16", 0.02)):
        weights = np.asarray(softmax(tf.cast(scores, dtype), mask), "float64")
        assert np.all(weights >= 0.0)
        assert np.all(weights[~mask] == 0.0)
        assert abs(weights.sum() - mask.any()) <= tolerance


@given(st.floats(-100, 100), st.integers(0, 2**32 - 1))
def test_a_constant_added_to_all_scores_changes_nothing(constant, seed):
    scores = np.random.default_rng(seed).normal(size=(3, 4))
    np.testing.assert_allclose(softmax(scores + constant), softmax(scores), atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_gradients_are_finite_and_zero_where_nothing_may_be_attended(dtype):
    scores = tf.cast(np.random.default_rng(0).normal(size=(3, 4)), dtype)
    mask = np.array([[True] * 4, [True, False, True, False], [False] * 4])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        loss = tf.reduce_sum(tf.cast(softmax(scores, mask), "float32") ** 2)
    gradient = np.asarray(tape.gradient(loss, scores), "float32")
    assert np.isfinite(gradient).all()
    assert np.all(gradient[~mask] == 0.0)
    assert np.any(gradient[:2] != 0.0)


@pytest.mark.filterwarnings("error")
def test_a_single_key_has_all_the_weight_with_a_zero_gradient_and_without_a_warning():
    scores = tf.constant([[3.0], [-3.0]])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        weights = softmax(scores)
    np.testing.assert_array_equal(weights, [[1.0], [1.0]])
    np.testing.assert_array_equal(softmax(scores, np.array([[True], [False]])), [[1.0], [0.0]])
    gradient = tape.gradient(weights, scores)
    assert gradient is not None  # None would make an optimiser warn of weights it cannot train.
    np.testing.assert_array_equal(gradient, [[0.0], [0.0]])


def test_an_allowed_score_may_be_lower_than_any_number_that_stands_for_masked():
    scores = np.array([[-1e10, -1e10, 0.0]], "float32")
    mask = np.array([[True, True, False]])
    np.testing.assert_allclose(softmax(scores, mask), [[0.5, 0.5, 0.0]])


def test_it_is_found_by_its_name_and_unknown_names_are_refused():
    assert normalizers.get("softmax") is softmax
    with pytest.raises(ValueError, match=r"`normalizer`, expected one of \['softmax'.*'argmax'"):
        normalizers.get("argmax")
