"""Gradients of a layer against differences of its reference in float64."""

import numpy as np
from keras import ops

from ..backends import gradients, weight_gradients
from ..layer_test_case import named_weights
from .references_kinds import numerical_gradient


def assert_gradients_match_differences(layer, call, reference, inputs, target):
    """Asserts that gradients by the inputs and by every trainable weight are those of a reference.

    Args:
        layer: The layer, built.
        call: `f(inputs) -> tensor`, which calls it.
        reference: `f(inputs, weights) -> array`, for a dict of weights by their paths.
        inputs: Float array.
        target: Array of the outputs' shape: what is derived is the sum of its products with them.
            Where it is zero outputs are free, and may be NaN in the reference.
    """
    weights = named_weights(layer)

    def product(states=inputs):
        return ops.sum(ops.multiply(call(states), target))

    def expected(states, weights):
        return np.where(target == 0, 0, reference(states, weights) * target).sum()

    (found,) = gradients(product, [inputs])
    difference = numerical_gradient(lambda x: expected(x, weights), inputs)
    np.testing.assert_allclose(found, difference, rtol=0, atol=1e-5)
    trainable = layer.trainable_weights
    for weight, found in zip(trainable, weight_gradients(product, trainable), strict=True):
        name = weight.path.split("/", 1)[1]
        difference = numerical_gradient(
            lambda w, name=name: expected(inputs, {**weights, name: w}), weights[name]
        )
        np.testing.assert_allclose(found, difference, rtol=0, atol=1e-5, err_msg=name)
