"""TF Serving's Classify API: `tf.train.Example`s in, the score of each class out.

It applies where one input gets one label. The feature of an example is the raw input where the
SavedModel takes one, such as `text`; else there is one for each of the model's tensors, without
padding and without what tells it (`lengths`).
"""

import numpy as np
import tensorflow as tf

CLASSIFY = "classify"
METHOD = "tensorflow/serving/classify"
# Kinds of the signature: of raw inputs, of tensors.
KINDS = ("classify", "classify_tensors")


def is_classifier(served):
    """Returns whether each input of a `ServedModel` gets one label, of which each has a name."""
    probabilities = (spec for spec in served.outputs if spec.name == "probabilities")
    return any(spec.shape[1:] == (len(served.labels),) for spec in probabilities)


def classes_and_scores(probabilities, labels):
    """Returns what the Classify API answers: `classes` and `scores`, both `(batch, classes)`."""
    classes = tf.tile(tf.constant(labels)[None], [tf.shape(probabilities)[0], 1])
    return {"classes": classes, "scores": probabilities}


def declare_method(folder):
    """Writes into a SavedModel that its signature answers the Classify API, not Predict."""
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(folder))
    updater.replace_method_name(CLASSIFY, METHOD)
    updater.save()


# === In the graph ===


def parse_raw(examples, name):
    """Returns the raw inputs `(batch,)` of serialised examples `(batch,)`."""
    return tf.io.parse_example(examples, {name: tf.io.FixedLenFeature([], tf.string)})[name]


def parse_tensors(examples, served):
    """Returns the model's tensors of serialised examples `(batch,)`, padded."""
    told = _told_by_length(served.task)
    specs = {spec.name: spec for spec in served.inputs if spec.name not in told}
    found = tf.io.parse_example(examples, {name: _feature(spec) for name, spec in specs.items()})
    unit = getattr(served.config, "steps_per_vector", 1)
    tensors = {}
    for name, value in found.items():
        _, *inner = specs[name].shape
        if isinstance(value, tf.RaggedTensor):
            dimension, *inner = inner
            steps = value.row_lengths() // int(np.prod(inner))
            rows = tf.RaggedTensor.from_row_lengths(tf.reshape(value.values, [-1, *inner]), steps)
            # As a client pads: to whole vectors of the encoder, and at least one.
            of = unit if dimension == "length" else 1
            width = tf.maximum(1, -(-tf.reduce_max(steps) // of)) * of
            shape = tf.stack([-1, width, *inner])
            value = rows.to_tensor(tf.cast(specs[name].padding, rows.dtype), shape=shape)
            value = tf.ensure_shape(value, [None, None, *inner])
            tensors |= {
                t: tf.cast(steps, tf.int32) for t, told_of in told.items() if told_of == dimension
            }
        tensors[name] = tf.cast(value, specs[name].dtype)
    return tensors


def _told_by_length(task):
    """Returns the dimension that each tensor of lengths tells of, by the tensor's name."""
    return dict(task.masks.values())


def _feature(spec):
    kind = tf.float32 if np.dtype(spec.dtype).kind == "f" else tf.int64
    if any(isinstance(size, str) for size in spec.shape[1:]):
        return tf.io.RaggedFeature(kind)
    return tf.io.FixedLenFeature(spec.shape[1:], kind)


# === In a client ===


def raw_examples(name, inputs):
    """Returns serialised examples `(batch,)` of raw inputs, texts or bytes."""
    return _serialised({name: value} for value in inputs)


def tensor_examples(inputs, task):
    """Returns serialised examples `(batch,)` of a dict of tensors, its padding left out."""
    return _serialised(tensor_features(inputs, task))


def tensor_features(inputs, task):
    """Returns the features of each row of a dict of tensors, as dicts of flat arrays."""
    told = _told_by_length(task)
    lengths = [inputs[name] for name in told if name in inputs]
    rows = range(len(next(iter(inputs.values()))))
    return [
        {
            name: (value[row][: lengths[0][row]] if lengths else value[row]).ravel()
            for name, value in inputs.items()
            if name not in told
        }
        for row in rows
    ]


def _serialised(rows):
    return np.array([_example(row).SerializeToString() for row in rows], object)


def _example(values):
    features = {name: _feature_of(value) for name, value in values.items()}
    return tf.train.Example(features=tf.train.Features(feature=features))


def _feature_of(value):
    if isinstance(value, str):
        value = value.encode("utf-8")
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    value = np.asarray(value)
    if value.dtype.kind == "f":
        return tf.train.Feature(float_list=tf.train.FloatList(value=value))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=value))
