"""GELU as one operator."""

import keras

from . import operators
from .unsaid import Unsaid


def gelu(layer, inputs, training=None):
    """Exact GELU, `x Φ(x)`."""
    return operators.gelu(inputs)


def gelu_operation(operation, inputs):
    """`keras.ops.gelu`, exact or by tanh."""
    return operators.gelu(inputs, operation.approximate)


def activation(layer, inputs):
    """`keras.layers.Activation.call`."""
    if layer.activation is not keras.activations.gelu:
        raise Unsaid(type(layer).__name__)
    return operators.gelu(inputs)
