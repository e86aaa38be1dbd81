"""Weights beyond what one ONNX file holds: apart from its graph, in a file beside it.

TensorFlow's graphs and ONNX files are messages of protobuf, which end at 2 GB. So large weights are
inputs of the graph until all conversions are done.
"""

import numpy as np

# Above this, weights are in a file of their own.
LARGEST_BYTES = 1_500_000_000
# What is smaller stays in the graph, where converters look into it.
_LEAST_BYTES = 1024
DATA_SUFFIX = ".data"
# Of the names that they have as inputs, unlike those of inputs that a model has.
_PREFIX = "attnzoo_weight_"


def large_weights(model):
    """Returns the weights of a model that are not to be in its graph, by the name of an input.

    They are none of a model that one file holds.
    """
    if 4 * model.count_params() <= LARGEST_BYTES:
        return {}
    large = (
        variable
        for variable in model.variables
        if variable.dtype == "float32" and 4 * np.prod(variable.shape) > _LEAST_BYTES
    )
    return {f"{_PREFIX}{number}": variable for number, variable in enumerate(large)}


def put_in(model, weights):
    """Makes the inputs of an ONNX model that stand for weights constants, in the inputs' dtype.

    Args:
        model: `onnx.ModelProto`.
        weights: What `large_weights` returned.
    """
    import onnx

    inputs = [value for value in model.graph.input if value.name not in weights]
    for value in model.graph.input:
        if value.name in weights:
            dtype = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
            array = np.asarray(weights[value.name]).astype(dtype, copy=False)
            model.graph.initializer.append(onnx.numpy_helper.from_array(array, value.name))
    del model.graph.input[:]
    model.graph.input.extend(inputs)


def save(model, path):
    """Writes an ONNX model, its weights into a file beside it if they are too many for one.

    Returns:
        The path of that file, or None.
    """
    import onnx

    size = sum(len(value.raw_data) for value in model.graph.initializer)
    if size <= LARGEST_BYTES:
        onnx.save(model, path)
        return None
    data = path.with_name(path.name + DATA_SUFFIX)
    onnx.save(
        model,
        path,
        save_as_external_data=True,
        location=data.name,
        size_threshold=_LEAST_BYTES,
    )
    return data
