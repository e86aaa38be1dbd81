"""Configurations of servers that an artefact is ready for, and example requests to them."""

import json

SERVING_FOLDER = "serving"
# What the example request to an ONNX file is called; the others have the names of signatures.
ONNX_REQUEST = "onnx"
TF_SERVING_IMAGE = "tensorflow/serving:2.19.1"
_TRITON = "nvcr.io/nvidia/tritonserver:24.12-py3"


def serving_files(manifest):
    """Returns the text of each file of `serving/`, by name, for an artefact's manifest.

    There are those of TF Serving where it has a SavedModel of whole inputs, and a service of Triton
    where it has an ONNX file.
    """
    name = manifest["architecture"]
    whole = [path for path, v in manifest["variants"].items() if "streaming" not in v]
    onnx = "onnx/model.onnx" if "onnx/model.onnx" in whole else None
    has_savedmodel = any(path.startswith("savedmodel/") for path in whole)
    files = {}
    if has_savedmodel:
        files["models.config"] = models_config(name, f"/models/{name}")
        files["batching_parameters.txt"] = _batching(manifest)
        files["monitoring.config"] = _MONITORING
        files["kubernetes.yaml"] = _KUBERNETES.format(
            name=name,
            host=name.replace("_", "-"),
            image=TF_SERVING_IMAGE,
            flags=_listed(server_flags("/artefact/serving"), indent=12),
        )
    if has_savedmodel or onnx:
        services = ""
        if has_savedmodel:
            flags = _listed(server_flags("/serving"), indent=6)
            services += _TF_SERVING_SERVICE.format(name=name, image=TF_SERVING_IMAGE, flags=flags)
        if onnx:
            # With the file beside it that holds the weights of a large model.
            mounts = "\n".join(
                f"      - ../{file}:/models/{name}/1/{file.rpartition('/')[2]}:ro"
                for file in manifest["variants"][onnx]["files"]
            )
            services += _TRITON_SERVICE.format(image=_TRITON, mounts=mounts)
        files["docker-compose.yaml"] = f"services:\n{services}"
    return files


def write_serving_files(path, manifest, requests):
    """Writes what `serving_files` gives, and the example requests, to a new `path/serving/`.

    Args:
        path: Where the folder is made.
        manifest: The artefact's.
        requests: What `example_requests` gives.
    """
    folder = path / SERVING_FOLDER
    folder.mkdir()
    for name, text in serving_files(manifest).items():
        (folder / name).write_text(text, encoding="utf-8")
    for name, request in requests.items():
        text = json.dumps(request, ensure_ascii=False)
        (folder / request_file(name)).write_text(f"{text}\n", encoding="utf-8")


def request_file(name):
    """Returns the name of the file of the example request of this name."""
    return f"request_{name}.json"


def is_padded_by_servers(inputs):
    """Returns whether a server may fill up shorter requests with their first element.

    Only `lengths` tell that from what is real: an edge of a graph would be there twice.

    Args:
        inputs: Descriptions of the tensors, as in the manifest.
    """
    return "lengths" in {spec["name"] for spec in inputs}


def server_flags(folder, models=None):
    """Returns the arguments by which TF Serving reads its configuration.

    Args:
        folder: Where `serving/` is.
        models: The file of models. Defaults to None, that of the folder.
    """
    return [
        f"--model_config_file={models or f'{folder}/models.config'}",
        "--enable_batching=true",
        f"--batching_parameters_file={folder}/batching_parameters.txt",
        f"--monitoring_config_file={folder}/monitoring.config",
    ]


def _listed(items, indent):
    """Returns a list in YAML."""
    return "\n".join(f"{' ' * indent}- {item}" for item in items)


def models_config(name, base_path):
    """Returns the text of `models.config` for a folder of versions."""
    return f"""model_config_list {{
  config {{
    name: "{name}"
    base_path: "{base_path}"
    model_platform: "tensorflow"
    # All that are in the folder, so that a client may ask for /v1/models/{name}/versions/2.
    model_version_policy {{ all {{}} }}
  }}
}}
"""


def _batching(manifest):
    pads = is_padded_by_servers(manifest["inputs"])
    return f"""max_batch_size {{ value: 32 }}
batch_timeout_micros {{ value: 2000 }}
max_enqueued_batches {{ value: 128 }}
num_batch_threads {{ value: 2 }}
pad_variable_length_inputs: {str(pads).lower()}
"""


_MONITORING = """prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""

_TF_SERVING_SERVICE = """  tensorflow-serving:  # REST at 8501, gRPC at 8500
    image: {image}
    ports: ["8500:8500", "8501:8501"]
    volumes:
      - ../savedmodel:/models/{name}:ro
      - .:/serving:ro
    command:
{flags}
"""

_TRITON_SERVICE = """  triton:  # Open Inference Protocol: HTTP at 8000, gRPC at 8001
    image: {image}
    ports: ["8000:8000", "8001:8001"]
    volumes:
{mounts}
    command: ["tritonserver", "--model-repository=/models"]
"""

_KUBERNETES = """# The artefact is expected at the root of a volume that is claimed as {host}.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {host}
spec:
  selector:
    matchLabels: {{app: {host}}}
  template:
    metadata:
      labels: {{app: {host}}}
    spec:
      containers:
        - name: tensorflow-serving
          image: {image}
          args:
{flags}
          ports:
            - containerPort: 8500
            - containerPort: 8501
          volumeMounts:
            - {{name: artefact, mountPath: /artefact, readOnly: true}}
            - {{name: artefact, mountPath: /models/{name}, subPath: savedmodel, readOnly: true}}
          startupProbe:
            httpGet: {{path: /v1/models/{name}, port: 8501}}
            failureThreshold: 60
            periodSeconds: 2
          readinessProbe:
            httpGet: {{path: /v1/models/{name}, port: 8501}}
          livenessProbe:
            tcpSocket: {{port: 8500}}
      volumes:
        - name: artefact
          persistentVolumeClaim: {{claimName: {host}, readOnly: true}}
---
apiVersion: v1
kind: Service
metadata:
  name: {host}
spec:
  selector: {{app: {host}}}
  ports:
    - {{name: grpc, port: 8500}}
    - {{name: rest, port: 8501}}
"""
