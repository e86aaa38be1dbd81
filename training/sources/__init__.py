"""Sources of labelled texts: files, folders, TensorFlow Datasets and the built-in demo."""

from .files import FileSource
from .rows import DataError, Row
from .spec import open_texts

__all__ = ["DataError", "FileSource", "Row", "open_texts"]
