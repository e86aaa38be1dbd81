"""The few messages of TF Serving that are needed here, declared by their fields' numbers.

The package that has them all (tensorflow-serving-api) pulls a server's dependencies. A tensor and a
`tf.train.Example` are their bytes, which on the wire are the same as the message.

Source: tensorflow_serving/apis/{model,predict,classification,input,prediction_log}.proto.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_STRING, _BYTES = _Field.TYPE_STRING, _Field.TYPE_BYTES
_FLOAT, _INT64 = _Field.TYPE_FLOAT, _Field.TYPE_INT64

# Message -> its fields: name, number, type; "*" before a name: there may be several.
_MESSAGES = {
    "Int64Value": [("value", 1, _INT64)],
    "ModelSpec": [
        ("name", 1, _STRING),
        ("version", 2, "Int64Value"),
        ("signature_name", 3, _STRING),
    ],
    "Named": [("key", 1, _STRING), ("value", 2, _BYTES)],  # An entry of a map of tensors.
    "PredictRequest": [("model_spec", 1, "ModelSpec"), ("*inputs", 2, "Named")],
    "PredictResponse": [("*outputs", 1, "Named"), ("model_spec", 2, "ModelSpec")],
    "ExampleList": [("*examples", 1, _BYTES)],
    "Input": [("example_list", 1, "ExampleList")],
    "ClassificationRequest": [("model_spec", 1, "ModelSpec"), ("input", 2, "Input")],
    "Class": [("label", 1, _STRING), ("score", 2, _FLOAT)],
    "Classifications": [("*classes", 1, "Class")],
    "ClassificationResult": [("*classifications", 1, "Classifications")],
    "ClassificationResponse": [
        ("result", 1, "ClassificationResult"),
        ("model_spec", 2, "ModelSpec"),
    ],
    "PredictLog": [("request", 1, "PredictRequest")],
    "ClassifyLog": [("request", 1, "ClassificationRequest")],
    "PredictionLog": [("classify_log", 2, "ClassifyLog"), ("predict_log", 6, "PredictLog")],
}


def _message_classes():
    file = descriptor_pb2.FileDescriptorProto(name="attnzoo_serving.proto", package="attnzoo")
    for message, fields in _MESSAGES.items():
        declared = file.message_type.add(name=message)
        for name, number, kind in fields:
            several = name.startswith("*")
            added = declared.field.add(
                name=name.removeprefix("*"),
                number=number,
                label=_Field.LABEL_REPEATED if several else _Field.LABEL_OPTIONAL,
            )
            if isinstance(kind, str):
                added.type, added.type_name = _Field.TYPE_MESSAGE, f".attnzoo.{kind}"
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"attnzoo.{name}"))
        for name in _MESSAGES
    }


_CLASSES = _message_classes()
ClassificationRequest = _CLASSES["ClassificationRequest"]
ClassificationResponse = _CLASSES["ClassificationResponse"]
PredictRequest = _CLASSES["PredictRequest"]
PredictResponse = _CLASSES["PredictResponse"]
PredictionLog = _CLASSES["PredictionLog"]
