"""Dense layers of sequences as one product of matrices, which Keras's are not in a graph."""

import keras
import tensorflow as tf

from .operators import gelu
from .unsaid import Unsaid


def dense(layer, inputs, training=None):
    """`Dense.call` for inputs of any rank, as MatMul and Add."""
    outputs = product(layer, inputs)
    if layer.bias is not None:
        outputs += layer.bias
    if layer.activation is keras.activations.gelu:
        return gelu(outputs)
    return outputs if layer.activation is None else layer.activation(outputs)


def product(layer, inputs):
    """Inputs of any rank times the kernel of a `Dense`."""
    if layer.quantization_mode is not None:  # Its kernel is of integers, with scales beside it.
        raise Unsaid(type(layer).__name__)
    # Not `keras.ops.matmul`, which flattens sequences and asks for their shapes to do so.
    return tf.linalg.matmul(tf.convert_to_tensor(inputs), tf.convert_to_tensor(layer.kernel))
