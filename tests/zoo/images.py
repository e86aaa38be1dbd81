"""Images that tests draw for themselves, and a small pipeline over them."""

import io

import numpy as np
from PIL import Image

from attnzoo import zoo
from attnzoo.zoo.image_preprocessor import ImagePreprocessor

from .small_models import small_model

SHAPE = (8, 8, 3)


def random_pixels(*shape, seed=0):
    """Noise, uint8."""
    return np.random.default_rng(seed).integers(0, 256, shape, "uint8")


def encoded(image, file_format="PNG", **options):
    """The bytes of an image file, of pixels or an image of Pillow."""
    file = io.BytesIO()
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(file, file_format, **options)
    return file.getvalue()


def small_image_pipeline(labels=("cat", "dog", "frog"), **overrides):
    """A pipeline over a small image classifier with random weights."""
    model = small_model("image_classifier", num_classes=len(labels), **overrides)
    config = zoo.config_of(model)
    preprocessor = ImagePreprocessor(config.image_shape, config.position_names)
    return zoo.Pipeline(model, preprocessor, labels)
