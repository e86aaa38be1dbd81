"""The formats that models are exported to (imports nothing, for the command line)."""

FORMATS = ("savedmodel", "onnx")
