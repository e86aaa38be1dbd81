"""An architecture of a user's own, as small as one can be."""

from dataclasses import dataclass
from typing import ClassVar

import keras

from attnzoo import zoo
from attnzoo.layers import NamedInputsModel, SequencePooling


@dataclass(frozen=True)
class BagOfWordsConfig(zoo.ModelConfig):
    """A user's own configuration."""

    vocabulary_size: int = 50
    hidden_dim: int = 8
    max_sequence_length: int = 12
    dropout: float = 0.1
    num_classes: int = 2

    free_fields: ClassVar[tuple[str, ...]] = ("dropout", "num_classes")


def bag_of_words(config, dtype=None):
    """The mean of the words' vectors, and a linear layer."""
    inputs = {
        "padding_mask": keras.Input((None,), dtype="bool", name="padding_mask", optional=True),
        "token_ids": keras.Input((None,), dtype="int32", name="token_ids"),
    }
    states = keras.layers.Embedding(
        config.vocabulary_size, config.hidden_dim, dtype=dtype, name="words"
    )(inputs["token_ids"])
    states = SequencePooling("mean", dtype=dtype)(states, padding_mask=inputs["padding_mask"])
    states = keras.layers.Dropout(config.dropout, dtype=dtype)(states)
    logits = keras.layers.Dense(config.num_classes, dtype="float32", name="logits")(states)
    return NamedInputsModel(inputs, logits, name="bag_of_words")


def register(builder=bag_of_words, name="bag_of_words"):
    """Registers it, as a user would."""
    presets = {"narrow": BagOfWordsConfig(), "wide": BagOfWordsConfig(hidden_dim=32)}
    return zoo.register_model(name, "text_classification", presets, description="Counts words.")(
        builder
    )
