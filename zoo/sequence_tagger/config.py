"""Configuration and presets of the sequence tagger (imports no Keras)."""

from dataclasses import dataclass
from typing import ClassVar

from ..config import TextEncoderConfig, check_num_classes


@dataclass(frozen=True)
class SequenceTaggerConfig(TextEncoderConfig):
    """Words in, one label a word out: encoder, the first piece of each word, logits.

    A sentence is never cut, as every word gets a label: `max_sequence_length` is the longest piece
    of a sentence that training sees, and what an export is verified up to; with learned positions,
    of which there are as many, a longer sentence is an error.

    Args:
        num_classes: Number of labels; 0 gives the backbone, which returns a vector for each word.
            Defaults to 17 (the UPOS tags of Universal Dependencies).
        classifier_activation: Activation of the output. Defaults to None (logits).

    Raises:
        ValueError: If `num_classes` is neither 0 nor at least 2, or a field is out of its range.
    """

    num_classes: int = 17
    classifier_activation: str | None = None

    free_fields: ClassVar[tuple[str, ...]] = (
        *TextEncoderConfig.free_fields,
        "classifier_activation",
        "num_classes",
    )

    def __post_init__(self):
        super().__post_init__()
        check_num_classes(self.num_classes)


PRESETS = {
    "tiny": SequenceTaggerConfig(
        hidden_dim=32,
        intermediate_dim=64,
        num_layers=2,
        num_heads=2,
        vocabulary_size=2000,
        position="rope",
    ),
    "small": SequenceTaggerConfig(
        hidden_dim=192,
        intermediate_dim=384,
        num_layers=3,
        num_heads=6,
        vocabulary_size=8000,
        position="relative",
        dropout=0.2,
        embedding_dropout=0.3,
    ),
    "base": SequenceTaggerConfig(
        hidden_dim=256,
        intermediate_dim=1024,
        num_layers=4,
        num_heads=4,
        vocabulary_size=16000,
        position="relative",
        dropout=0.2,
        embedding_dropout=0.3,
    ),
}

# Those that come with weights, and what they say of an input.
PRETRAINED = {
    "pos_ewt": (
        PRESETS["small"],
        "Universal parts of speech, English.",
    ),
}
