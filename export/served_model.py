"""A zoo model as an artefact sees it: tensors that a server can send in, named tensors out."""

import json
import re

import keras
import tensorflow as tf

from ..zoo import Pipeline, config_of
from ..zoo.builder import architecture_of, rebuild
from ..zoo.registry import get_architecture
from ..zoo.tasks import get_task


class ServedModel:
    """A float32 copy of a model, from the task's tensors to the task's outputs.

    Keras models take a `padding_mask`; an artefact takes `lengths`, and the mask is derived here.
    A softmax that the model may end in is left out, so that `logits` are logits.

    Args:
        model: A model of `zoo.build` or `zoo.load`, in any precision, or a `zoo.Pipeline`.

    Attributes:
        preprocessor: The pipeline's, or None for a bare model.
        labels: Names of the classes; their indices as strings for a bare model.

    Raises:
        ValueError: If the model is not of the zoo, or Keras does not run on TensorFlow.
    """

    def __init__(self, model):
        check_backend()
        pipeline = model if isinstance(model, Pipeline) else None
        model = model if pipeline is None else pipeline.model
        self.architecture = architecture_of(model)
        self.task = get_task(get_architecture(self.architecture).task)
        self.model = _in_float32(model)
        self.config = config_of(self.model)
        self.preprocessor = None if pipeline is None else pipeline.preprocessor
        self.training = {} if pipeline is None else pipeline.training
        self.labels = (
            [str(index) for index in range(self.config.num_classes)]
            if pipeline is None
            else pipeline.labels
        )
        self.inputs = self.task.inputs(self.config)
        self.outputs = self.task.outputs(self.config)

    def __call__(self, tensors):
        """Returns the task's outputs for a dict of its inputs, as a dict by name."""
        result = self.model(self.model_inputs(tensors), training=False)
        return answers_of(result, [spec.name for spec in self.outputs])

    def model_inputs(self, tensors):
        """Returns the inputs of the Keras model, with the masks derived from the lengths."""
        tensors = {name: tf.convert_to_tensor(value) for name, value in tensors.items()}
        inputs = {name: tensors[name] for name in self.model.input if name in tensors}
        for mask, (lengths, dimension) in self.task.masks.items():
            if mask in self.model.input:
                size = _dimension(self.inputs, tensors, dimension)
                inputs[mask] = sequence_mask(tensors[lengths], size)
        return inputs

    def fingerprint_parts(self):
        """Returns the texts that, with the weights, make the model answer as it does."""
        parts = [self.architecture, json.dumps(self.config.to_dict()), json.dumps(self.labels)]
        return parts if self.preprocessor is None else [*parts, self.preprocessor.description()]

    def signature(self):
        """Returns the `tf.TensorSpec` of each input, by name."""
        return {spec.name: tensor_spec(spec) for spec in self.inputs}


def traced(served, weights=()):
    """Returns a served model as a `tf.function` of named tensors, traced once.

    Args:
        served: `ServedModel`, or another of the same form.
        weights: Dict from a name to a variable of the model, which is a tensor that goes in by that
            name. Defaults to `()`.

    Raises:
        ValueError: If a layer computes what cannot be in a graph; it is named.
    """

    # A dict argument would lose its keys' names in the signature: keyword arguments keep them.
    @tf.function(autograph=False)
    def tensors_to_outputs(**tensors):
        if not weights:
            return served(tensors)
        given = [(variable, tensors.pop(name)) for name, variable in weights.items()]
        with keras.StatelessScope(given):
            return served(tensors)

    specs = {
        name: tf.TensorSpec(variable.shape, variable.dtype, name)
        for name, variable in dict(weights).items()
    }
    try:
        return tensors_to_outputs.get_concrete_function(**served.signature(), **specs)
    except Exception as error:
        if _KERAS_ERROR.match(str(error)) is None:
            raise
        raise ValueError(
            "Expected layers that TensorFlow can trace into a graph, not such that compute in "
            f"Python. Received: {reason_of(error)}"
        ) from error


# How Keras says which layer raised what.
_KERAS_ERROR = re.compile(
    r"Exception encountered when calling (?P<layer>\w+)\.call\(\)\.\s+(?:\x1b\[1m)?(?P<reason>.*)"
)


def reason_of(error):
    """Returns in one line what went wrong in a call, and in which layer if Keras says it."""
    found = _KERAS_ERROR.match(str(error))
    if found is None:
        return (str(error) or repr(error)).splitlines()[0]
    reason = found["reason"].removesuffix("\x1b[0m")
    return f"a layer {found['layer']}, whose call raises: {reason}"


def check_backend():
    """Raises a ValueError unless Keras runs on TensorFlow, which traces what is exported."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Expected Keras to run on TensorFlow for an export; save the pipeline and export "
            "it in a process with KERAS_BACKEND=tensorflow. "
            f"Received: backend {keras.backend.backend()!r}"
        )


def answers_of(result, names):
    """Returns the outputs of these names that a model's result means.

    Args:
        result: Logits, their classes last; or the vectors of a backbone.
        names: Some of `"logits"`, `"probabilities"` and `"label"`; or `"embedding"` alone.
    """
    if names == ["embedding"]:
        return {"embedding": result}
    answers = {
        "logits": lambda: result,
        "probabilities": lambda: tf.nn.softmax(result),
        "label": lambda: tf.argmax(result, axis=-1),
    }
    return {name: answers[name]() for name in names}


def _in_float32(model):
    has_activation = hasattr(config_of(model), "classifier_activation")
    logits = {"classifier_activation": None} if has_activation else {}
    return rebuild(model, dtype="float32", **logits)


def tensor_spec(spec):
    """Returns the `tf.TensorSpec` of a `TensorSpec`."""
    shape = [None if isinstance(size, str) else size for size in spec.shape]
    return tf.TensorSpec(shape, spec.dtype, name=spec.name)


def sequence_mask(lengths, size):
    """Returns `tf.sequence_mask(lengths, size)`, made of fewer operators in ONNX.

    Args:
        lengths: int32 `(batch,)`.
        size: Number of places, int32.
    """
    return tf.range(size) < tf.expand_dims(lengths, -1)


def _dimension(specs, tensors, dimension):
    """Returns the size of a dynamic dimension, read from the first input that has it."""
    spec = next(spec for spec in specs if dimension in spec.shape)
    return tf.shape(tensors[spec.name])[spec.shape.index(dimension)]
