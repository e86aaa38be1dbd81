"""speech_encoder: a recording in, its text or a label out (imports no Keras)."""

from ..registry import Architecture, Preset, shipped
from .config import PRESETS, PRETRAINED, SpeechEncoderConfig

__all__ = ["ARCHITECTURE", "SpeechEncoderConfig"]

ARCHITECTURE = Architecture(
    name="speech_encoder",
    task="speech_recognition",
    builder="attnzoo.zoo.speech_encoder.model:speech_encoder",
    presets={
        **{name: Preset(config) for name, config in PRESETS.items()},
        **shipped("speech_encoder", PRETRAINED),
    },
    default_preset="small",
    description="A recording in, its text out, or one label.",
)
