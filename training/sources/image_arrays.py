"""Labelled images in NumPy arrays: given as they are, in a `.npz` file, or the demo's digits."""

import zipfile

import numpy as np

from ...zoo.raw_image import ImageError, RawImage
from .rows import DataError, Row

# Names of the arrays of a `.npz` file, as Keras's own data sets have them.
_ARRAYS = {"train": ("x_train", "y_train"), "validation": ("x_val", "y_val")}
_ARRAYS["test"] = ("x_test", "y_test")


class ImageArrays:
    """Rows of arrays.

    Args:
        images: uint8 `(rows, height, width)` or `(rows, height, width, channels)`.
        labels: Integers or strings `(rows,)`, or `(rows, 1)` as in some sets of Keras.
        name: What messages call it.

    Raises:
        DataError: If the arrays do not fit each other or are no images.
    """

    def __init__(self, images, labels, name):
        images, labels = np.asarray(images), np.asarray(labels)
        self.images, self.labels, self.name = images, labels.reshape(-1), name
        try:
            if images.ndim not in (3, 4) or len(images) != len(self.labels):
                raise ImageError(
                    "Expected as many images as labels. "
                    f"Received: arrays of shape {images.shape} and {labels.shape}"
                )
            for image in images[:1]:
                RawImage.of(image)
        except ImageError as error:
            raise DataError(f"{name}: {error}") from error

    def __iter__(self):
        """Yields every row."""
        for index, (image, label) in enumerate(zip(self.images, self.labels, strict=True)):
            origin = f"{self.name}, row {index}"
            yield Row(RawImage(image, origin), str(label), origin)


def open_arrays(spec):
    """Opens `(images, labels)`, or `((train images, labels), (test images, labels))`."""
    parts = spec if all(isinstance(part, tuple) for part in spec) else (spec,)
    if len(parts) > 2 or any(len(part) != 2 for part in parts):
        raise DataError(
            "Expected a pair of arrays `(images, labels)`, or two such pairs to learn from and to "
            f"test on. Received: a tuple of {len(spec)}"
        )
    names = ("train", "test")[: len(parts)]
    sources = {
        name: ImageArrays(*part, f"the {name} arrays")
        for name, part in zip(names, parts, strict=True)
    }
    shapes = ", ".join(f"{name} {source.images.shape}" for name, source in sources.items())
    return sources, [f"arrays of images: {shapes}"]


def open_npz(path):
    """Opens a `.npz` file with `x_train`, `y_train` and perhaps `x_val`, `x_test` and so on.

    Raises:
        DataError: If it is no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            sources = {
                split: ImageArrays(file[images], file[labels], f"{path}, {images}")
                for split, (images, labels) in _ARRAYS.items()
                if images in file.files and labels in file.files
            }
            names = file.files
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"Expected {path} to be a .npz file of plain arrays: {error}") from error
    if "train" not in sources:
        raise DataError(
            f"Expected the arrays `x_train` and `y_train` in {path}. Received: {sorted(names)}"
        )
    return sources, [f"{path}: arrays for {list(sources)}"]


def open_digits():
    """Opens the 1,797 handwritten digits of scikit-learn; a fixed fifth of them is for tests."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = np.round(digits.images * (255 / 16)).astype("uint8")  # They go to 16.
    train, test = train_test_split(
        np.arange(len(images)), test_size=0.2, stratify=digits.target, random_state=0
    )
    sources = {
        split: ImageArrays(images[rows], digits.target[rows], f"scikit-learn's digits, {split}")
        for split, rows in (("train", train), ("test", test))
    }
    return sources, ["demo: the digits of scikit-learn, 8 x 8 pixels; a fifth of them to test on"]
