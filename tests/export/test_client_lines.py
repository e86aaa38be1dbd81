"""What an artefact's README gives to paste: requests that fit its signatures, clients that run."""

import base64
import json
import re
import shlex
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

SERVER = "localhost:8501"


def readme_of(exported):
    return (exported.folder / "README.md").read_text(encoding="utf-8")


def blocks(readme, language):
    return re.findall(rf"```{language}\n(.*?)```", readme, re.DOTALL)


def curls(readme):
    """The file and the address of each `curl` line."""
    lines = [line for block in blocks(readme, "bash") for line in block.splitlines()]
    for words in (shlex.split(line) for line in lines if line.startswith("curl ")):
        yield words[words.index("-d") + 1].removeprefix("@"), words[-1]


def request_of(exported, file):
    return json.loads((exported.folder / file).read_text(encoding="utf-8"))


def decoded(value):
    """A value as TF Serving reads it from JSON."""
    if isinstance(value, dict):
        return base64.b64decode(value["b64"], validate=True)
    return [decoded(item) for item in value] if isinstance(value, list) else value


def test_each_signature_has_a_curl_line_to_its_own_address(exported):
    name = exported.name
    addresses = {}
    for file, address in curls(readme_of(exported)):
        addresses.setdefault(address, []).append(request_of(exported, file).get("signature_name"))
    signatures = set(exported.serving.signatures)
    if exported.task.raw_samples(exported.config) == ():
        signatures.remove("serving_default")  # Of tensors, as `tokens` is.
    asked = addresses.pop(f"localhost:8080/v2/models/{name}/infer")
    assert asked == [None]
    if "classify" in signatures:
        assert addresses.pop(f"{SERVER}/v1/models/{name}:classify") == ["classify"]
    (predicted,) = addresses.items()
    assert predicted[0] == f"{SERVER}/v1/models/{name}:predict"
    assert sorted(predicted[1]) == sorted(signatures - {"classify"})


def test_requests_fit_their_signatures_and_are_answered(exported):
    for file, _ in curls(readme_of(exported)):
        request = request_of(exported, file)
        if "signature_name" not in request:
            continue
        signature = exported.serving.signatures[request["signature_name"]]
        if "examples" in request:
            (example,) = request["examples"]
            assert example.keys() == {exported.task.raw_input}
            continue
        assert request["inputs"].keys() == signature.inputs.keys()
        dtypes = {name: tf.as_dtype(info.dtype) for name, info in signature.inputs.items()}
        inputs = {
            name: np.array(decoded(value), object if dtype == tf.string else dtype.as_numpy_dtype)
            for name, value in dtypes.items()
            for value, dtype in [(request["inputs"][name], value)]
        }
        assert exported.serving.run(request["signature_name"], inputs).keys() == (
            signature.outputs.keys()
        )


def test_the_request_for_the_onnx_file_has_the_shapes_and_types_of_its_tensors(exported):
    request = request_of(exported, "serving/request_onnx.json")
    names = {"INT32": "int32", "FP32": "float32", "UINT8": "uint8"}
    inputs = {
        tensor["name"]: np.array(tensor["data"], names[tensor["datatype"]]).reshape(tensor["shape"])
        for tensor in request["inputs"]
    }
    session = onnxruntime.InferenceSession(exported.onnx_file, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == list(inputs)
    assert all(np.isfinite(output).all() for output in session.run(None, inputs))


def test_words_and_examples_are_those_of_real_inputs(export_of):
    tagger = export_of("sequence_tagger")
    words = request_of(tagger, "serving/request_words.json")["inputs"]["words"]
    assert words[0][:4] == ["A", "gripping", ",", "funny"]
    classifier = export_of("image_classifier")
    (example,) = request_of(classifier, "serving/request_classify.json")["examples"]
    assert decoded(example["image_bytes"]).startswith(b"\xff\xd8")


@pytest.fixture
def server():
    """A server that answers anything alike and keeps what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()
            outputs = [{"name": "label", "data": [1]}]
            self.wfile.write(json.dumps({"outputs": outputs}).encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"127.0.0.1:{http.server_port}", asked
        http.shutdown()
        thread.join()


def test_the_python_clients_over_http_send_what_the_readme_shows(export_of, server):
    exported = export_of("sentiment_classifier")
    address, asked = server
    programs = [p for p in blocks(readme_of(exported), "python") if "urllib" in p]
    program = "\n".join(programs)
    for port in (8080, 8501):
        program = program.replace(f"localhost:{port}", address)
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=exported.folder, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == ["{'label': [1]}", "[{'name': 'label', 'data': [1]}]"]
    assert asked == [
        (
            "/v2/models/sentiment_classifier/infer",
            request_of(exported, "serving/request_onnx.json"),
        ),
        (
            "/v1/models/sentiment_classifier:predict",
            request_of(exported, "serving/request_serving_default.json"),
        ),
    ]
    shown = [json.loads(block) for block in blocks(readme_of(exported), "json")]
    assert asked[0][1] in shown
    assert asked[1][1] in shown


def test_the_grpc_client_is_python_and_names_what_is_there(exported):
    (program,) = [p for p in blocks(readme_of(exported), "python") if "grpc" in p]
    compile(program, "README.md", "exec")
    (types,) = re.findall(r"in (\{.*\})\.items\(\)", program)
    assert json.loads(types) == {
        spec.name: spec.dtype for spec in exported.task.inputs(exported.config)
    }
    assert f'"{exported.name}", "tokens"' in program
