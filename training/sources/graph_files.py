"""What the readers of graphs share: files of integers, and links without a direction."""

import gzip
import zlib

import numpy as np

from .records import decoded_lines
from .rows import DataError


def read_numbers(path, columns=None, dtype="float32"):
    """Reads a file of numbers, parted by commas or spaces, a row on each line.

    Args:
        path: The file, plain or with `.gz` at its end.
        columns: How many numbers each line has. Defaults to None (as many as the first).
        dtype: NumPy dtype of the numbers. Defaults to `"float32"`.

    Returns:
        Array `(lines, columns)`.

    Raises:
        DataError: At a line with something else, or if there is none.
    """
    rows = []
    kind = int if np.issubdtype(dtype, np.integer) else float
    for number, line in enumerate(_lines(path), 1):
        fields = line.replace(",", " ").split()
        columns = columns or len(fields)
        try:
            if len(fields) != columns:
                raise ValueError
            rows.append([kind(field) for field in fields])
        except ValueError:
            what = "integer" if kind is int else "number"
            raise DataError(
                f"Expected {columns} {what}{'s' if columns > 1 else ''} in {path}, line {number}. "
                f"Received: {line.strip()!r:.80}"
            ) from None
    if not rows:
        raise DataError(f"Expected numbers in {path}; the file is empty.")
    return np.array(rows, dtype)


def read_integers(path, columns):
    """Reads a file of integers, see `read_numbers`."""
    return read_numbers(path, columns, "int64")


def _lines(path):
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        try:
            yield from decoded_lines(file, path)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"Expected {path} to be a whole gzip file: {error}") from error


def undirected(links):
    """Returns edges both ways for links `(links, 2)`, each once, in order.

    Example:
    >>> undirected(np.array([[0, 1], [1, 0], [2, 2]])).tolist()
    [[0, 1], [1, 0], [2, 2]]
    """
    return np.unique(np.concatenate([links, links[:, ::-1]]), axis=0).reshape(-1, 2)
