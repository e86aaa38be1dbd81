import numpy as np
import pytest
from keras import ops

from attnzoo.layers import scores
from attnzoo.layers.scores import dot


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float16", 0.02)])
def test_scores_are_scaled_dot_products(dtype, tolerance):
    rng = np.random.default_rng(0)
    query, key = rng.normal(size=(2, 3, 4, 7)), rng.normal(size=(2, 3, 5, 7))
    result = dot(ops.cast(query, dtype), ops.cast(key, dtype))
    assert result.dtype == dtype
    expected = np.zeros((2, 3, 4, 5))
    for b, h, q, k in np.ndindex(expected.shape):
        expected[b, h, q, k] = np.dot(query[b, h, q], key[b, h, k]) / np.sqrt(7)
    np.testing.assert_allclose(np.asarray(result, "float64"), expected, rtol=0, atol=tolerance)


def test_large_vectors_do_not_overflow_float16_before_they_are_scaled():
    vectors = np.full((1, 1, 1, 100), 60.0, "float16")  # 60 · 60 · 100 > 65504
    np.testing.assert_allclose(dot(vectors, vectors), [[[[36000.0]]]], rtol=1e-2)


def test_it_is_found_by_its_name_and_unknown_names_are_refused():
    assert scores.get("dot") is dot
    with pytest.raises(ValueError, match=r"`score`, expected one of \[.*'dot'.*'cosine'"):
        scores.get("cosine")
