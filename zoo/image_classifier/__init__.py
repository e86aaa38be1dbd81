"""image_classifier: an image in, one label out (imports no Keras)."""

from ..registry import Architecture, Preset
from .config import PRESETS, ImageClassifierConfig

__all__ = ["ARCHITECTURE", "ImageClassifierConfig"]

ARCHITECTURE = Architecture(
    name="image_classifier",
    task="image_classification",
    builder="attnzoo.zoo.image_classifier.model:image_classifier",
    presets={name: Preset(config) for name, config in PRESETS.items()},
    default_preset="small",
    demo_preset="digits",
    description="An image in, one label out.",
)
