"""Layer normalisation as one operator."""

import tensorflow as tf

from .markers import mark
from .unsaid import Unsaid


def layer_normalization(layer, inputs, training=None):
    """Normalises, scales and shifts vectors along the last axis."""
    inputs = tf.convert_to_tensor(inputs)
    return mark(
        "LayerNormalization",
        [inputs, layer.gamma, layer.beta],
        inputs.shape,
        axis=-1,
        epsilon=float(layer.epsilon),
    )


def keras_layer_normalization(layer, inputs):
    """`keras.layers.LayerNormalization.call`, where it is of the last axis with a scale."""
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    if axes not in ([-1], [len(inputs.shape) - 1]) or layer.rms_scaling or layer.gamma is None:
        raise Unsaid(type(layer).__name__)
    return layer_normalization(layer, inputs)
