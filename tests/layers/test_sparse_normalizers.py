"""What sparsemax and entmax15 promise beyond `test_normalizers.py`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers.normalizers import entmax15, sparsemax


@given(st.floats(-4, 4, width=32))
def test_sparsemax_of_two_keys_is_the_hard_sigmoid(difference):
    # Martins and Astudillo 2016: (t + 1) / 2, clipped to [0, 1].
    weights = np.asarray(sparsemax(np.array([difference, 0.0], "float32")))
    first = np.clip((difference + 1) / 2, 0.0, 1.0)
    np.testing.assert_allclose(weights, [first, 1 - first], atol=1e-6)


@given(st.floats(-4, 4, width=32))
def test_entmax15_of_two_keys_has_a_closed_form(difference):
    # √p₁ - √p₂ = t / 2 and p₁ + p₂ = 1 where neither is zero, which is |t| < 2.
    weights = np.asarray(entmax15(np.array([difference, 0.0], "float32")))
    t = np.clip(difference, -2.0, 2.0)
    first = ((t + np.sqrt(8 - t * t)) / 4) ** 2
    np.testing.assert_allclose(weights, [first, 1 - first], atol=1e-6)


@pytest.mark.parametrize("normalizer", [sparsemax, entmax15])
def test_weights_of_a_distribution_that_is_far_from_flat_are_exactly_zero(normalizer):
    weights = np.asarray(normalizer(np.array([3.0, 0.9, -5.0, 2.9], "float32")))
    assert np.all((weights == 0.0) == [False, True, True, False])


def test_sparsemax_leaves_a_point_of_the_simplex_where_it_is():
    point = np.random.default_rng(0).dirichlet(np.ones(7), size=5).astype("float32")
    np.testing.assert_allclose(sparsemax(point), point, atol=1e-6)


@pytest.mark.parametrize("normalizer", [sparsemax, entmax15])
def test_keys_at_the_very_threshold_do_not_disturb_the_others(normalizer):
    # A thousand keys as far below the highest as a key can be without being out of reach.
    reach = {sparsemax: 1.0, entmax15: 2.0}[normalizer]
    for distance in (reach * (1 - 1e-6), reach, reach * (1 + 1e-6)):
        weights = np.asarray(normalizer(np.array([0.0, *[-distance] * 1000], "float32")))
        np.testing.assert_allclose(weights[0], 1.0, atol=1e-3)
        np.testing.assert_allclose(weights.sum(), 1.0, atol=1e-5)
