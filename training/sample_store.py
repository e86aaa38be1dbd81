"""Arrays of many lengths, kept one after the other on disk."""

import tempfile
from pathlib import Path

import numpy as np


class SampleStore:
    """Arrays of one dtype in one memory-mapped file, which is removed with this object.

    They may be more than memory holds.

    Args:
        arrays: Iterable of arrays `(length, ...)`, all but their lengths alike; read once.
        dtype: NumPy name of the dtype on disk.

    Attributes:
        lengths: Length of each array, int64.

    Example:
    >>> store = SampleStore([np.arange(3), np.arange(2)], "int16")
    >>> store[1].tolist(), store.lengths.tolist()
    ([0, 1], [3, 2])
    """

    def __init__(self, arrays, dtype):
        self._folder = tempfile.TemporaryDirectory(prefix="attnzoo-samples-")
        path = Path(self._folder.name) / f"samples.{dtype}"
        lengths, inner = [], ()
        with open(path, "wb") as file:
            for array in arrays:
                array = np.ascontiguousarray(array, dtype)
                inner = array.shape[1:]
                array.tofile(file)
                lengths.append(len(array))
        self.lengths = np.array(lengths, "int64")
        self._ends = np.cumsum(self.lengths)
        if self._ends.size and self._ends[-1]:
            shape = (int(self._ends[-1]), *inner)
            self._samples = np.memmap(path, dtype, mode="r", shape=shape)
        else:
            self._samples = np.zeros((0, *inner), dtype)

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, index):
        """Returns the array of this index, which is read when it is used."""
        end = int(self._ends[index])
        return self._samples[end - int(self.lengths[index]) : end]
