"""Requests to servers, of an artefact's own samples: what its `serving/request_*.json` hold.

TF Serving's REST API takes `inputs` by column, or `examples` to classify; a server of the Open
Inference Protocol takes each tensor with its shape and type, its values in one list.
"""

import numpy as np

from .classification import CLASSIFY, tensor_features
from .formats import DATATYPES
from .samples import as_json, read_raw_samples, read_samples
from .serving_files import ONNX_REQUEST


def example_requests(manifest, task, samples):
    """Returns a request, JSON-like, for each signature of the SavedModels, and for the ONNX files.

    Args:
        manifest: The artefact's.
        task: Its task.
        samples: Folder of its samples.

    Returns:
        Dict from the name of a signature, or `"onnx"`, to the request.
    """
    sample = smallest_sample(samples)
    raw = read_raw_samples(samples)
    requests = {}
    for variant in manifest["variants"].values():
        if "streaming" in variant:
            continue
        if variant["format"] == "onnx":
            requests[ONNX_REQUEST] = infer_request(sample.inputs)
        for signature in asked_signatures(variant):
            kind = variant["signatures"][signature]
            requests[signature] = _rest_request(signature, kind, sample, raw, task)
    return requests


def asked_signatures(variant):
    """Returns the signatures of a variant that have a request, those of the Predict API first.

    A default one of tensors is the same as `tokens`.
    """
    kinds = variant.get("signatures", {}).items()
    asked = [name for name, kind in kinds if (name, kind) != ("serving_default", "tensors")]
    return sorted(asked, key=lambda name: name == CLASSIFY)


def smallest_sample(samples):
    """Returns the `Sample` of the fewest numbers, of those that have no row without any, if any.

    JSON cannot say that a tensor without numbers has further dimensions.
    """

    def is_full(sample):
        return all(value.size for value in sample.inputs.values()) and all(
            np.all(sample.inputs.get(name, 1)) for name in ("lengths", "num_nodes")
        )

    def numbers(sample):
        return sum(value.size for value in sample.inputs.values())

    every = list(read_samples(samples))
    return min(filter(is_full, every), key=numbers, default=every[0])


def infer_request(inputs):
    """Returns the request of the Open Inference Protocol for a dict of arrays."""
    return {
        "inputs": [
            {
                "name": name,
                "shape": list(value.shape),
                "datatype": DATATYPES[value.dtype.name],
                "data": value.ravel().tolist(),
            }
            for name, value in inputs.items()
        ]
    }


def predict_request(signature, inputs):
    """Returns the request to TF Serving's `:predict` for a dict of arrays."""
    return _predict(signature, columns(inputs))


def columns(inputs):
    """Returns a dict of arrays as TF Serving's REST API takes it: lists, and bytes in base64."""
    return {name: _as_lists(value.tolist()) for name, value in inputs.items()}


def _as_lists(value):
    return [_as_lists(item) for item in value] if isinstance(value, list) else as_json(value)


def _rest_request(signature, kind, sample, raw, task):
    if kind == "tensors":
        return predict_request(signature, sample.inputs)
    if kind == "classify_tensors":
        return _classify(signature, [columns(row) for row in tensor_features(sample.inputs, task)])
    if kind == "words":
        words = [word for word in raw["outputs"]["words"][0] if word]
        return _predict(signature, {"words": [words]})
    value = as_json(raw["inputs"][0])
    if kind == "classify":
        return _classify(signature, [{task.raw_input: value}])
    return _predict(signature, {task.raw_input: [value]})


def _predict(signature, inputs):
    return {"signature_name": signature, "inputs": inputs}


def _classify(signature, examples):
    return {"signature_name": signature, "examples": examples}
