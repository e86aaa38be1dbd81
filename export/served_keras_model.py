"""A user's own Keras model as an artefact sees it: its tensors under its own names."""

import json
import re

import keras
import tensorflow as tf

from ..zoo.tasks import get_task
from ..zoo.tasks.tensors import TensorsConfig, dynamic_dimensions
from .served_model import check_backend, reason_of, tensor_spec

# Sizes of dynamic dimensions that exports are verified with, as far as the model takes them.
_LENGTHS = (1, 2, 7, 16, 128)
# Two sizes that tell whose sizes the outputs have; what is too short or too long for one model need
# not be for another.
_PROBES = ((8, 14), (2, 3), (64, 80))
_BATCHES = (5, 7)


class ServedKerasModel:
    """A Keras model in float32, Functional or Sequential, from named tensors to named tensors.

    Names are those of the Keras inputs and of the layers that the outputs come from, or the keys of
    dicts. Which dynamic dimensions are one, and go into the outputs, is found by asking the model.

    Args:
        model: The model.

    Raises:
        ValueError: If it declares no inputs or some that ONNX and TF Serving have no arrays of, if
            it raises whatever it is given, or if Keras does not run on TensorFlow.
    """

    preprocessor = None

    def __init__(self, model):
        check_backend()
        self.task = get_task("tensors")
        graph = _graph_of(model)
        self.architecture = _identifier(model.name)
        self.training, self.labels = {}, []
        self._structure = graph.input
        self._inputs = _named(graph.input, _input_name)
        self._outputs = _named(
            graph.output, lambda tensor: tensor._keras_history.operation.name, taken=self._inputs
        )
        self.model = _in_float32(model)
        self.config = self._described(_bounds(graph, self._inputs))
        self.inputs = self.task.inputs(self.config)
        self.outputs = self.task.outputs(self.config)

    def __call__(self, tensors):
        """Returns the model's outputs for a dict of its inputs, as a dict by name."""
        values = [tf.convert_to_tensor(tensors[name]) for name in self._inputs]
        inputs = keras.tree.pack_sequence_as(self._structure, values)
        results = keras.tree.flatten(self.model(inputs, training=False))
        return dict(zip(self._outputs, results, strict=True))

    def fingerprint_parts(self):
        """Returns the texts that, with the weights, make the model answer as it does."""
        try:
            layers = self.model.to_json()
        except Exception:  # Of layers that were never meant to be saved, what they are is unknown.
            layers = ""
        return [self.architecture, json.dumps(self.config.to_dict()), layers]

    def signature(self):
        """Returns the `tf.TensorSpec` of each input, by name."""
        return {spec.name: tensor_spec(spec) for spec in self.inputs}

    def _described(self, bounds):
        """Returns the `TensorsConfig` of the model."""
        error = None
        for axes_are_one in (False, True):
            inputs = _input_specs(self._inputs, axes_are_one)
            for sizes in _PROBES:
                config = TensorsConfig(inputs, [], bounds, list(sizes))
                try:
                    answers = [
                        self(self.task.sample(config, [size] * batch))
                        for batch, size in zip(_BATCHES, sizes, strict=True)
                    ]
                except Exception as raised:
                    error = raised
                    continue
                outputs = _output_specs(inputs, sizes, *answers)
                lengths = [length for length in _LENGTHS if self._takes(config, length)]
                return TensorsConfig(inputs, outputs, bounds, lengths or list(sizes))
        raise ValueError(
            "Expected a model that answers random inputs, which exports are verified by. Received: "
            f"{self.model.name!r}, which raises: {reason_of(error)}"
        ) from error

    def _takes(self, config, length):
        if not dynamic_dimensions(config.inputs):
            return length == _LENGTHS[0]
        try:
            self(self.task.sample(config, [length] * 2))
        except Exception:  # Whatever a layer raises where its input is too short or too long.
            return False
        return True


def _graph_of(model):
    """Returns the Functional model that knows the inputs and outputs of a model."""
    graph = getattr(model, "_functional", None) or model  # Of a Sequential one.
    if not isinstance(model, keras.Model) or not hasattr(graph, "operations"):
        raise ValueError(
            "Expected a `zoo.Pipeline`, or a Functional or Sequential Keras model whose inputs are "
            f"known (`keras.Input`), to export. Received: {type(model).__name__}"
        )
    return graph


def _identifier(name):
    """Returns what folders, signatures and ONNX files can be called of a name."""
    return re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "model"


