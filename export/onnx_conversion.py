"""The ONNX file: our own names and dimensions, and an error where tf2onnx would only log one."""

import contextlib
import json
import logging
import re
from collections import Counter

import numpy as np

from ..layers import FeatureNormalization, LogMelSpectrogram
from .formats import ATTENTION_KINDS, NEWEST_OPSET, OPSETS, PRECISIONS
from .large_models import large_weights, save
from .lowering import OPERATOR_HANDLERS, OPERATOR_SETS, STANDARD, lowered
from .precision import in_precision
from .quiet import quiet_tensorflow
from .served_model import traced

# The newest that tf2onnx writes.
TF2ONNX_OPSET = 18
# What computes with numbers that half precision does not hold: powers of a spectrum, and sums over
# all of a recording.
_EXACT_LAYERS = (LogMelSpectrogram, FeatureNormalization)
# What is smaller is not counted as a constant.
_LARGE = 1024


def write_onnx(served, path, attention="fused", precision="float32", opset=None):
    """Converts a model and writes the file, its inputs and outputs named as the task names them.

    Args:
        served: `ServedModel`.
        path: The file to write.
        attention: One of `formats.ATTENTION_KINDS`. Defaults to `"fused"`.
        precision: One of `formats.PRECISIONS`. Defaults to `"float32"`.
        opset: Version of the ONNX operators. Defaults to None: the oldest that has them, 18, and 23
            of `"standard"` attention.

    Returns:
        What is known of it, JSON-like: `constant_bytes`, how many bytes are constants of the model,
        such as the waves of a spectrum: large tensors that are no weights; `fused`, how many of
        each fused operator it must hold; `decomposed`, what has no operator of its own; `others`,
        the layers with weights that are not looked at, such as convolutions; `data`, the name of
        the file beside it that the weights are in, of a model that is too large for one file.

    Raises:
        ValueError: If `attention` or `precision` is unknown, `opset` does not have the operators,
            or an operator has no ONNX form.
    """
    import onnx

    opset = OPSETS.get(attention) if opset is None else opset
    _check_options(attention, precision, opset)
    weights = large_weights(served.model)
    fused = attention != "decomposed"
    with (
        lowered(served.model, attention == "standard") if fused else contextlib.nullcontext()
    ) as lowering:
        model = _convert(served, weights)
    model = _in_opset(model, opset)
    operators = Counter(node.op_type for node in model.graph.node)
    constant_bytes = _constant_bytes(model.graph.initializer, served.model.variables)
    exact_nodes = _nodes_of(_EXACT_LAYERS, model.graph, served.model)
    model = in_precision(model, precision, weights, exact_nodes)
    _name_dimensions(model.graph.input, served.inputs)
    _name_dimensions(model.graph.output, served.outputs)
    _order(model.graph.input, served.inputs)
    _order(model.graph.output, served.outputs)
    del model.graph.value_info[:]  # What converters inferred, more than small models weigh.
    model.producer_name = "attnzoo"
    onnx.helper.set_model_props(
        model,
        {
            "architecture": served.architecture,
            "task": served.task.name,
            "labels": json.dumps(served.labels, ensure_ascii=False),
        },
    )
    data = save(model, path)
    return {
        "attention": attention,
        "precision": precision,
        "opset": opset,
        "constant_bytes": constant_bytes,
        # Fewer than were called where tf2onnx merges what a layer is asked twice.
        "fused": {name: operators[name] for name in sorted(lowering.fused)} if fused else {},
        "decomposed": dict(sorted(lowering.decomposed.items())) if fused else {},
        "others": dict(sorted(lowering.others.items())) if fused else {},
        **({} if data is None else {"data": data.name}),
    }


def _check_options(attention, precision, opset):
    for argument, value, known in (
        ("attention", attention, ATTENTION_KINDS),
        ("precision", precision, PRECISIONS),
    ):
        if value not in known:
            raise ValueError(
                f"Received an invalid value for argument `{argument}`, expected one of {known}. "
                f"Received: {argument}={value!r}"
            )
    if opset not in range(OPSETS[attention], NEWEST_OPSET + 1):
        raise ValueError(
            f"Received an invalid value for argument `opset`, expected {OPSETS[attention]} to "
            f"{NEWEST_OPSET} with attention={attention!r}. Received: opset={opset!r}"
        )


def _constant_bytes(initializers, variables):
    """Returns the bytes of what is stored and holds the values of no variable, in any order."""
    import onnx

    large = [value for value in initializers if value.ByteSize() > _LARGE]
    sizes = {int(np.prod(value.dims)) for value in large}
    arrays = (np.asarray(variable) for variable in variables)
    weights = {_values(array) for array in arrays if array.size in sizes}
    return sum(
        value.ByteSize()
        for value in large
        if _values(onnx.numpy_helper.to_array(value)) not in weights
    )


