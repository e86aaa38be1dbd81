import functools

import keras
import numpy as np
import pytest

from attnzoo.layers import Attention, MultiHeadSelfAttention, TransformerEncoderBlock
from attnzoo.layers.lookup import resolve, serialize
from attnzoo.layers.normalizers import softmax
from attnzoo.layers.scores import dot

LAYERS = {
    Attention: {},
    MultiHeadSelfAttention: {"num_heads": 2},
}
STATES = np.random.default_rng(0).normal(size=(2, 5, 8)).astype("float32")


@keras.saving.register_keras_serializable("attnzoo_tests_lookup")
def negative_distance(query, key):
    """A user's own score: near is relevant."""
    difference = query[:, :, :, None] - key[:, :, None]
    return -keras.ops.sum(keras.ops.square(difference), axis=-1)


@keras.saving.register_keras_serializable("attnzoo_tests_lookup")
def uniform(scores, mask=None):
    """A user's own normaliser: whatever may be attended counts the same."""
    allowed = keras.ops.ones_like(scores)
    if mask is not None:
        allowed = allowed * keras.ops.cast(mask, scores.dtype)
    return allowed / keras.ops.maximum(keras.ops.sum(allowed, axis=-1, keepdims=True), 1.0)


def not_registered(query, key):
    return dot(query, key)


@pytest.fixture(params=LAYERS, ids=lambda layer_class: layer_class.__name__)
def make_layer(request):
    return lambda **kwargs: request.param(**LAYERS[request.param], **kwargs)


@pytest.mark.parametrize("argument", ["score", "normalizer"])
def test_a_lambda_is_refused_at_construction(make_layer, argument):
    with pytest.raises(ValueError, match=rf"argument `{argument}`.*register_keras_serializable"):
        make_layer(**{argument: lambda query, key: query})


@pytest.mark.parametrize("argument", ["score", "normalizer"])
def test_a_function_that_is_not_registered_is_refused_at_construction(make_layer, argument):
    with pytest.raises(ValueError, match=rf"argument `{argument}`.*not_registered"):
        make_layer(**{argument: not_registered})


def test_a_callable_without_a_name_is_refused_as_clearly_as_a_lambda():
    with pytest.raises(ValueError, match=r"argument `score`.*register_keras_serializable"):
        Attention(score=functools.partial(dot))


@pytest.mark.parametrize("nonsense", [None, 3, ["dot"]])
def test_what_is_neither_name_nor_callable_is_refused(make_layer, nonsense):
    with pytest.raises(ValueError, match=r"`score`, expected one of .*'dot'.* or a registered"):
        make_layer(score=nonsense)


def test_registered_functions_are_used():
    scores = negative_distance(STATES[:, None], STATES[:, None])
    _, weights = Attention(score=negative_distance)(*[STATES[:, None]] * 3)
    np.testing.assert_allclose(weights, softmax(scores), atol=1e-6)
    _, weights = Attention(normalizer=uniform)(*[STATES[:, None]] * 3)
    np.testing.assert_allclose(weights, np.full((2, 1, 5, 5), 0.2), atol=1e-6)


def test_registered_functions_survive_saving(tmp_path):
    states = keras.Input((None, 8))
    attention = MultiHeadSelfAttention(2, score=negative_distance, normalizer=uniform)
    block = TransformerEncoderBlock(intermediate_dim=4, attention=attention)
    model = keras.Model(states, block(states))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(STATES), model(STATES))
    kept = loaded.layers[-1].attention
    assert (kept.score, kept.normalizer) == (negative_distance, uniform)


def test_names_stay_names_in_the_configuration(make_layer):
    config = make_layer().get_config()
    assert (config["score"], config["normalizer"]) == ("dot", "softmax")


def test_the_serialised_form_resolves_to_the_same_function():
    form = serialize(negative_distance)
    assert isinstance(form, dict)
    assert resolve(form, {}, "score") is negative_distance
    assert serialize(form) == form
    assert serialize("dot") == "dot"
