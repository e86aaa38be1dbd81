import numpy as np
from keras import ops

from attnzoo.layers.normalizers import softmax


def test_it_is_the_softmax_of_keras_where_everything_may_be_attended():
    scores = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    np.testing.assert_allclose(softmax(scores), ops.softmax(scores), rtol=0, atol=1e-7)
    allowed = np.ones((2, 1, 1, 5), bool)
    np.testing.assert_allclose(softmax(scores, allowed), ops.softmax(scores), rtol=0, atol=1e-7)


def test_keys_that_score_far_below_the_best_keep_their_weight_in_float16():
    weights = softmax(np.array([[0.0, -9.0]], "float16"))
    np.testing.assert_allclose(np.asarray(weights, "float64")[0, 1], np.exp(-9.0), rtol=1e-2)
