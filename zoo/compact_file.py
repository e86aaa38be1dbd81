"""A model as one small file: its configuration, and its weights in half precision."""

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

COMPACT_FILE = "model.safetensors"
FORMAT = "attnzoo.model"


def write_compact_file(model, path):
    """Writes the weights of a zoo model as float16, a quarter of what float32 with Adam's takes.

    Args:
        model: A model as `zoo.build` returned it: one loaded by Keras has other paths of weights.
        path: The file.

    Raises:
        ValueError: If a weight is beyond the range of float16.
    """
    tensors = {}
    for variable in model.weights:
        value = np.asarray(variable.value, "float32")
        if np.abs(value).max(initial=0.0) > np.finfo("float16").max:
            raise ValueError(
                f"Expected weights that float16 can hold, {np.finfo('float16').max:g} at most; "
                f"save without `storage`. Received: {np.abs(value).max():g} in {variable.path!r}"
            )
        tensors[variable.path] = value.astype("float16")
    config = json.dumps(model.metadata["config"])
    metadata = {
        "format": FORMAT,
        "architecture": model.metadata["architecture"],
        "config": config,
    }
    Path(path).write_bytes(save(tensors, metadata))


def read_compact_file(path, build):
    """Reads what `write_compact_file` wrote.

    Args:
        path: The file.
        build: `f(architecture, fields of its configuration) -> model` of random weights.

    Raises:
        ValueError: If the file is damaged, is no such file, or has not the weights of its model.
    """
    path = Path(path)
    try:
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"Expected {path} to be a safetensors file: {error}") from error
    if metadata.get("format") != FORMAT:
        raise ValueError(
            f"Expected {path} to be a model in half precision that attnzoo saved. "
            f"Received: format={metadata.get('format')!r}"
        )
    model = build(metadata["architecture"], json.loads(metadata["config"]))
    expected = {variable.path: tuple(variable.shape) for variable in model.weights}
    received = {name: tensor.shape for name, tensor in tensors.items()}
    differing = sorted(set(expected.items()) ^ set(received.items()))
    if differing:
        raise ValueError(
            f"Expected {path} to hold the weights of its model. Received: {differing[:3]}"
        )
    for variable in model.weights:
        variable.assign(tensors[variable.path].astype("float32"))
    return model
