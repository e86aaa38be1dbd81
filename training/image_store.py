"""Images decoded and resized once, ahead of training, and kept on disk."""

import itertools
import tempfile
from pathlib import Path

import numpy as np

_IMAGES_AT_ONCE = 256


class ImageStore:
    """The pixels of a split, in one memory-mapped file that is removed with this object.

    They may be more than memory holds.

    Args:
        preprocessor: `ImagePreprocessor`, whose `encode` gives all images one shape.
        images: Iterable of images; read once.

    Attributes:
        image_shape: `(height, width, channels)`.

    Example:
    ```python
    store = ImageStore(pipeline.preprocessor, data.train.inputs())
    store[[0, 5]]  # uint8 (2, height, width, channels)
    ```
    """

    def __init__(self, preprocessor, images):
        self._folder = tempfile.TemporaryDirectory(prefix="attnzoo-images-")
        path = Path(self._folder.name) / "images.uint8"
        self._count = 0
        images = iter(images)
        with open(path, "wb") as file:
            while chunk := list(itertools.islice(images, _IMAGES_AT_ONCE)):
                np.stack(preprocessor.encode(chunk)).tofile(file)
                self._count += len(chunk)
        self.image_shape = preprocessor.image_shape
        shape = (self._count, *self.image_shape)
        self._pixels = np.memmap(path, "uint8", mode="r", shape=shape)

    def __len__(self):
        return self._count

    def __getitem__(self, rows):
        """Returns the pixels of these rows, uint8 `(rows, height, width, channels)`."""
        return np.asarray(self._pixels[rows])
