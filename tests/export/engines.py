"""Runtimes for exported files, and answers of the Keras model to compare them with."""

import numpy as np
import onnxruntime
import tensorflow as tf


class OnnxSession:
    """An ONNX file in ONNX Runtime."""

    def __init__(self, path, optimized=True):
        options = onnxruntime.SessionOptions()
        if not optimized:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]

    def run(self, tensors):
        """All outputs by name."""
        return dict(zip(self.names, self.session.run(self.names, tensors), strict=True))


def run_onnx(path, tensors, optimized=True):
    """All outputs of an ONNX file by name."""
    return OnnxSession(path, optimized).run(tensors)


class ServingSession:
    """A SavedModel in a TensorFlow 1 session, as TF Serving holds it."""

    def __init__(self, folder):
        graph = tf.Graph()
        with graph.as_default():
            self.session = tf.compat.v1.Session(graph=graph)
            loaded = tf.compat.v1.saved_model.load(self.session, ["serve"], str(folder))
        self.signatures = {
            name: signature
            for name, signature in loaded.signature_def.items()
            if name != "__saved_model_init_op"
        }

    def run(self, signature, tensors):
        """All outputs of a signature by name."""
        definition = self.signatures[signature]
        return self.session.run(
            {name: output.name for name, output in definition.outputs.items()},
            {definition.inputs[name].name: value for name, value in tensors.items()},
        )


def keras_answers(model, task, config, tensors):
    """The outputs of the Keras model itself, one row at a time; the masks are made by NumPy."""
    rows = len(next(iter(tensors.values())))
    return np.concatenate(
        [
            _one_row(model, task, config, {name: array[[row]] for name, array in tensors.items()})
            for row in range(rows)
        ]
    )


def _one_row(model, task, config, tensors):
    inputs = {name: array for name, array in tensors.items() if name in model.input}
    for mask, (lengths, dimension) in task.masks.items():
        spec = next(spec for spec in task.inputs(config) if dimension in spec.shape)
        size = tensors[spec.name].shape[spec.shape.index(dimension)]
        inputs[mask] = np.arange(size) < tensors[lengths][:, None]
    return np.asarray(model(inputs, training=False))


def softmax(logits):
    """Probabilities in float64."""
    exponentials = np.exp(logits.astype("float64") - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def fresh_tensors(task, config, lengths, seed):
    """Inputs that no sample of the artefact holds, their padding filled with anything.

    Lengths are those that the encoder sees, of speech in vectors.
    """
    lengths = np.asarray(lengths) * getattr(config, "steps_per_vector", 1)
    longest = max(getattr(config, "steps_per_vector", 1), *lengths)
    clean = task.sample(config, lengths, seed=1000 + seed, length=longest)
    return task.fill_padding(config, clean, np.random.default_rng(seed))
