"""Configuration and presets of the sentiment classifier (imports no Keras)."""

from dataclasses import dataclass
from typing import ClassVar

from ..config import TextEncoderConfig, check_activation, check_num_classes


@dataclass(frozen=True)
class SentimentClassifierConfig(TextEncoderConfig):
    """A sentence in, one label out: encoder, pooling, logits.

    Args:
        num_classes: Number of labels; 0 gives the backbone, which returns the pooled vector.
            Defaults to 2.
        pooling: `"mean"` over real tokens or `"cls"`, the first token. Defaults to `"mean"`.
        pooler_activation: Activation of a dense layer on the pooled vector, `"gelu"`, `"relu"` or
            `"tanh"`; it belongs to the backbone. Defaults to None (no such layer).
        classifier_activation: Activation of the output. Defaults to None (logits).

    Raises:
        ValueError: If `num_classes` is neither 0 nor at least 2, or a field is out of its range.
    """

    num_classes: int = 2
    pooling: str = "mean"
    pooler_activation: str | None = None
    classifier_activation: str | None = None

    free_fields: ClassVar[tuple[str, ...]] = (
        *TextEncoderConfig.free_fields,
        "classifier_activation",
        "num_classes",
    )

    def __post_init__(self):
        super().__post_init__()
        check_num_classes(self.num_classes)
        check_activation("pooler_activation", self.pooler_activation)


# They are for training from scratch on thousands of sentences, which asks for strong dropout, for
# positions that begin small, and for blocks that add little at first to what the embeddings say
# (docs/benchmarks.md has the figures).
PRESETS = {
    "tiny": SentimentClassifierConfig(
        hidden_dim=32,
        intermediate_dim=64,
        num_layers=2,
        num_heads=2,
        vocabulary_size=2000,
        position="learned",
        layer_scale=0.1,
        final_norm=False,
    ),
    "small": SentimentClassifierConfig(
        hidden_dim=64,
        intermediate_dim=128,
        num_layers=1,
        num_heads=2,
        vocabulary_size=16000,
        position="learned",
        dropout=0.3,
        embedding_dropout=0.5,
        layer_scale=0.1,
        final_norm=False,
    ),
    "base": SentimentClassifierConfig(
        hidden_dim=256,
        intermediate_dim=1024,
        num_layers=4,
        num_heads=4,
        vocabulary_size=16000,
        max_sequence_length=256,
        position="learned",
        dropout=0.3,
        embedding_dropout=0.5,
        layer_scale=0.1,
        final_norm=False,
    ),
}

# Those that come with weights, and what they say of an input.
PRETRAINED = {
    "student_sst2": (
        PRESETS["small"].replace(vocabulary_size=12251),
        "Whether a sentence of a film review is positive (1) or negative (0), English.",
    ),
}
