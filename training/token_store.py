"""Texts tokenised once, ahead of training, kept on disk so that they may exceed memory."""

import itertools
import tempfile
from pathlib import Path

import numpy as np

_TEXTS_AT_ONCE = 10_000


class TokenStore:
    """The token ids of a split, in one memory-mapped file that is removed with this object.

    Args:
        preprocessor: Whose `encode` makes token ids of texts.
        texts: Iterable of strings; read once.

    Attributes:
        lengths: Number of tokens in each text, int64 `(texts,)`.

    Example:
    ```python
    store = TokenStore(pipeline.preprocessor, data.train.inputs())
    store[[0, 5]]  # list of two int32 arrays
    ```
    """

    def __init__(self, preprocessor, texts):
        self._folder = tempfile.TemporaryDirectory(prefix="attnzoo-tokens-")
        path = Path(self._folder.name) / "token_ids.int32"
        lengths = []
        texts = iter(texts)
        with open(path, "wb") as file:
            while chunk := list(itertools.islice(texts, _TEXTS_AT_ONCE)):
                encoded = preprocessor.encode(chunk)
                lengths.extend(len(ids) for ids in encoded)
                np.concatenate(encoded).astype("int32").tofile(file)
        self.lengths = np.array(lengths, "int64")
        self._ends = np.cumsum(self.lengths)
        empty = not self.lengths.sum()  # An empty file cannot be mapped.
        self._ids = np.zeros(0, "int32") if empty else np.memmap(path, "int32", mode="r")

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, rows):
        """Returns the token ids of these rows, a list of int32 arrays."""
        starts = self._ends[rows] - self.lengths[rows]
        return [
            np.asarray(self._ids[start:end])
            for start, end in zip(starts, self._ends[rows], strict=True)
        ]
