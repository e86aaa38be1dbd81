"""Calling a layer or a function of tensors, whichever backend Keras runs on."""

import keras

from ..backends import BACKEND


def array(tensor):
    """The tensor as a NumPy array, float32 if its own dtype is narrower."""
    if keras.backend.standardize_dtype(tensor.dtype) in ("float16", "bfloat16"):
        tensor = keras.ops.cast(tensor, "float32")
    return keras.ops.convert_to_numpy(tensor)


def whole(function):
    """The function, on JAX compiled as a whole: operation by operation takes longer."""
    if BACKEND != "jax":
        return function
    import jax

    return jax.jit(function)


def run(layer, *inputs, **kwargs):
    """What a built layer returns for these inputs and keywords, as an array or a tuple of them."""
    outputs = whole(lambda *tensors: layer(*tensors, **kwargs))(*inputs)
    return tuple(map(array, outputs)) if isinstance(outputs, tuple | list) else array(outputs)
