"""The tensors of a checkpoint's folder: one safetensors file, or several with an index."""

import json
from pathlib import Path

import ml_dtypes  # noqa: F401 (teaches NumPy bfloat16, which checkpoints are often stored in)
import numpy as np
from safetensors import SafetensorError, safe_open

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


class TensorFiles:
    """Reads tensors by name.

    Args:
        folder: `Path` of the folder.

    Attributes:
        shapes: Dict from the name of each tensor to its shape.

    Raises:
        FileNotFoundError: If there are no such files, or the index names one that is missing.
        ValueError: If a file is truncated or damaged, the index does not fit the files, or there
            are only pickled weights, which run code when they are read.
    """

    def __init__(self, folder):
        self._files = {}
        self.shapes = {}
        for path in _paths(folder):
            for name, shape in _read_header(path).items():
                self._files[name] = path
                self.shapes[name] = shape
        index = folder / INDEX_FILE
        if index.is_file() and not (folder / WEIGHTS_FILE).is_file():
            listed = _read_index(index)
            if set(listed) != set(self._files):
                wrong = sorted(set(listed) ^ set(self._files))[:5]
                raise ValueError(
                    f"Expected the files that {index} names to hold the tensors that it lists. "
                    f"Received: others, such as {wrong}"
                )

    def read(self, name):
        """Returns a tensor as float32.

        Raises:
            ValueError: If it does not hold floating-point numbers.
        """
        with safe_open(self._files[name], "np") as file:
            dtype = file.get_slice(name).get_dtype()
            if dtype not in ("F64", "F32", "F16", "BF16"):
                raise ValueError(
                    f"Expected the tensor {name!r} to hold floating-point numbers; quantised "
                    f"checkpoints are not read. Received: dtype {dtype}"
                )
            array = file.get_tensor(name)
        return array.astype("float32")


def _paths(folder):
    if (folder / WEIGHTS_FILE).is_file():
        return [folder / WEIGHTS_FILE]
    index = folder / INDEX_FILE
    if index.is_file():
        names = sorted(set(_read_index(index).values()))
        for name in names:
            if Path(name).name != name:
                raise ValueError(f"Received an index that points outside its folder: {name!r}")
            if not (folder / name).is_file():
                raise FileNotFoundError(f"Expected {folder / name}, which {index.name} names.")
        return [folder / name for name in names]
    pickled = sorted(file.name for pattern in _PICKLED for file in folder.glob(pattern))
    if pickled:
        raise ValueError(
            f"Expected {WEIGHTS_FILE} in {folder}. Received: {', '.join(pickled)}, pickled, which "
            "may run any code when it is read. Where you trust it, write it anew by transformers: "
            "AutoModel.from_pretrained(...).save_pretrained(..., safe_serialization=True)"
        )
    raise FileNotFoundError(f"Expected {WEIGHTS_FILE} or {INDEX_FILE} in {folder}.")


def _read_index(path):
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        if not all(isinstance(text, str) for item in listed.items() for text in item):
            raise TypeError("a weight_map of other things than names")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"Expected {path} to be an index of tensors: {error!r}") from error
    return listed


def _read_header(path):
    try:
        with safe_open(path, "np") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in _names(file)}
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"Expected {path} to be a safetensors file; it is truncated or damaged: {error}"
        ) from error


def _names(file):
    return list(file.keys())


def write_tensors(tensors, path):
    """Writes a dict of arrays as a safetensors file that transformers reads."""
    from safetensors.numpy import save_file

    arrays = {name: np.ascontiguousarray(array, "float32") for name, array in tensors.items()}
    save_file(arrays, path, metadata={"format": "pt"})
