"""TF Serving itself, where it is installed, with the configuration that the artefact ships."""

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from .classification import CLASSIFY
from .example_requests import columns, predict_request
from .serving_files import SERVING_FOLDER, TF_SERVING_IMAGE, models_config, server_flags
from .serving_protos import (
    ClassificationRequest,
    ClassificationResponse,
    PredictRequest,
    PredictResponse,
)

PROGRAM = "tensorflow_model_server"
_SECONDS = 120


def why_not():
    """Returns why it cannot be started on this machine, None if it can."""
    if shutil.which(PROGRAM) is not None:
        return None
    if shutil.which("docker") is None:
        return f"no {PROGRAM} and no docker"
    if _docker("version") is not None:
        return f"no {PROGRAM}, and docker does not run"
    if _docker("image", "inspect", TF_SERVING_IMAGE) is not None:
        return (
            f"no {PROGRAM}, and docker has no {TF_SERVING_IMAGE} (docker pull {TF_SERVING_IMAGE})"
        )
    return None


class TfServing:
    """Starts the server for all versions of an artefact; a context manager that ends it.

    Args:
        artefact: `Artefact`.

    Raises:
        RuntimeError: If the server ends, or serves no version in two minutes; the message is its
            last line.
    """

    def __init__(self, artefact):
        self._artefact = artefact
        self.model = artefact.manifest["architecture"]

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attnzoo-tfs-")))
            self.ports = {"rest": _free_port(), "grpc": _free_port()}
            with (folder / "log").open("wb") as log:
                server = subprocess.Popen(self._command(folder), stdout=log, stderr=log)
            stack.callback(_end, server)
            self._wait(server, folder / "log")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def clients(self, version):
        """Returns what asks a version: `run(signature, inputs)`, by protocol."""
        address = "127.0.0.1"
        return {
            "REST": RestClient(f"http://{address}:{self.ports['rest']}", self.model, version),
            "gRPC": GrpcClient(f"{address}:{self.ports['grpc']}", self.model, version),
        }

    def _command(self, folder):
        serving = self._artefact.path.absolute() / SERVING_FOLDER
        savedmodels = serving.with_name("savedmodel")
        if shutil.which(PROGRAM) is not None:
            config = folder / "models.config"
            config.write_text(models_config(self.model, savedmodels), encoding="utf-8")
            ports = (f"--rest_api_port={self.ports['rest']}", f"--port={self.ports['grpc']}")
            return [PROGRAM, *ports, *server_flags(serving, config)]
        return [
            *("docker", "run", "--rm", "--pull=never"),
            *("-p", f"127.0.0.1:{self.ports['rest']}:8501"),
            *("-p", f"127.0.0.1:{self.ports['grpc']}:8500"),
            *("-v", f"{savedmodels}:/models/{self.model}:ro", "-v", f"{serving}:/serving:ro"),
            *(TF_SERVING_IMAGE, *server_flags("/serving")),
        ]

    def _wait(self, server, log):
        """Waits until each version of the artefact is served."""
        versions = [
            name.partition("/")[2]
            for name in self._artefact.variants
            if name.startswith("savedmodel/")
        ]
        url = f"http://127.0.0.1:{self.ports['rest']}/v1/models/{self.model}"
        end = time.monotonic() + _SECONDS
        while not _serves(url, versions):
            if server.poll() is not None or time.monotonic() > end:
                said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                raise RuntimeError(
                    f"TF Serving does not serve: {(said or ['it says nothing'])[-1]}"
                )
            time.sleep(0.2)


