"""The tensors of a NumPy archive (`.npz`), as Google publishes ViT."""

import zipfile
import zlib

import ml_dtypes
import numpy as np

# What the trees of parameters are under, in files of several tools.
_PREFIXES = ("opt/target/", "params/img/", "params/")
_STACKED = "Transformer/encoderblock/"


class NpzTensors:
    """Reads tensors by name; nothing in the file is unpickled.

    Blocks that big_vision stacked to one tensor each come apart as `encoderblock_0`, ...

    Args:
        path: `Path` of the file.

    Attributes:
        shapes: Dict from the name of each tensor, without what it is under, to its shape.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or holds something else than numbers.
    """

    def __init__(self, path):
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (ValueError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(
                f"Expected {path} to be an archive of arrays of numbers, whole: {error}"
            ) from error
        self._arrays = {}
        for name, array in arrays.items():
            if array.dtype.kind == "V" and array.dtype.itemsize == 2:  # NumPy knows no bfloat16.
                array = array.view(ml_dtypes.bfloat16)
            prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), "")
            self._arrays |= _unstacked(name.removeprefix(prefix), array)
        self.shapes = {name: array.shape for name, array in self._arrays.items()}

    def read(self, name):
        """Returns a tensor as float32."""
        return self._arrays[name].astype("float32")


def _unstacked(name, array):
    if not name.startswith(_STACKED):
        return {name: array}
    rest = name.removeprefix(_STACKED)
    return {f"Transformer/encoderblock_{i}/{rest}": part for i, part in enumerate(array)}
