"""Requests that TF Serving answers before it says that it is ready.

They are records of `tensorflow.serving.PredictionLog`.
"""

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from . import classification
from .classification import tensor_examples
from .samples import raw_feed, read_raw_samples, read_samples
from .serving_protos import PredictionLog

WARM_UP_FILE = "assets.extra/tf_serving_warmup_requests"
_MOST_SAMPLES = 8


def write_warm_up(folder, kinds, task, samples, model_name):
    """Writes some of an artefact's samples as warm-up requests of each signature.

    Args:
        folder: The SavedModel.
        kinds: Dict from the name of each signature to its kind, see `write_savedmodel`.
        task: The task, which names the raw input.
        samples: Folder of the samples.
        model_name: What the model is called in the requests.
    """
    path = folder / WARM_UP_FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, kind in kinds.items():
            for inputs in _requests(kind, task, samples):
                is_classify = kind in classification.KINDS
                record = _classify_record if is_classify else _predict_record
                writer.write(record(model_name, signature, inputs).SerializeToString())


def read_warm_up(folder):
    """Yields `(signature, inputs)` of each warm-up request of a SavedModel."""
    for record in tf.data.TFRecordDataset(str(folder / WARM_UP_FILE)).as_numpy_iterator():
        log = PredictionLog.FromString(record)
        if log.HasField("classify_log"):
            request = log.classify_log.request
            inputs = {"inputs": np.array(list(request.input.example_list.examples), object)}
        else:
            request = log.predict_log.request
            inputs = {
                entry.key: tf.make_ndarray(TensorProto.FromString(entry.value))
                for entry in request.inputs
            }
        yield request.model_spec.signature_name, inputs


def _requests(kind, task, samples):
    if kind in ("tensors", "classify_tensors"):
        every = list(read_samples(samples))
        chosen = [sample.inputs for sample in every[:: -(-len(every) // _MOST_SAMPLES)]]
        if kind == "tensors":
            return chosen
        return [{"inputs": tensor_examples(inputs, task)} for inputs in chosen]
    return [raw_feed(read_raw_samples(samples), kind, task.raw_input)]


def _predict_record(model_name, signature, inputs):
    log = PredictionLog()
    request = log.predict_log.request
    request.model_spec.name, request.model_spec.signature_name = model_name, signature
    for name, value in inputs.items():
        tensor = tf.make_tensor_proto(value).SerializeToString()
        request.inputs.add(key=name, value=tensor)
    return log


def _classify_record(model_name, signature, inputs):
    log = PredictionLog()
    request = log.classify_log.request
    request.model_spec.name, request.model_spec.signature_name = model_name, signature
    request.input.example_list.examples.extend(inputs["inputs"].tolist())
    return log
