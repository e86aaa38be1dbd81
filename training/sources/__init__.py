"""Sources of labelled texts: files, folders, TensorFlow Datasets and the built-in demo."""

from .files import FileSource
from .graphs import open_graphs, read_graphs
from .rows import DataError, Row
from .spec import open_texts
from .tagged import TaggedFile, open_tagged
from .texts import read_texts

__all__ = [
    "DataError",
    "FileSource",
    "Row",
    "TaggedFile",
    "open_graphs",
    "open_tagged",
    "open_texts",
    "read_graphs",
    "read_texts",
]
