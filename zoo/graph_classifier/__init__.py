"""graph_classifier: a graph in, one label for each node or for the graph out (imports no Keras)."""

from ..registry import Architecture, Preset, shipped
from .config import PRESETS, PRETRAINED, GraphClassifierConfig

__all__ = ["ARCHITECTURE", "GraphClassifierConfig"]

ARCHITECTURE = Architecture(
    name="graph_classifier",
    task="graph_classification",
    builder="attnzoo.zoo.graph_classifier.model:graph_classifier",
    presets={
        **{name: Preset(config) for name, config in PRESETS.items()},
        **shipped("graph_classifier", PRETRAINED),
    },
    default_preset="small",
    description="A graph in, one label for each node, or for the whole, out.",
)
