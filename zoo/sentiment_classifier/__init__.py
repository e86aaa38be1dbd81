"""sentiment_classifier: a sentence in, one label out (imports no Keras)."""

from ..registry import Architecture, Preset, shipped
from .config import PRESETS, PRETRAINED, SentimentClassifierConfig

__all__ = ["ARCHITECTURE", "SentimentClassifierConfig"]

ARCHITECTURE = Architecture(
    name="sentiment_classifier",
    task="text_classification",
    builder="attnzoo.zoo.sentiment_classifier.model:sentiment_classifier",
    presets={
        **{name: Preset(config) for name, config in PRESETS.items()},
        **shipped("sentiment_classifier", PRETRAINED),
    },
    default_preset="small",
    description="A sentence in, one label out.",
)
