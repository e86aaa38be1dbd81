"""A real server of the Open Inference Protocol (MLServer) answers as the Keras model does.

`ATTNZOO_MLSERVER_PYTHON` names an interpreter that has it; `make test-serving` makes one.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from attnzoo.export import server

from .engines import fresh_tensors, keras_answers

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get(server.PYTHON_VARIABLE, ROOT / ".venv-mlserver/bin/python"))
THREADS = 8
DATATYPES = {"uint8": "UINT8", "int32": "INT32", "int64": "INT64", "float32": "FP32"}


def has_mlserver():
    """Whether the interpreter is there; only asked by what needs it."""
    command = [PYTHON, "-c", "import mlserver, onnxruntime"]
    return PYTHON.is_file() and not subprocess.run(command, capture_output=True).returncode


def free_ports():
    """Two ports that nothing listens at."""
    with socket.socket() as first, socket.socket() as second:
        for each in (first, second):
            each.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


class Served:
    """`attnzoo serve` in a process of its own, and a client of it."""

    def __init__(self, folder, name):
        port, grpc_port = free_ports()
        self.url = f"http://127.0.0.1:{port}/v2"
        self.model = f"{self.url}/models/{name}"
        ports = ("--port", str(port), "--grpc-port", str(grpc_port))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "attnzoo.cli", "serve", folder, *ports, "--python", PYTHON],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(600):
            with contextlib.suppress(urllib.error.URLError), self._open(f"{self.url}/health/ready"):
                return
            assert self.process.poll() is None, self.process.stdout.read()
            time.sleep(0.1)
        pytest.fail("the server does not become ready")

    def ask(self, tensors):
        """The answer to a dict of arrays, as a dict of arrays."""
        inputs = [
            {
                "name": name,
                "shape": value.shape,
                "datatype": DATATYPES[value.dtype.name],
                "data": value.ravel().tolist(),
            }
            for name, value in tensors.items()
        ]
        with self._open(f"{self.model}/infer", {"inputs": inputs}) as answer:
            outputs = json.load(answer)["outputs"]
        return {out["name"]: np.array(out["data"]).reshape(out["shape"]) for out in outputs}

    def interrupt(self):
        """Ctrl-C; returns the exit code and all that was said."""
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=30)[0]
        return self.process.returncode, said

    def _open(self, url, body=None):
        body = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60)


@pytest.fixture
def serve():
    """`f(folder, name)`: a `Served`, ended after the test whatever happens."""
    if not has_mlserver():
        pytest.skip("MLServer is not installed: make test-serving")
    started = []

    def start(folder, name):
        started.append(Served(folder, name))
        return started[-1]

    yield start
    for served in started:
        served.process.kill()
        served.process.communicate()


@pytest.mark.slow
def test_under_load_the_answers_are_those_of_the_keras_model(exported, serve):
    served = serve(exported.folder, exported.name)
    lengths = ([5], [1, 7], [3, 0, 6, 2], [4] * 8)
    questions = [
        fresh_tensors(exported.task, exported.config, rows, seed)
        for seed, rows in enumerate(lengths * 6)
    ]
    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(served.ask, questions))
    for tensors, answer in zip(questions, answers, strict=True):
        expected = keras_answers(exported.model, exported.task, exported.config, tensors)
        scale = np.maximum(1, np.abs(expected).max(axis=-1, keepdims=True))
        np.testing.assert_allclose(answer["logits"] / scale, expected / scale, rtol=0, atol=2e-5)
        near = np.diff(np.sort(expected, axis=-1)[..., -2:])[..., 0] < 1e-3
        np.testing.assert_array_equal(answer["label"][~near], expected.argmax(-1)[~near])

    code, said = served.interrupt()
    assert code == 0, said
    assert "Traceback" not in said
    curl = next(line for line in said.splitlines() if line.strip().startswith("curl"))
    assert f"@{exported.folder}/serving/request_onnx.json {served.model}/infer" in curl


@pytest.mark.slow
def test_the_server_says_what_it_takes_and_refuses_anything_else(export_of, serve):
    exported = export_of("sentiment_classifier")
    served = serve(exported.onnx_file, exported.name)
    with served._open(served.model) as answer:
        metadata = json.load(answer)
    assert metadata["inputs"] == [
        {"name": "token_ids", "datatype": "INT32", "shape": [-1, -1]},
        {"name": "lengths", "datatype": "INT32", "shape": [-1]},
    ]
    ids, count = np.ones((1, 2), "int32"), np.array([2], "int32")
    for tensors, sentence in (
        ({"token_ids": ids}, "Expected inputs token_ids of INT32, lengths of INT32. Received: "),
        ({"token_ids": ids.astype("int64"), "lengths": count}, "token_ids of INT64"),
        ({"token_ids": ids + 10**6, "lengths": count}, "Expected tensors that the model takes"),
    ):
        with pytest.raises(urllib.error.HTTPError, match="400") as caught:
            served.ask(tensors)
        assert sentence in json.load(caught.value)["error"]
    # It goes on answering.
    assert served.ask({"token_ids": ids, "lengths": count})["logits"].shape == (1, 3)
    request = json.loads((exported.folder / "serving" / "request_onnx.json").read_text("utf-8"))
    with served._open(f"{served.model}/infer", request) as answer:
        assert [out["name"] for out in json.load(answer)["outputs"]] == [
            "logits",
            "probabilities",
            "label",
        ]


# === Where it cannot be started ===


def test_without_mlserver_it_is_said_how_to_get_it(bag_of_words_artefact, tmp_path):
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    for python in (tmp_path / "python", tmp_path / "nothing"):
        with pytest.raises(ImportError, match=r"Expected MLServer in .* -m pip install"):
            server.server_command(bag_of_words_artefact, python=str(python))


def test_a_port_that_is_taken_is_named(bag_of_words_artefact, monkeypatch):
    monkeypatch.setattr(server, "_check_has_mlserver", lambda python: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for ports in ({"port": port}, {"port": free_ports()[0], "grpc_port": port}):
            with pytest.raises(OSError, match=f"Expected port {port} of 127.0.0.1 to be free"):
                server.server_command(bag_of_words_artefact, **ports)


def test_a_savedmodel_is_left_to_tf_serving(bag_of_words_artefact):
    with pytest.raises(ValueError, match=r"docker compose -f .*docker-compose\.yaml up"):
        server.server_command(bag_of_words_artefact / "savedmodel" / "1")


def test_the_interpreter_is_named_by_argument_or_environment(bag_of_words_artefact, monkeypatch):
    monkeypatch.setattr(server, "_check_has_mlserver", lambda python: None)
    port, grpc_port = free_ports()
    monkeypatch.setenv(server.PYTHON_VARIABLE, "/named/by/variable")
    ports = {"port": port, "grpc_port": grpc_port}
    command = server.server_command(bag_of_words_artefact, **ports, python="/named/by/argument")
    assert command[0] == "/named/by/argument"
    command = server.server_command(bag_of_words_artefact, **ports)
    assert command[0] == "/named/by/variable"
    arguments = json.loads(command[2])
    assert arguments["host"] == "127.0.0.1"
    assert arguments["inputs"][0] == {
        "name": "token_ids",
        "datatype": "INT32",
        "shape": [-1, -1],
    }
