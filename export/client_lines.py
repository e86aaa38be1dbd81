"""Lines to paste that ask a server of an artefact: curl, and Python over REST and gRPC."""

import json

from .classification import CLASSIFY
from .example_requests import asked_signatures
from .serving_files import ONNX_REQUEST, SERVING_FOLDER, request_file

# A request of more characters is in its file alone.
_SHOWN = 400


def tf_serving_clients(path, variant, manifest, requests):
    """Returns Markdown: how to start TF Serving, and its clients.

    Args:
        path: The variant's path, `savedmodel/<version>`.
        variant: What the manifest says of it.
        manifest: The artefact's manifest.
        requests: What `example_requests` gives.
    """
    name = manifest["architecture"]
    signatures = asked_signatures(variant)
    asked = {signature: _url(name, signature) for signature in signatures}
    first = signatures[0]
    parts = [
        "Start the server, and ask it over REST:",
        _block(
            "bash",
            f'docker run -p 8500:8500 -p 8501:8501 -v "$PWD/savedmodel:/models/{name}" \\',
            f"  -e MODEL_NAME={name} tensorflow/serving",
            *(f"curl -d @{_file(signature)} {url}" for signature, url in asked.items()),
        ),
        *_shown(requests, first),
        "The newest version answers; a server with `serving/models.config` serves all of them, and "
        f"`/v1/models/{name}/versions/{path.rpartition('/')[2]}` is this one. Python over REST:",
        _block(
            "python",
            "import json, urllib.request",
            f'request = json.load(open("{_file(first)}", encoding="utf-8"))',
            "body = json.dumps(request).encode()",
            f'with urllib.request.urlopen("http://{asked[first]}", body) as answer:',
            '    print(json.load(answer)["outputs"])',
        ),
    ]
    if "tokens" in signatures:
        parts += [
            "Python over gRPC (`pip install grpcio tensorflow-serving-api`):",
            _grpc_client(name, requests["tokens"]["inputs"], manifest["inputs"]),
        ]
    return "\n\n".join(parts)


def open_inference_clients(path, variant, manifest, requests):
    """Returns Markdown: how to start a server of the Open Inference Protocol, and its clients.

    The arguments are those of `tf_serving_clients`.
    """
    url = f"localhost:8080/v2/models/{manifest['architecture']}/infer"
    header = "Content-Type: application/json"
    return "\n\n".join(
        [
            "Start a server of the Open Inference Protocol (MLServer; Triton of "
            "`serving/docker-compose.yaml` is another, at port 8000), and ask it:",
            _block(
                "bash",
                f"attnzoo serve {path}",
                f"curl -H '{header}' -d @{_file(ONNX_REQUEST)} {url}",
            ),
            *_shown(requests, ONNX_REQUEST),
            _block(
                "python",
                "import json, urllib.request",
                f'body = open("{_file(ONNX_REQUEST)}", "rb").read()',
                'headers = {"Content-Type": "application/json"}',
                f'request = urllib.request.Request("http://{url}", body, headers)',
                "with urllib.request.urlopen(request) as answer:",
                '    print({o["name"]: o["data"] for o in json.load(answer)["outputs"]})',
            ),
        ]
    )


def _grpc_client(name, inputs, specs):
    dtypes = {spec["name"]: spec["dtype"] for spec in specs}
    return _block(
        "python",
        "import grpc, json, tensorflow as tf",
        "from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc",
        f'inputs = json.load(open("{_file("tokens")}", encoding="utf-8"))["inputs"]',
        "request = predict_pb2.PredictRequest()",
        f'request.model_spec.name, request.model_spec.signature_name = "{name}", "tokens"',
        f"for name, dtype in {json.dumps({key: dtypes[key] for key in inputs})}.items():",
        "    request.inputs[name].CopyFrom(tf.make_tensor_proto(inputs[name], dtype))",
        'channel = grpc.insecure_channel("localhost:8500")',
        "server = prediction_service_pb2_grpc.PredictionServiceStub(channel)",
        "outputs = server.Predict(request, timeout=10.0).outputs",
        "print({name: tf.make_ndarray(tensor) for name, tensor in outputs.items()})",
    )


def _shown(requests, name):
    text = json.dumps(requests[name], ensure_ascii=False)
    if len(text) > _SHOWN:
        return []
    return [f"`{request_file(name)}` is", _block("json", text)]


def _url(name, signature):
    verb = "classify" if signature == CLASSIFY else "predict"
    return f"localhost:8501/v1/models/{name}:{verb}"


def _file(name):
    return f"{SERVING_FOLDER}/{request_file(name)}"


def _block(language, *lines):
    return "\n".join([f"```{language}", *lines, "```"])
