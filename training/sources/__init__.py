"""Sources of labelled inputs: files, folders, TensorFlow Datasets and the built-in demo."""

from .files import FileSource
from .graphs import open_graphs, read_graphs
from .image_files import IMAGE_SUFFIXES
from .images import open_images
from .recordings import AUDIO_SUFFIXES
from .rows import DataError, Row
from .spec import open_texts
from .speech import open_speech
from .tagged import TaggedFile, is_tagged_file, open_tagged, read_words
from .texts import read_texts

__all__ = [
    "AUDIO_SUFFIXES",
    "IMAGE_SUFFIXES",
    "DataError",
    "FileSource",
    "Row",
    "TaggedFile",
    "is_tagged_file",
    "open_graphs",
    "open_images",
    "open_speech",
    "open_tagged",
    "open_texts",
    "read_graphs",
    "read_texts",
    "read_words",
]
