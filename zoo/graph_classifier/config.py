"""Configuration and presets of the graph classifier (imports no Keras)."""

from dataclasses import dataclass
from typing import ClassVar

from ..config import ModelConfig, check_num_classes

_SCORES = ("gat", "gatv2", "dot")
_READOUTS = (None, "mean", "sum", "log_sum", "max", "attention")


@dataclass(frozen=True)
class GraphClassifierConfig(ModelConfig):
    """Attention along edges, then a label for each node or, after a readout, for the graph.

    Args:
        num_features: Number of features of each node. Defaults to 16.
        hidden_dim: Size of the vectors between layers, all heads together. Defaults to 64.
        num_layers: Number of attention layers before the logits. To label nodes, the logits come
            of one more, as in the paper. Defaults to 2.
        num_heads: Heads of each of these layers. Defaults to 4.
        score: `"gat"`, `"gatv2"` or `"dot"`, see `layers.GraphAttention`. Defaults to `"gatv2"`.
        readout: What makes one vector of a graph's nodes: `"mean"`, `"sum"`, `"log_sum"`, `"max"`
            or `"attention"`, see `layers.GraphReadout`. A dense layer stands between it and the
            logits. Defaults to None (each node has a label).
        dropout: Rate on the input of each layer. Defaults to 0.1.
        attention_dropout: Rate on attention weights, that is on edges. Defaults to 0.0.
        residual: Whether each layer adds to its input rather than replaces it. Defaults to True.
        normalize_features: Whether each node's features are divided by their sum, as one does with
            counts of words. Defaults to False.
        num_classes: Number of labels; 0 gives the backbone, which returns a vector for each node,
            or for each graph. Defaults to 2.
        classifier_activation: Activation of the output. Defaults to None (logits).

    Raises:
        ValueError: If a field is out of its range, or heads do not divide `hidden_dim`.
    """

    num_features: int = 16
    hidden_dim: int = 64
    num_layers: int = 2
    num_heads: int = 4
    score: str = "gatv2"
    readout: str | None = None
    dropout: float = 0.1
    attention_dropout: float = 0.0
    residual: bool = True
    normalize_features: bool = False
    num_classes: int = 2
    classifier_activation: str | None = None

    free_fields: ClassVar[tuple[str, ...]] = (
        "attention_dropout",
        "classifier_activation",
        "dropout",
        "num_classes",
    )
    positive_fields: ClassVar[tuple[str, ...]] = (
        "num_features",
        "hidden_dim",
        "num_layers",
        "num_heads",
    )
    rate_fields: ClassVar[tuple[str, ...]] = ("dropout", "attention_dropout")

    def __post_init__(self):
        super().__post_init__()
        check_num_classes(self.num_classes)
        for name, choices in (("score", _SCORES), ("readout", _READOUTS)):
            value = getattr(self, name)
            if value not in choices:
                raise ValueError(
                    f"Received an invalid value for `{name}`, expected one of {choices}. "
                    f"Received: {name}={value!r}"
                )
        if self.hidden_dim % self.num_heads:
            raise ValueError(
                "Expected `hidden_dim` to be a multiple of `num_heads`. Received: "
                f"hidden_dim={self.hidden_dim}, num_heads={self.num_heads}"
            )


PRESETS = {
    "tiny": GraphClassifierConfig(hidden_dim=32, num_layers=1, num_heads=2, residual=False),
    "small": GraphClassifierConfig(),
    # The shape of the paper: 8 heads of 8, and an attention layer that returns the logits.
    "cora": GraphClassifierConfig(
        num_features=1433,
        hidden_dim=64,
        num_layers=1,
        num_heads=8,
        score="gat",
        dropout=0.6,
        attention_dropout=0.6,
        residual=False,
        normalize_features=True,
        num_classes=7,
    ),
    "proteins": GraphClassifierConfig(
        num_features=4, hidden_dim=32, num_layers=2, num_heads=4, readout="log_sum"
    ),
}

# Those that come with weights, and what they say of an input.
PRETRAINED = {
    "citations_cora": (PRESETS["cora"], "The subject of each paper in Cora's citations."),
}
