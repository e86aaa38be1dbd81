"""What differs between TensorFlow, JAX and PyTorch under Keras: gradients, and who has float64."""

import keras
import numpy as np
import pytest

BACKEND = keras.backend.backend()
needs_float64 = pytest.mark.skipif(BACKEND != "tensorflow", reason="elsewhere Keras has none")
needs_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="is about TensorFlow")


def each_dtype(names):
    """Parameters of a test for each dtype or policy; float64 where Keras has it."""
    return [pytest.param(name, marks=needs_float64 if name == "float64" else ()) for name in names]


def gradients(function, arrays):
    """Gradients of a scalar function of tensors at these arrays.

    Args:
        function: `f(*tensors) -> scalar tensor`.
        arrays: List of float arrays.
    """
    if BACKEND == "tensorflow":
        import tensorflow as tf

        tensors = [tf.convert_to_tensor(array) for array in arrays]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = function(*tensors)
        found = tape.gradient(value, tensors, unconnected_gradients="zero")
    elif BACKEND == "jax":
        import jax

        tensors = [jax.numpy.asarray(array) for array in arrays]
        found = jax.grad(function, argnums=tuple(range(len(arrays))))(*tensors)
    else:
        import torch

        tensors = [torch.tensor(np.asarray(array), requires_grad=True) for array in arrays]
        found = torch.autograd.grad(function(*tensors), tensors, materialize_grads=True)
    return [_float64(gradient) for gradient in found]


def weight_gradients(function, weights):
    """Gradients of what `function()` returns, a scalar, by Keras variables that it reads.

    Args:
        function: `f() -> scalar tensor`, which calls layers that are built.
        weights: List of `keras.Variable`.
    """

    def with_values(*values):
        with keras.StatelessScope(state_mapping=list(zip(weights, values, strict=True))):
            return function()

    return gradients(with_values, [keras.ops.convert_to_numpy(weight) for weight in weights])


def _float64(tensor):
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float64"))
