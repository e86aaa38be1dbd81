"""What holds for every normaliser; what one alone promises is in the file of its name."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import Attention, normalizers
from attnzoo.layers.normalizers import NORMALIZERS

from ..backends import each_dtype, gradients
from .references_normalizers import GRADIENTS, WEIGHTS

TOLERANCES = {"float64": 1e-12, "float32": 1e-6, "bfloat16": 4e-3, "float16": 1e-3}
COMPETING = ["entmax15", "softmax", "sparsemax"]

each_normalizer = pytest.mark.parametrize("name", NORMALIZERS)
each_competing = pytest.mark.parametrize("name", COMPETING)


def float64(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float64"))


@st.composite
def scores_and_mask(draw):
    """Scores of any rank with a mask that broadcasts to them; whole rows may be masked."""
    shape = [*draw(st.lists(st.integers(1, 3), max_size=3)), draw(st.integers(1, 40))]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scores = rng.normal(scale=draw(st.sampled_from([0.1, 1.0, 5.0])), size=shape)
    mask_shape = [draw(st.sampled_from([1, size])) for size in shape]
    mask_shape = mask_shape[draw(st.integers(0, len(shape) - 1)) :]
    return scores.astype("float32"), rng.random(mask_shape) < draw(st.sampled_from([0.3, 0.8, 1.0]))


@each_normalizer
@pytest.mark.parametrize("dtype", each_dtype(TOLERANCES))
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
def test_weights_match_the_definition_over_the_allowed_keys_alone(name, dtype, masked):
    rng = np.random.default_rng(0)
    scores = ops.cast(rng.normal(scale=3.0, size=(2, 3, 4, 5)), dtype)
    mask = rng.random((2, 1, 4, 5)) < 0.6 if masked else None
    weights = NORMALIZERS[name](scores, mask)
    assert keras.backend.standardize_dtype(weights.dtype) == dtype
    expected = WEIGHTS[name](float64(scores), mask)
    tolerance = TOLERANCES[dtype]
    np.testing.assert_allclose(float64(weights), expected, rtol=tolerance, atol=tolerance)


@each_normalizer
@given(scores_and_mask())
def test_weights_match_the_definition_for_any_shape_and_mask(name, drawn):
    scores, mask = drawn
    weights = NORMALIZERS[name](scores, mask)
    np.testing.assert_allclose(weights, WEIGHTS[name](scores, mask), rtol=1e-6, atol=2e-6)
    assert np.all(np.asarray(weights)[np.broadcast_to(~mask, scores.shape)] == 0.0)


@each_normalizer
@given(scores_and_mask())
def test_gradients_are_those_of_the_papers(name, drawn):
    scores, mask = drawn
    upstream = np.random.default_rng(0).normal(size=scores.shape)
    (gradient,) = gradients(
        lambda x: ops.sum(NORMALIZERS[name](x, mask) * ops.cast(upstream, x.dtype)), [scores]
    )
    mask = np.broadcast_to(mask, scores.shape)
    count = mask.sum(axis=-1, keepdims=True)
    weights = WEIGHTS[name](scores, mask)
    expected = GRADIENTS[name](weights, upstream, np.maximum(count, 1))
    np.testing.assert_allclose(gradient, np.where(mask, expected, 0.0), rtol=0, atol=1e-5)


@each_normalizer
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("scale", [1.0, 2e4], ids=["", "scores of 60000"])
def test_rows_with_nothing_to_attend_are_zero_with_finite_gradients(name, dtype, scale):
    rng = np.random.default_rng(0)
    scores = ops.cast(np.clip(scale * rng.normal(size=(4, 6)), -6e4, 6e4), dtype)
    mask = np.array([[True] * 6, [False] * 6, [True, False] * 3, [False] * 5 + [True]])
    weights = float64(NORMALIZERS[name](scores, mask))
    assert np.isfinite(weights).all()
    assert np.all(weights[~mask] == 0.0)
    assert np.any(weights[0] > 0.0)

    def sum_of_squares(scores):
        weights = NORMALIZERS[name](ops.cast(scores, dtype), mask)
        return ops.sum(ops.cast(weights, "float32") ** 2)

    (gradient,) = gradients(sum_of_squares, [float64(scores).astype("float32")])
    assert np.isfinite(gradient).all()
    assert np.all(gradient[~mask] == 0.0)


@each_normalizer
@given(scores_and_mask(), st.sampled_from([-6e4, 0.0, 6e4]))
def test_what_masked_keys_score_does_not_matter(name, drawn, masked_score):
    scores, mask = drawn
    weights = NORMALIZERS[name](np.where(mask, scores, np.float32(masked_score)), mask)
    np.testing.assert_array_equal(weights, NORMALIZERS[name](scores, mask))


@each_normalizer
@given(scores_and_mask(), st.integers(1, 9))
def test_masked_keys_are_as_good_as_absent(name, drawn, extra):
    scores = drawn[0]
    longer = np.concatenate([scores, np.ones((*scores.shape[:-1], extra), "float32")], axis=-1)
    mask = np.arange(longer.shape[-1]) < scores.shape[-1]
    weights = np.asarray(NORMALIZERS[name](longer, mask))
    np.testing.assert_allclose(weights[..., mask], NORMALIZERS[name](scores), atol=1e-6)


@each_normalizer
@given(scores_and_mask())
def test_the_order_of_the_keys_does_not_matter(name, drawn):
    scores = drawn[0]
    order = np.random.default_rng(0).permutation(scores.shape[-1])
    weights = np.asarray(NORMALIZERS[name](scores))
    np.testing.assert_allclose(
        NORMALIZERS[name](scores[..., order]), weights[..., order], atol=1e-6
    )


@each_competing
@given(st.lists(st.tuples(st.floats(-60000, 60000, width=16), st.booleans()), min_size=1))
def test_a_row_sums_to_one_or_if_nothing_may_be_attended_to_zero(name, entries):
    scores = np.array([score for score, _ in entries])
    mask = np.array([allowed for _, allowed in entries])
    for dtype, tolerance in (("float32", 1e-5), ("float16", 0.02)):
        weights = float64(NORMALIZERS[name](ops.cast(scores, dtype), mask))
        assert np.all(weights >= 0.0)
        assert np.all(weights[~mask] == 0.0)
        assert abs(weights.sum() - mask.any()) <= tolerance


@each_competing
@given(st.floats(-100, 100), st.integers(0, 2**32 - 1))
def test_a_constant_added_to_all_scores_changes_nothing(name, constant, seed):
    scores = np.random.default_rng(seed).normal(size=(3, 4)).astype("float32")
    shifted = NORMALIZERS[name](scores + np.float32(constant))
    np.testing.assert_allclose(shifted, NORMALIZERS[name](scores), atol=5e-5)


@each_competing
@pytest.mark.filterwarnings("error:You are using a softmax")
def test_a_single_key_has_all_the_weight_with_a_zero_gradient_and_without_a_warning(name):
    scores = np.array([[3.0], [-3.0]], "float32")
    mask = np.array([[True], [False]])
    np.testing.assert_array_equal(NORMALIZERS[name](scores), [[1.0], [1.0]])
    np.testing.assert_array_equal(NORMALIZERS[name](scores, mask), [[1.0], [0.0]])
    (gradient,) = gradients(lambda x: ops.sum(NORMALIZERS[name](x)), [scores])
    np.testing.assert_array_equal(gradient, [[0.0], [0.0]])


@each_competing
def test_an_allowed_score_may_be_lower_than_any_number_that_stands_for_masked(name):
    scores = np.array([[-1e10, -1e10, 0.0]], "float32")
    mask = np.array([[True, True, False]])
    np.testing.assert_allclose(NORMALIZERS[name](scores, mask), [[0.5, 0.5, 0.0]])


@each_competing
@pytest.mark.parametrize("spread", [0.0, 1e-4, 1e-2])
def test_thousands_of_keys_that_score_nearly_the_same_share_the_weight(name, spread):
    scores = np.random.default_rng(0).normal(scale=spread, size=(2, 5000)).astype("float32")
    mask = np.arange(5000) < 4000
    weights = NORMALIZERS[name](scores, mask)
    np.testing.assert_allclose(weights, WEIGHTS[name](scores, mask), rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", ["relu", "sigmoid"])
def test_a_key_is_weighed_without_regard_to_what_the_others_score(name):
    scores = np.random.default_rng(0).normal(size=(3, 6)).astype("float32")
    others = np.where(np.arange(6) == 2, scores, scores + 5.0)
    weights, among_others = NORMALIZERS[name](scores), NORMALIZERS[name](others)
    np.testing.assert_array_equal(np.asarray(weights)[:, 2], np.asarray(among_others)[:, 2])


@each_normalizer
def test_a_saved_attention_layer_finds_it_by_its_name(name):
    layer = Attention(normalizer=name)
    assert layer.normalizer_function is normalizers.get(name) is NORMALIZERS[name]
    copy = Attention.from_config(layer.get_config())
    assert copy.normalizer_function is NORMALIZERS[name]


@each_normalizer
def test_the_function_itself_may_be_given_too(name):
    layer = Attention(normalizer=NORMALIZERS[name])
    assert Attention.from_config(layer.get_config()).normalizer_function is NORMALIZERS[name]


def test_each_name_is_that_of_an_exported_function():
    assert {name: getattr(normalizers, name) for name in NORMALIZERS} == NORMALIZERS
    assert set(NORMALIZERS) == set(WEIGHTS)


def test_unknown_names_are_refused():
    with pytest.raises(
        ValueError, match=r"`normalizer`, expected one of \['entmax15'.*'softmax'.*'argmax'"
    ):
        normalizers.get("argmax")
