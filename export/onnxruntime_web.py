"""An ONNX file in onnxruntime-web, the WebAssembly that runs it in a browser, here by Node.js."""

import base64
import contextlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np

_RUNNER = Path(__file__).with_name("onnxruntime_web_runner.cjs")
_FIND = "require.resolve('onnxruntime-web', {paths: [process.cwd()]})"


def why_not():
    """Returns why it cannot be run on this machine, None if it can."""
    if shutil.which("node") is None:
        return "Node.js is not installed"
    if subprocess.run(["node", "-e", _FIND], capture_output=True).returncode:
        return "onnxruntime-web is not installed here (npm install onnxruntime-web)"
    return None


class OnnxRuntimeWeb(contextlib.AbstractContextManager):
    """An ONNX file in a process of Node.js, which ends with the context.

    The package is looked for where Node.js looks: in `node_modules` of the current folder and of
    those above, and in `NODE_PATH`.

    Args:
        path: The file.
    """

    def __init__(self, path):
        self._process = subprocess.Popen(
            ["node", str(_RUNNER), str(Path(path).absolute())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    def run(self, inputs):
        """Returns the outputs as a dict of arrays.

        Raises:
            RuntimeError: If the file cannot be loaded or run; the message is the runtime's.
        """
        request = json.dumps({name: _encoded(value) for name, value in inputs.items()})
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(request.encode() + b"\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            said = self._process.stderr.read().decode(errors="replace").rpartition("failed: ")[2]
            why = said.strip() or f"exit code {self._process.wait()}"
            raise RuntimeError(f"onnxruntime-web: {why.splitlines()[0]}")
        return {name: _decoded(value) for name, value in json.loads(answer).items()}


def _encoded(value):
    value = np.asarray(value)
    data = base64.b64encode(value.astype(value.dtype.newbyteorder("<")).tobytes()).decode()
    return {"type": value.dtype.name, "dims": value.shape, "data": data}


def _decoded(tensor):
    dtype = np.dtype(tensor["type"]).newbyteorder("<")
    return np.frombuffer(base64.b64decode(tensor["data"]), dtype).reshape(tensor["dims"])
