"""The formats that models are exported to (imports nothing, for the command line)."""

FORMATS = ("savedmodel", "onnx")
# The one signature of a SavedModel that is the step of a stream.
STREAM_SIGNATURE = "serving_default"
# What attention, layer normalisation, GELU and dense layers become in an ONNX file: one operator
# each of ONNX Runtime, one of the ONNX standard of 2025, or the operators of their formulas, which
# any runtime has. And the oldest opset that each is written in.
OPSETS = {"fused": 18, "standard": 23, "decomposed": 18}
NEWEST_OPSET = 23
ATTENTION_KINDS = tuple(OPSETS)
# Of an ONNX file's weights.
PRECISIONS = ("float32", "float16", "int8")
# What `verify` may ask besides ONNX Runtime and TensorFlow in Python.
ENGINES = ("c_library", "onnxruntime_web", "openvino", "tfserving")
_BITS = (8, 16, 32, 64)
# NumPy's names of types -> those of the Open Inference Protocol.
DATATYPES = {
    "bool": "BOOL",
    **{f"{kind}{bits}": f"{kind.upper()}{bits}" for kind in ("int", "uint") for bits in _BITS},
    **{f"float{bits}": f"FP{bits}" for bits in _BITS[1:]},
}


def onnx_file(precision):
    """Returns the name of the ONNX file of a precision."""
    return "model.onnx" if precision == "float32" else f"model.{precision}.onnx"
