"""ONNX files of fewer bits, made of the float32 one."""

import tempfile
from pathlib import Path

from .quiet import quiet


def in_precision(model, precision):
    """Returns an ONNX model in another precision; what goes in and comes out stays float32.

    Args:
        model: `onnx.ModelProto` in float32.
        precision: One of `formats.PRECISIONS`.
    """
    return _CONVERSIONS[precision](model)


def _int8(model):
    """Quantises matrices and embeddings by channel; activations are quantised as they come."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder, quiet("root"):
        path = Path(folder) / "model.onnx"
        quantize_dynamic(
            model,
            path,
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(path)


_CONVERSIONS = {"float32": lambda model: model, "int8": _int8}
