"""How a server of the Open Inference Protocol is started for an ONNX file of an artefact.

The server is MLServer. It may live in an interpreter of its own, as its pins (protobuf, FastAPI)
change too often to be anyone's dependency.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from .artefact import find
from .formats import DATATYPES

PYTHON_VARIABLE = "ATTNZOO_MLSERVER_PYTHON"
HOST = "127.0.0.1"
PORT = 8080
_PROGRAM = Path(__file__).with_name("mlserver_program")


def server_command(path, host=HOST, port=PORT, grpc_port=None, python=None):
    """Returns the command that serves an ONNX file until it is interrupted.

    Args:
        path: The artefact's folder, or one of its ONNX files, such as `"dist/onnx/model.onnx"`.
        host: Address to listen at. Defaults to this machine alone.
        port: Port of HTTP. Defaults to 8080.
        grpc_port: Port of gRPC. Defaults to None, the next one.
        python: Interpreter that has MLServer and ONNX Runtime. Defaults to None: that of the
            environment variable `ATTNZOO_MLSERVER_PYTHON`, else this one.

    Returns:
        List of strings.

    Raises:
        FileNotFoundError: If there is no artefact, or no such variant in it.
        ValueError: If the variant is no ONNX file of whole inputs.
        ImportError: If the interpreter lacks MLServer.
        OSError: If a port is taken.
    """
    artefact, name = find(path)
    if artefact.variants[name]["format"] != "onnx":
        raise ValueError(
            "Expected an ONNX file, which MLServer serves; for a SavedModel start TF Serving: "
            f"docker compose -f {artefact.path / 'serving' / 'docker-compose.yaml'} up. "
            f"Received: {name}"
        )
    python = python or os.environ.get(PYTHON_VARIABLE) or sys.executable
    _check_has_mlserver(python)
    grpc_port = port + 1 if grpc_port is None else grpc_port
    for wanted in (port, grpc_port):
        _check_is_free(host, wanted)
    inputs, outputs = artefact.tensors(name)
    arguments = {
        "name": artefact.manifest["architecture"],
        "file": str(artefact.path / name),
        "inputs": [_metadata(spec) for spec in inputs],
        "outputs": [_metadata(spec) for spec in outputs],
        "host": host,
        "port": port,
        "grpc_port": grpc_port,
    }
    return [python, str(_PROGRAM), json.dumps(arguments)]


def _check_has_mlserver(python):
    command = [python, "-c", "import mlserver, onnxruntime"]
    try:
        found = not subprocess.run(command, capture_output=True, check=False).returncode
    except OSError:
        found = False
    if not found:
        raise ImportError(
            f"Expected MLServer in {python}; install it there (`{python} -m pip install "
            "'mlserver>=1.7' onnxruntime`), or name an interpreter that has it "
            f"(`--python PYTHON`, or the environment variable {PYTHON_VARIABLE})."
        )


def _check_is_free(host, port):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((host, port))
        except OSError as error:
            raise OSError(
                f"Expected port {port} of {host} to be free; choose another (`--port`, "
                f"`--grpc-port`). Received: {error.strerror}"
            ) from error


def _metadata(spec):
    shape = [size if isinstance(size, int) else -1 for size in spec["shape"]]
    return {"name": spec["name"], "datatype": DATATYPES[spec["dtype"]], "shape": shape}