def _values(array):
    """Returns what tells an array's values apart, whatever its shape: a transpose has the same."""
    return np.sort(array, axis=None).tobytes()


def _convert(served, weights):
    tf2onnx = _import_tf2onnx()
    concrete = traced(served, weights)
    with quiet_tensorflow(), _errors_of("tf2onnx") as errors:
        model, _ = tf2onnx.convert.from_function(
            _AlreadyTraced(concrete),
            input_signature=[],
            opset=TF2ONNX_OPSET,
            custom_op_handlers=OPERATOR_HANDLERS,
        )
    if errors:
        raise ValueError(
            "Expected every operator of the model to have an ONNX form; a layer of your own may "
            f"need other operators. Received{_with_its_layer(errors, served.model)} from tf2onnx: "
            f"{' | '.join(errors)}"
        )
    # Told of them earlier, tf2onnx would also take them for what ONNX has operators for.
    domains = {node.domain for node in model.graph.node}
    model.opset_import.extend(opset for opset in OPERATOR_SETS if opset.domain in domains)
    return model


def _with_its_layer(errors, model):
    """Returns words that name the layer of an operator without an ONNX form, or none."""
    layers = _layers_by_name(model)
    for error in errors:
        found = re.match(r"Tensorflow op \[(?P<name>[^:]+): ", error)
        for layer in reversed(_layers_of(found["name"], layers) if found else []):
            return f" of layer {layer.name!r}, a {type(layer).__name__},"
    return ""


def _nodes_of(classes, graph, model):
    """Returns the names of the nodes that layers of some classes became."""
    layers = _layers_by_name(model)
    return [
        node.name
        for node in graph.node
        if any(isinstance(layer, classes) for layer in _layers_of(node.name, layers))
    ]


def _layers_of(operator, layers):
    """Returns the layers that an operator is of, the innermost last.

    Its name is a path of the names of layers, which may have a number more, and its own.
    """
    names = operator.split("/")[:-1]
    known = (name if name in layers else re.sub(r"_\d+$", "", name) for name in names)
    return [layers[name] for name in known if name in layers]


def _layers_by_name(model):
    return {layer.name: layer for layer in model._flatten_layers(include_self=False)}


def _in_opset(model, opset):
    """Returns a model of the opset that tf2onnx writes in a newer one."""
    import onnx

    if opset == TF2ONNX_OPSET:
        return model
    model = onnx.version_converter.convert_version(model, opset)
    for node in model.graph.node:
        if node.domain == STANDARD:
            node.domain = ""
    known = [operators for operators in model.opset_import if operators.domain != STANDARD]
    del model.opset_import[:]
    model.opset_import.extend(known)
    needed = onnx.helper.find_min_ir_version_for(model.opset_import, ignore_unknown=True)
    model.ir_version = max(model.ir_version, needed)
    return model


class _AlreadyTraced:
    """What `from_function` wants of a `tf.function`: tracing anew would lose the names."""

    def __init__(self, concrete):
        self._concrete = concrete

    def get_concrete_function(self, *_):
        return self._concrete


def _import_tf2onnx():
    """Imports tf2onnx 1.17, which needs two mends under NumPy 2."""
    if "object" not in vars(np):
        np.object = object
    from keras.src.export.tf2onnx_lib import patch_tf2onnx

    patch_tf2onnx()
    import tf2onnx

    return tf2onnx


@contextlib.contextmanager
def _errors_of(logger_name):
    """Collects what a logger reports as an error, and keeps the rest of its talk off the screen."""
    messages = []

    class Collector(logging.Handler):
        def emit(self, record):
            if record.levelno >= logging.ERROR:
                messages.append(record.getMessage())

    logger, collector = logging.getLogger(logger_name), Collector()
    propagate, handlers, level = logger.propagate, logger.handlers, logger.level
    logger.propagate, logger.handlers = False, [collector]
    logger.setLevel(logging.ERROR)
    try:
        yield messages
    finally:
        logger.propagate, logger.handlers = propagate, handlers
        logger.setLevel(level)


def _name_dimensions(values, specs):
    shapes = {spec.name: spec.shape for spec in specs}
    for value in values:
        dimensions = value.type.tensor_type.shape.dim
        for dimension, size in zip(dimensions, shapes[value.name], strict=True):
            dimension.Clear()
            if isinstance(size, str):
                dimension.dim_param = size
            else:
                dimension.dim_value = size


def _order(values, specs):
    by_name = {value.name: value for value in values}
    ordered = [by_name[spec.name] for spec in specs]
    del values[:]
    values.extend(ordered)
