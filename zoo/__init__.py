"""attnzoo.zoo: architectures, presets and pipelines (floor 2: imports layers).

Importing this package imports no Keras; what needs it is imported when first asked for.
"""

from typing import TYPE_CHECKING

from . import graph_classifier as _graph_classifier
from . import image_classifier as _image_classifier
from . import sentiment_classifier as _sentiment_classifier
from . import sequence_tagger as _sequence_tagger
from . import speech_encoder as _speech_encoder
from .config import ModelConfig
from .registry import get_config, list_models, list_presets, register, register_model

if TYPE_CHECKING:
    from .attention_weights import attention_scores
    from .builder import build, config_of
    from .graph import Graph
    from .pipeline import Pipeline, load
    from .prediction import (
        LabelledFrames,
        LabelledNodes,
        Prediction,
        SpokenWord,
        TaggedText,
        TaggedWord,
        Transcript,
    )
    from .raw_audio import RawAudio
    from .raw_image import RawImage
    from .streaming import StreamingEncoder

__all__ = [
    "Graph",
    "LabelledFrames",
    "LabelledNodes",
    "ModelConfig",
    "Pipeline",
    "Prediction",
    "RawAudio",
    "RawImage",
    "SpokenWord",
    "StreamingEncoder",
    "TaggedText",
    "TaggedWord",
    "Transcript",
    "attention_scores",
    "build",
    "config_of",
    "get_config",
    "list_models",
    "list_presets",
    "load",
    "register_model",
]

for _module in (
    _graph_classifier,
    _image_classifier,
    _sentiment_classifier,
    _sequence_tagger,
    _speech_encoder,
):
    register(_module.ARCHITECTURE)

_LAZY = {
    "Graph": "graph",
    "LabelledFrames": "prediction",
    "LabelledNodes": "prediction",
    "Pipeline": "pipeline",
    "Prediction": "prediction",
    "RawAudio": "raw_audio",
    "RawImage": "raw_image",
    "SpokenWord": "prediction",
    "StreamingEncoder": "streaming",
    "TaggedText": "prediction",
    "TaggedWord": "prediction",
    "Transcript": "prediction",
    "attention_scores": "attention_weights",
    "build": "builder",
    "config_of": "builder",
    "load": "pipeline",
}


def __getattr__(name):
    """Imports what needs Keras on first use (PEP 562)."""
    if name in _LAZY:
        import importlib

        value = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
