"""Images of any kind and size to uint8 batches of one shape (imports no TensorFlow)."""

import numpy as np

from .raw_image import RawImage


class ImagePreprocessor:
    """Decodes images, fits them to one shape and stacks them to batches.

    Rescaling and normalisation are inside the model.

    Args:
        image_shape: `(height, width, channels)` of the model, see `RawImage.pixels`.
        position_names: What the encoder's positions are called on an axis. Defaults to none.

    Example:
    >>> preprocessor = ImagePreprocessor((4, 4, 3))
    >>> grey = np.full((8, 8), 7, "uint8")
    >>> preprocessor.collate(preprocessor.encode([grey]))["images"].shape
    (1, 4, 4, 3)
    """

    def __init__(self, image_shape, position_names=()):
        self.image_shape = tuple(image_shape)
        self.position_names = list(position_names)

    def checked(self, images):
        """Returns the images as a list of `RawImage`, read but not decoded.

        Args:
            images: Paths, encoded bytes, uint8 pixels, images of Pillow, or `RawImage`s.

        Raises:
            ImageError: If one is none of these, or no file is there.
        """
        return [RawImage.of(image) for image in images]

    def encode(self, images):
        """Returns a list of uint8 arrays `image_shape`, one for each image.

        Raises:
            ImageError: If one cannot be decoded.
        """
        return [image.pixels(self.image_shape) for image in self.checked(images)]

    def padded_length(self, lengths):
        """Returns the height of the images: none is padded."""
        return self.image_shape[0]

    def collate(self, encoded, length=None):
        """Stacks arrays to one batch, `images (batch, height, width, channels)` uint8."""
        return {"images": np.array(encoded, "uint8").reshape(-1, *self.image_shape)}

    def ticks(self, encoded):
        """Returns what the encoder's positions are called on an axis."""
        return self.position_names

    def description(self):
        """Returns all that decides what it makes of an image, as one string."""
        return f"images {self.image_shape}"

    def save(self, folder):
        """Writes nothing: all that it needs is in the model's configuration."""
