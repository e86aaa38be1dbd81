"""Asking TF Serving: its protocols by a server that answers alike, and what is said without it."""

import base64
import json
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, HTTPServer

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from attnzoo import export
from attnzoo.export import serving_protos, tf_serving
from attnzoo.export.artefact import Artefact
from attnzoo.export.checking import signature_answers
from attnzoo.export.comparison import Failure

WHAT = "answers of TF Serving over REST and gRPC"


def from_json(value):
    """A value as TF Serving reads it."""
    if isinstance(value, dict):
        return base64.b64decode(value["b64"], validate=True)
    return [from_json(item) for item in value] if isinstance(value, list) else value


def to_json(value):
    """An output as TF Serving writes it."""
    if value.dtype == object:
        value = np.vectorize(lambda item: item.decode("utf-8"))(value)
    return value.tolist()


def serialised(example):
    """An example of JSON as TF Serving makes it: integers, floats and strings by their type."""
    made = {}
    for name, values in example.items():
        values = from_json(values if isinstance(values, list) else [values])
        values = [value.encode("utf-8") if isinstance(value, str) else value for value in values]
        if all(isinstance(value, int) for value in values):
            made[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        elif isinstance(values[0], bytes):
            made[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
        else:
            made[name] = tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()


class Double:
    """What TF Serving does with requests, by a session of its own; `error` is added to answers."""

    def __init__(self, exported):
        self.session, self.name, self.error, self.asked = exported.serving, exported.name, 0.0, []

    def answers(self, signature, inputs):
        definition = self.session.signatures[signature].inputs
        assert inputs.keys() == definition.keys(), f"no such input: {sorted(inputs)}"
        fed = {
            name: np.array(value, tf.as_dtype(definition[name].dtype).as_numpy_dtype)
            for name, value in inputs.items()
        }
        outputs = self.session.run(signature, fed)
        is_float = {name: value.dtype == np.float32 for name, value in outputs.items()}
        return {n: v + np.float32(self.error) if is_float[n] else v for n, v in outputs.items()}

    def rest(self, path, request):
        self.asked.append(path)
        signature = request["signature_name"]
        assert path.startswith(f"/v1/models/{self.name}/versions/1:")
        if path.endswith(":classify"):
            examples = [serialised(example) for example in request["examples"]]
            answer = self.answers(signature, {"inputs": examples})
            rows = zip(to_json(answer["classes"]), answer["scores"].tolist(), strict=True)
            return {"results": [list(zip(*row, strict=True)) for row in rows]}
        answer = self.answers(signature, from_json_columns(request["inputs"]))
        outputs = {name: to_json(value) for name, value in answer.items()}
        return {"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))}

    def predict(self, request, context):
        assert (request.model_spec.name, request.model_spec.version.value) == (self.name, 1)
        inputs = {
            entry.key: tf.make_ndarray(TensorProto.FromString(entry.value))
            for entry in request.inputs
        }
        response = serving_protos.PredictResponse()
        for name, value in self.answers(request.model_spec.signature_name, inputs).items():
            response.outputs.add(key=name, value=tf.make_tensor_proto(value).SerializeToString())
        return response

    def classify(self, request, context):
        examples = list(request.input.example_list.examples)
        answer = self.answers(request.model_spec.signature_name, {"inputs": examples})
        response = serving_protos.ClassificationResponse()
        for classes, scores in zip(answer["classes"], answer["scores"], strict=True):
            row = response.result.classifications.add()
            for label, score in zip(classes, scores, strict=True):
                row.classes.add(label=label.decode("utf-8"), score=score)
        return response


def from_json_columns(columns):
    return {name: from_json(value) for name, value in columns.items()}


@pytest.fixture
def serve():
    """`f(exported)`: a double at two ports of this machine, and its clients by protocol."""
    ended = []

    def start(exported):
        double = Double(exported)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                assert self.path == f"/v1/models/{double.name}/versions/1/metadata"
                definitions = {
                    name: {"outputs": {output: {} for output in signature.outputs}}
                    for name, signature in double.session.signatures.items()
                }
                self.say(200, {"metadata": {"signature_def": {"signature_def": definitions}}})

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    self.say(200, double.rest(self.path, json.loads(body)))
                except Exception as error:
                    self.say(400, {"error": str(error)})

            def say(self, status, answer):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_):
                pass

        http = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        server = grpc.server(futures.ThreadPoolExecutor(1))
        methods = {
            name: grpc.unary_unary_rpc_method_handler(
                method, request.FromString, response.SerializeToString
            )
            for name, method, request, response in (
                (
                    "Predict",
                    double.predict,
                    serving_protos.PredictRequest,
                    serving_protos.PredictResponse,
                ),
                (
                    "Classify",
                    double.classify,
                    serving_protos.ClassificationRequest,
                    serving_protos.ClassificationResponse,
                ),
            )
        }
        service = "tensorflow.serving.PredictionService"
        handler = grpc.method_handlers_generic_handler(service, methods)
        server.add_generic_rpc_handlers([handler])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        ended.extend((http.shutdown, thread.join, http.server_close, lambda: server.stop(0)))
        rest = tf_serving.RestClient(f"http://127.0.0.1:{http.server_port}", exported.name, "1")
        return double, {
            "REST": rest,
            "gRPC": tf_serving.GrpcClient(f"127.0.0.1:{port}", exported.name, "1"),
        }

    yield start
    for end in ended:
        end()


def signatures_of(exported):
    artefact = Artefact.open(exported.folder)
    return artefact, artefact.variants["savedmodel/1"]["signatures"]


OTHERS = ("image_classifier", "sequence_tagger", "speech_encoder", "graph_classifier")


@pytest.mark.parametrize(
    "name",
    ["sentiment_classifier", *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)],
)
def test_every_signature_is_asked_and_compared_over_both_protocols(export_of, serve, name):
    exported = export_of(name)
    double, clients = serve(exported)
    artefact, signatures = signatures_of(exported)
    for client in clients.values():
        for signature, kind in signatures.items():
            detail = signature_answers(artefact, client, signature, kind, client.takes)
            assert "largest difference" in detail
    assert {path.rpartition(":")[2] for path in double.asked} == {
        "classify" if signature == "classify" else "predict" for signature in signatures
    }


@pytest.mark.parametrize("protocol", ["REST", "gRPC"])
def test_answers_that_differ_do_not_pass(export_of, serve, protocol):
    exported = export_of("sentiment_classifier")
    double, clients = serve(exported)
    artefact, signatures = signatures_of(exported)
    double.error = 1e-3
    for signature in ("serving_default", "tokens", "classify"):
        with pytest.raises(Failure, match="differs by"):
            signature_answers(artefact, clients[protocol], signature, signatures[signature])


def test_what_the_server_complains_of_is_told(export_of, serve):
    _, clients = serve(export_of("sentiment_classifier"))
    with pytest.raises(RuntimeError, match=r"TF Serving answers HTTP Error 400.*no such input"):
        clients["REST"].run("tokens", {"ids": np.array([1])})


# === Without it ===


@pytest.fixture
def on_path(monkeypatch, tmp_path):
    """`f(**programs)`: only these programs are on the PATH, shell scripts by name."""

    def put(**programs):
        for name, script in programs.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return put


@pytest.mark.parametrize(
    ("programs", "reason"),
    [
        ({}, "no tensorflow_model_server and no docker"),
        ({"docker": "exit 1"}, "no tensorflow_model_server, and docker does not run"),
        ({"docker": 'test "$1" = version'}, "docker has no tensorflow/serving:2"),
    ],
)
def test_where_it_cannot_be_started_it_is_not_said_to_have_passed(
    bag_of_words_artefact, on_path, programs, reason
):
    on_path(**programs)
    report = export.verify(bag_of_words_artefact, ["tfserving"])
    (check,) = [check for check in report.checks if check.name == WHAT]
    assert check.variant == "savedmodel/1"
    assert check.passed is None
    assert reason in check.detail
    assert str(check).startswith("not run savedmodel/1")


def test_a_server_that_does_not_start_has_failed(bag_of_words_artefact, on_path):
    on_path(tensorflow_model_server="echo loading; echo Failed to parse models.config; exit 1")
    with pytest.raises(export.VerificationError) as caught:
        export.verify(bag_of_words_artefact, ["tfserving"])
    (check,) = caught.value.report.failures
    assert check.name == WHAT
    assert check.detail.endswith("Failed to parse models.config")


def test_it_is_started_with_the_configuration_of_the_artefact(
    bag_of_words_artefact, on_path, tmp_path
):
    said = tmp_path / "said"
    on_path(tensorflow_model_server=f'echo "$@" > {said}; exit 1')
    with pytest.raises(export.VerificationError):
        export.verify(bag_of_words_artefact, ["tfserving"])
    flags = dict(flag.split("=") for flag in said.read_text().split())
    serving = bag_of_words_artefact / "serving"
    assert flags["--batching_parameters_file"] == f"{serving}/batching_parameters.txt"
    assert flags["--enable_batching"] == "true"
    assert flags["--rest_api_port"] != flags["--port"]


@pytest.mark.slow
@pytest.mark.skipif(tf_serving.why_not() is not None, reason=str(tf_serving.why_not()))
def test_the_real_server_answers_as_the_keras_model(exported):
    report = export.verify(exported.folder, ["tfserving"])
    asked = [check for check in report.checks if "TF Serving over" in check.name]
    assert len(asked) == 2 * len(signatures_of(exported)[1])
    assert all(check.passed for check in asked)
