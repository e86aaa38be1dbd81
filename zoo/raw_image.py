"""Images as they come: encoded files or pixels, read by Pillow (imports no TensorFlow)."""

import io
import os
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image

# What the graph of a SavedModel reads; other formats are sent to it as PNG.
_SERVED_FORMATS = ("JPEG", "PNG")


class ImageError(ValueError):
    """An image that cannot be read; the message names it."""


@dataclass(frozen=True, eq=False)
class RawImage:
    """One image, not yet decoded, and where it came from.

    Args:
        content: The bytes of a file that Pillow reads (JPEG, PNG, ...), or pixels, uint8
            `(height, width)` or `(height, width, channels)` with 1, 3 or 4 channels.
        origin: What messages call it. Defaults to `"an image"`.

    Example:
    >>> RawImage(np.zeros((2, 3), "uint8")).pixels((4, 4, 3)).shape
    (4, 4, 3)
    """

    content: bytes | np.ndarray
    origin: str = "an image"

    def __len__(self):
        """One row of a batch, however large its file."""
        return 1

    @classmethod
    def of(cls, value):
        """Returns the image that a path, encoded bytes or pixels mean.

        Raises:
            ImageError: If it is none of them, or no file is there.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, bytes):
            return cls(value, f"{len(value)} encoded bytes")
        if isinstance(value, (str, os.PathLike)):
            try:
                with open(value, "rb") as file:
                    return cls(file.read(), str(value))
            except OSError as error:
                raise ImageError(
                    f"Expected an image file at {value}; it cannot be read: {error.strerror}"
                ) from error
        if isinstance(value, Image.Image):
            return cls(np.asarray(_as_eight_bits(value)), "an image of Pillow")
        if isinstance(value, np.ndarray):
            is_image = value.ndim == 2 or (value.ndim == 3 and value.shape[2] in (1, 3, 4))
            if value.dtype == np.uint8 and is_image and value.size:
                return cls(value, f"pixels of shape {value.shape}")
            raise ImageError(
                "Expected pixels as uint8 of shape (height, width) or (height, width, channels) "
                f"with 1, 3 or 4 channels. Received: {value.dtype} of shape {value.shape}"
            )
        raise ImageError(
            "Expected every input to be the path of an image, its encoded bytes, or its pixels. "
            f"Received: one of type {type(value).__name__}: {value!r:.80}"
        )

    def pixels(self, image_shape):
        """Decodes the image and fits it to a shape.

        Grey and transparent images become RGB, transparency being dropped; with one channel, all
        become grey. Another size is resized, whatever its aspect, by a triangle filter as wide as
        the image is reduced. The orientation that a camera notes (EXIF) is not looked at.

        Args:
            image_shape: `(height, width, channels)`.

        Returns:
            uint8 of that shape.

        Raises:
            ImageError: If the image is damaged, in no format that Pillow reads, or has more pixels
                than `PIL.Image.MAX_IMAGE_PIXELS`.
        """
        height, width, channels = image_shape
        image = self._decoded()
        if channels == 1:
            image = image.convert("L")
        # One axis after the other: left to itself, the order depends on Pillow's version.
        for size in ((width, image.height), (width, height)):
            image = image.resize(size, Image.Resampling.BILINEAR)
        return np.asarray(image).reshape(image_shape)

    def check(self):
        """Raises an ImageError unless the image can be decoded."""
        self._decoded()

    def encoded(self):
        """Returns a JPEG or PNG file of the image, as the graph of a SavedModel reads it."""
        if isinstance(self.content, bytes):
            with self._opened() as image:
                if image.format in _SERVED_FORMATS and image.mode in ("L", "RGB"):
                    return self.content
        file = io.BytesIO()
        self._decoded().save(file, "PNG")
        return file.getvalue()

    def _decoded(self):
        """Returns the image in RGB, at its own size."""
        if not isinstance(self.content, bytes):
            content = self.content
            if content.ndim == 3 and content.shape[2] == 1:
                content = content[:, :, 0]
            return Image.fromarray(content).convert("RGB")
        with self._opened() as image:
            try:
                return _as_eight_bits(image).convert("RGB")
            except Exception as error:  # The library raises nothing narrower.
                raise self._unreadable(error) from error

    def _opened(self):
        """Returns the image with its header read."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                return Image.open(io.BytesIO(self.content))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise ImageError(
                f"Expected {self.origin} to have at most {Image.MAX_IMAGE_PIXELS:,} pixels "
                f"(`PIL.Image.MAX_IMAGE_PIXELS`). Received: {error}"
            ) from error
        except Exception as error:  # The library raises nothing narrower.
            raise self._unreadable(error) from error

    def _unreadable(self, reason):
        return ImageError(f"Expected {self.origin} to be an image. Received: {reason}")


def _as_eight_bits(image):
    """Returns a 16-bit grey image with the upper 8 bits of its pixels, another one as it is."""
    if image.mode.startswith("I"):
        return Image.fromarray(
            (np.asarray(image).astype("int64") >> 8).clip(0, 255).astype("uint8")
        )
    return image
