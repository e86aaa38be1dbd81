"""The formats that models are exported to (imports nothing, for the command line)."""

FORMATS = ("savedmodel", "onnx")
# The one signature of a SavedModel that is the step of a stream.
STREAM_SIGNATURE = "serving_default"