class RestClient:
    """Asks one version of a model over HTTP.

    Args:
        server: Such as `"http://localhost:8501"`.
        model: Name of the model.
        version: Its version.
    """

    def __init__(self, server, model, version):
        self._url = f"{server}/v1/models/{model}/versions/{version}"

    def run(self, signature, inputs):
        """Returns the outputs of a dict of arrays, as a dict of arrays."""
        if signature == CLASSIFY:
            examples = [_features(example) for example in inputs["inputs"]]
            results = self._post("classify", {"signature_name": signature, "examples": examples})
            rows = results["results"]
            return {
                "classes": np.array([[label for label, _ in row] for row in rows]),
                "scores": np.array([[score for _, score in row] for row in rows]),
            }
        outputs = self._post("predict", predict_request(signature, inputs))["outputs"]
        if not isinstance(outputs, dict):  # One output alone comes without its name.
            outputs = {self._only_output(signature): outputs}
        return {name: np.array(value) for name, value in outputs.items()}

    @staticmethod
    def takes(inputs):
        """Returns whether JSON can say it: of nothing it cannot say the further dimensions."""
        return all(value.size for value in inputs.values())

    def _only_output(self, signature):
        with urllib.request.urlopen(f"{self._url}/metadata") as answer:
            signatures = json.load(answer)["metadata"]["signature_def"]["signature_def"]
        (name,) = signatures[signature]["outputs"]
        return name

    def _post(self, verb, request):
        try:
            with urllib.request.urlopen(f"{self._url}:{verb}", json.dumps(request).encode()) as got:
                return json.load(got)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"TF Serving answers {error}: {error.read().decode()}") from error


class GrpcClient:
    """Asks one version of a model over gRPC.

    Args:
        server: Such as `"localhost:8500"`.
        model: Name of the model.
        version: Its version.
    """

    def __init__(self, server, model, version):
        import grpc

        self._model, self._version = model, int(version)
        channel = grpc.insecure_channel(server)
        self._call = {
            name: channel.unary_unary(
                f"/tensorflow.serving.PredictionService/{name}",
                request_serializer=request.SerializeToString,
                response_deserializer=response.FromString,
            )
            for name, request, response in (
                ("Predict", PredictRequest, PredictResponse),
                ("Classify", ClassificationRequest, ClassificationResponse),
            )
        }

    def run(self, signature, inputs):
        """Returns the outputs of a dict of arrays, as a dict of arrays."""
        is_classify = signature == CLASSIFY
        request = ClassificationRequest() if is_classify else PredictRequest()
        spec = request.model_spec
        spec.name, spec.version.value, spec.signature_name = self._model, self._version, signature
        if is_classify:
            request.input.example_list.examples.extend(inputs["inputs"])
            rows = self._call["Classify"](request, timeout=_SECONDS).result.classifications
            return {
                "classes": np.array([[each.label for each in row.classes] for row in rows]),
                "scores": np.array([[each.score for each in row.classes] for row in rows]),
            }
        for name, value in inputs.items():
            request.inputs.add(key=name, value=tf.make_tensor_proto(value).SerializeToString())
        outputs = self._call["Predict"](request, timeout=_SECONDS).outputs
        return {out.key: tf.make_ndarray(TensorProto.FromString(out.value)) for out in outputs}

    @staticmethod
    def takes(inputs):
        """Returns True: a message says the shape of each tensor."""
        return True


def _features(example):
    """Returns the features of a serialised example as the REST API takes them."""
    features = tf.train.Example.FromString(example).features.feature
    kinds = {name: getattr(f, f.WhichOneof("kind") or "int64_list") for name, f in features.items()}
    return columns({name: np.array(list(kind.value), object) for name, kind in kinds.items()})


def _docker(*arguments):
    """Returns what docker complains of, None if it does what it is told."""
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    return result.stderr if result.returncode else None


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _serves(url, versions):
    try:
        with urllib.request.urlopen(url) as answer:
            states = json.load(answer)["model_version_status"]
    except (OSError, ValueError):  # Not yet, or not yet all of it.
        return False
    ready = {state["version"] for state in states if state["state"] == "AVAILABLE"}
    return ready >= set(versions)


def _end(server):
    server.terminate()
    try:
        server.wait(timeout=30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
