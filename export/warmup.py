"""Requests that TF Serving answers before it says that it is ready.

They are records of `tensorflow.serving.PredictionLog`, whose few fields are declared here: the
package that has them pulls a server's dependencies.
"""

import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework.tensor_pb2 import TensorProto

from .samples import raw_feed, read_raw_samples, read_samples

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
                writer.write(_record(model_name, signature, inputs))


def read_warm_up(folder):
    """Yields `(signature, inputs)` of each warm-up request of a SavedModel."""
    for record in tf.data.TFRecordDataset(str(folder / WARM_UP_FILE)).as_numpy_iterator():
        request = _PredictionLog.FromString(record).predict_log.request
        inputs = {
            entry.key: tf.make_ndarray(TensorProto.FromString(entry.value))
            for entry in request.inputs
        }
        yield request.model_spec.signature_name, inputs


def _requests(kind, task, samples):
    if kind == "tensors":
        every = list(read_samples(samples))
        chosen = every[:: -(-len(every) // _MOST_SAMPLES)]
        return [sample.inputs for sample in chosen]
    return [raw_feed(read_raw_samples(samples), kind, task.raw_input)]


def _record(model_name, signature, inputs):
    log = _PredictionLog()
    request = log.predict_log.request
    request.model_spec.name, request.model_spec.signature_name = model_name, signature
    for name, value in inputs.items():
        tensor = tf.make_tensor_proto(value).SerializeToString()
        request.inputs.add(key=name, value=tensor)
    return log.SerializeToString()


def _prediction_log():
    """Returns the class of such messages, with their fields' numbers in TF Serving's protos.

    A tensor is its bytes, which on the wire are the same as the message.
    """
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="warm_up.proto", package="attnzoo")
    for message, fields in {
        "ModelSpec": [("name", 1, field.TYPE_STRING), ("signature_name", 3, field.TYPE_STRING)],
        "Input": [("key", 1, field.TYPE_STRING), ("value", 2, field.TYPE_BYTES)],
        "PredictRequest": [("model_spec", 1, "ModelSpec"), ("inputs", 2, "Input")],
        "PredictLog": [("request", 1, "PredictRequest")],
        "PredictionLog": [("predict_log", 6, "PredictLog")],
    }.items():
        declared = file.message_type.add(name=message)
        for name, number, kind in fields:
            repeated = name == "inputs"
            added = declared.field.add(
                name=name,
                number=number,
                label=field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL,
            )
            if isinstance(kind, str):
                added.type, added.type_name = field.TYPE_MESSAGE, f".attnzoo.{kind}"
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("attnzoo.PredictionLog"))


_PredictionLog = _prediction_log()
