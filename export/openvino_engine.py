"""An ONNX file in OpenVINO, a runtime that shares no code with ONNX Runtime."""

import importlib.util
import re


def why_not():
    """Returns why it cannot be run on this machine, None if it can."""
    if importlib.util.find_spec("openvino") is None:
        return "openvino is not installed (pip install openvino)"
    return None


class OpenVinoEngine:
    """An ONNX file in OpenVINO, on the CPU, in float32.

    Args:
        path: The file.
    """

    def __init__(self, path):
        import openvino

        core = openvino.Core()
        try:
            model = core.read_model(str(path))
        except RuntimeError as error:
            unknown = ", ".join(re.findall(r"^-- (\S+) with a message", str(error), re.MULTILINE))
            raise ValueError(
                f"OpenVINO cannot convert {unknown or path}; a file of standard operators "
                '(`attention="decomposed"`, `--attention decomposed`) may do'
            ) from error
        self._names = [output.any_name for output in model.outputs]
        # It would choose bfloat16 where the processor has that.
        self._model = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(self, inputs):
        """Returns the outputs as a dict of arrays."""
        answers = self._model(inputs)
        return {name: answers[index] for index, name in enumerate(self._names)}