def _input_name(tensor):
    """Returns the name of a Keras input, `inputs` for one that Keras numbered itself."""
    return re.sub(r"^keras_tensor(_\d+)?$", "inputs", tensor.name)


def _named(structure, name_of, taken=()):
    """Returns the tensors of a structure by name: a dict's key, or else what `name_of` says."""
    named = {}
    for path, tensor in keras.tree.flatten_with_path(structure):
        name = path[-1] if path and isinstance(path[-1], str) else name_of(tensor)
        first = name = _identifier(name)
        count = 1
        while name in named or name in taken:
            name = f"{first}_{count}"
            count += 1
        named[name] = tensor
    return named


def _input_specs(nodes, axes_are_one):
    """Returns the `TensorSpec`s of inputs, as dicts, with names for their dynamic dimensions.

    Args:
        nodes: Dict from the name of each input to its `KerasTensor`.
        axes_are_one: Whether the dynamic dimensions of one axis are one in all inputs.
    """
    specs = []
    for name, node in nodes.items():
        if node.dtype == "string" or node.sparse or node.ragged:
            raise ValueError(
                "Expected inputs that are dense arrays of numbers or booleans. "
                f"Received: {name!r}, {node!r}"
            )
        shape = [
            size or ("batch" if not axis else f"{'axis' if axes_are_one else name}_{axis}")
            for axis, size in enumerate(node.shape)
        ]
        dtype = "float32" if "float" in node.dtype else node.dtype
        specs.append({"name": name, "dtype": dtype, "shape": shape, "description": ""})
    dynamic = dynamic_dimensions(specs)
    if len(dynamic) == 1:
        for spec in specs:
            spec["shape"] = ["length" if size == dynamic[0] else size for size in spec["shape"]]
    return specs


def _output_specs(inputs, sizes, first, second):
    """Returns the `TensorSpec`s of outputs, as dicts.

    Args:
        inputs: Those of the inputs.
        sizes: Of the first dynamic dimension in two questions.
        first: The answer to the first, a dict from the name of each output to its tensor.
        second: The answer to the second.
    """
    has_batch = any("batch" in spec["shape"] for spec in inputs)
    names = {_BATCHES: "batch"} if has_batch else {}
    for place, name in enumerate(dynamic_dimensions(inputs)):
        names[sizes[0] + place, sizes[1] + place] = name
    specs = []
    for output, answer in first.items():
        pairs = enumerate(zip(answer.shape, second[output].shape, strict=True))
        shape = [
            one if one == other else names.get((one, other), f"{output}_{axis}")
            for axis, (one, other) in pairs
        ]
        specs.append(
            {"name": output, "dtype": answer.dtype.name, "shape": shape, "description": ""}
        )
    return specs


def _bounds(graph, nodes):
    """Returns what the integers of each input must stay below, so that tables have them."""
    layers = graph._flatten_layers()
    tables = [layer for layer in layers if isinstance(layer, keras.layers.Embedding)]
    least = min((table.input_dim for table in tables), default=None)
    bounds = {}
    for name, node in nodes.items():
        if "int" in node.dtype:
            own = [
                table.input_dim
                for table in tables
                if any(
                    node is tensor for call in table._inbound_nodes for tensor in call.input_tensors
                )
            ]
            bounds[name] = min(own, default=least or (256 if node.dtype == "uint8" else 2))
    return bounds


def _in_float32(model):
    """Returns the model, or a copy that computes in float32 where it does not."""
    layers = model._flatten_layers(include_self=False)
    if not any(layer.compute_dtype in _OTHER_FLOATS for layer in layers):
        return model
    classes = {type(layer).__name__: type(layer) for layer in layers}
    copy = type(model).from_config(_in_float32_too(model.get_config()), custom_objects=classes)
    copy.set_weights(model.get_weights())
    return copy


# What is not exported: dtypes, and Keras's policies that name them.
_OTHER_FLOATS = ("float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16")


def _in_float32_too(config):
    """Returns a configuration whose dtypes of other floating-point numbers are float32.

    Those of the inputs of models inside count too, to which Keras casts what goes in.
    """
    if isinstance(config, list | tuple):
        return type(config)(map(_in_float32_too, config))
    if not isinstance(config, dict):
        return config
    changed = {key: _in_float32_too(value) for key, value in config.items()}
    dtype = changed.get("dtype")
    name = dtype.get("config", {}).get("name") if isinstance(dtype, dict) else dtype
    return {**changed, "dtype": "float32"} if name in _OTHER_FLOATS else changed
