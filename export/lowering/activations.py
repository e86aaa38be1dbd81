"""GELU as one operator."""

import keras
import tensorflow as tf

from .markers import MICROSOFT, mark
from .unsaid import Unsaid


def gelu(layer, inputs, training=None):
    """Exact GELU, `x Φ(x)`."""
    inputs = tf.convert_to_tensor(inputs)
    return mark("Gelu", [inputs], inputs.shape, MICROSOFT)


def gelu_operation(operation, inputs):
    """`keras.ops.gelu`, exact or by tanh."""
    if not operation.approximate:
        return gelu(operation, inputs)
    inputs = tf.convert_to_tensor(inputs)
    return mark("FastGelu", [inputs], inputs.shape, MICROSOFT)


def activation(layer, inputs):
    """`keras.layers.Activation.call`."""
    if layer.activation is not keras.activations.gelu:
        raise Unsaid(type(layer).__name__)
    return gelu(layer, inputs)
