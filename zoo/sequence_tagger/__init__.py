"""sequence_tagger: words in, one label a word out (imports no Keras)."""

from ..registry import Architecture, Preset, shipped
from .config import PRESETS, PRETRAINED, SequenceTaggerConfig

__all__ = ["ARCHITECTURE", "SequenceTaggerConfig"]

ARCHITECTURE = Architecture(
    name="sequence_tagger",
    task="token_classification",
    builder="attnzoo.zoo.sequence_tagger.model:sequence_tagger",
    presets={
        **{name: Preset(config) for name, config in PRESETS.items()},
        **shipped("sequence_tagger", PRETRAINED),
    },
    default_preset="small",
    description="Words in, one label a word out.",
)
