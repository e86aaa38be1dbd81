import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import LayerNormalization

from ..backends import each_dtype, gradients, needs_float64
from ..layer_test_case import named_weights, randomize_weights
from . import references
from .gradient_check import assert_gradients_match_differences

TOLERANCES = {
    "float64": 1e-12,
    "float32": 2e-6,
    "mixed_float16": 2e-3,
    "mixed_bfloat16": 1.6e-2,
}


def vectors(*shape, seed=0):
    return np.random.default_rng(seed).normal(loc=2.0, scale=3.0, size=shape)


def make_layer(shape, **kwargs):
    layer = LayerNormalization(**kwargs)
    layer.build(shape)
    randomize_weights(layer)
    return layer


@pytest.mark.parametrize("shape", [(3, 8), (2, 5, 8), (2, 3, 4, 16), (4, 1)])
@pytest.mark.parametrize("policy", each_dtype(TOLERANCES))
@pytest.mark.parametrize("training", [False, True])
def test_outputs_match_the_formula_in_float64(policy, shape, training):
    layer = make_layer(shape, epsilon=1e-3, dtype=policy)
    inputs = ops.cast(vectors(*shape), layer.compute_dtype)
    outputs = layer(inputs, training=training)
    assert outputs.dtype == layer.compute_dtype
    expected = references.layer_normalization(
        ops.cast(inputs, "float64"), epsilon=1e-3, **named_weights(layer)
    )
    tolerance = TOLERANCES[policy]
    np.testing.assert_allclose(
        ops.cast(outputs, "float64"), expected, rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("training", [False, True])
def test_without_bias_vectors_are_scaled_alone(training):
    layer = make_layer((3, 8), epsilon=1e-3, use_bias=False)
    assert list(named_weights(layer)) == ["gamma"]
    inputs = vectors(3, 8)
    expected = references.layer_normalization(inputs, epsilon=1e-3, **named_weights(layer))
    outputs = layer(inputs.astype("float32"), training=training)
    np.testing.assert_allclose(outputs, expected, rtol=2e-6, atol=2e-6)


@needs_float64
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("epsilon", [1e-6, 0.5])
def test_its_gradients_are_those_of_the_formula(epsilon, training):
    inputs, target = vectors(2, 3, 8), vectors(2, 3, 8, seed=1)
    layer = make_layer(inputs.shape, epsilon=epsilon, dtype="float64")
    assert_gradients_match_differences(
        layer,
        lambda states: layer(states, training=training),
        lambda states, weights: references.layer_normalization(states, epsilon=epsilon, **weights),
        inputs,
        target,
    )


def test_its_gradient_in_training_is_that_out_of_training():
    inputs, target = vectors(2, 3, 8).astype("float32"), vectors(2, 3, 8, seed=1).astype("float32")
    layer = make_layer(inputs.shape)
    found, expected = (
        gradients(lambda x, t=training: ops.sum(target * layer(x, training=t)), [inputs])
        for training in (True, False)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_it_equals_the_layer_of_keras():
    inputs = vectors(2, 5, 8).astype("float32")
    layer, peer = make_layer(inputs.shape, epsilon=1e-5), keras.layers.LayerNormalization(-1, 1e-5)
    peer.build(inputs.shape)
    peer.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(inputs), peer(inputs), atol=2e-6)


def test_float16_inputs_whose_squares_overflow_are_normalised():
    inputs = np.array([[-1000.0, 0.0, 1000.0]], "float16")  # 1000² > 65504
    outputs = LayerNormalization(dtype="mixed_float16")(inputs)
    np.testing.assert_allclose(outputs, references.layer_normalization(inputs), rtol=1e-3)


def test_a_large_mean_does_not_drown_the_variance():
    inputs = np.array([[10000.0, 10001.0, 10002.0, 10003.0]], "float32")
    expected = references.layer_normalization(inputs)
    np.testing.assert_allclose(LayerNormalization()(inputs), expected, rtol=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_a_constant_vector_becomes_the_shift_with_finite_gradients(training):
    inputs = np.full((2, 8), 5.0, "float32")
    layer = make_layer((2, 8))
    outputs = layer(inputs, training=training)
    np.testing.assert_allclose(outputs, np.tile(layer.beta.numpy(), (2, 1)), atol=1e-6)
    assert np.isfinite(gradients(lambda x: ops.sum(layer(x, training=training)), [inputs])).all()


@needs_float64
@given(st.floats(0.5, 20.0), st.floats(-20.0, 20.0), st.integers(0, 2**32 - 1))
def test_scaling_and_shifting_a_vector_changes_nothing(scale, shift, seed):
    inputs = vectors(3, 8, seed=seed)
    layer = make_layer((3, 8), epsilon=1e-12, dtype="float64")
    np.testing.assert_allclose(layer(scale * inputs + shift), layer(inputs), atol=1e-9)


def test_scale_and_shift_are_kept_and_applied_in_float32_under_mixed_precision():
    layer = make_layer((1, 2), dtype="mixed_float16")
    assert [weight.dtype for weight in layer.weights] == ["float32", "float32"]
    layer.gamma.assign([1e5, 1e5])  # Infinite in float16; its sum with the shift is not.
    layer.beta.assign([1e5, -1e5])
    outputs = layer(np.array([[-1.0, 1.0]], "float16"))
    np.testing.assert_allclose(outputs, [[0.0, 0.0]], atol=0.1)
