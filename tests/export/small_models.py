"""Small models whose weights are all at random, as those of trained models are.

An export of zero biases would prove nothing: converters drop them.
"""

from dataclasses import dataclass
from typing import ClassVar

import keras
import numpy as np

from attnzoo import zoo
from attnzoo.layers import NamedInputsModel, SequencePooling
from attnzoo.training.tokenizer import train_wordpiece
from attnzoo.zoo.audio_preprocessor import AudioPreprocessor
from attnzoo.zoo.graph_preprocessor import GraphPreprocessor
from attnzoo.zoo.image_preprocessor import ImagePreprocessor
from attnzoo.zoo.registry import _ARCHITECTURES, get_architecture
from attnzoo.zoo.symbols import BLANK, SPACE
from attnzoo.zoo.tasks import get_task
from attnzoo.zoo.text_preprocessor import TextPreprocessor
from attnzoo.zoo.words_preprocessor import WordsPreprocessor

LABELS = ["negative", "so-so", "schön 好"]
MAX_LENGTH = 29
PREPROCESSORS = {
    "text_classification": TextPreprocessor,
    "token_classification": WordsPreprocessor,
}
SENTENCES = (
    "A gripping, funny film: I would see it again!",
    "The café was cold and the crème brûlée was not good.",
    "Not bad at all; the staff were friendly, the rooms spotless.",
    "東京タワーは高い。東京の夜は明るい。",
    "Übergröße? Nein, naïve façade — 100% sure it is unwatchable.",
    "emoji 😀 and numbers 12 34 5678, again and again and again",
) * 3


def randomise(model, seed=0):
    """Adds noise to every weight, in place, and returns the model.

    Wide kernels get less, as sums over them would grow until rounding is all that is left.
    """
    generator = np.random.default_rng(seed)

    def noise(weight):
        width = weight.shape[-2] if weight.ndim > 1 else 1
        return generator.normal(0, 0.3 * min(1.0, (32 / width) ** 0.5), weight.shape)

    model.set_weights([w + noise(w).astype(w.dtype) for w in model.get_weights()])
    return model


def task_of(name):
    """The task of an architecture."""
    return get_task(get_architecture(name).task)


def text_models():
    """The names of the architectures that give a text one label."""
    return zoo.list_models(task="text_classification")


def make_tokenizer(vocabulary_size=150, lowercase=True):
    """A WordPiece tokenizer that knows accents, Chinese characters and an emoji."""
    return train_wordpiece(SENTENCES, vocabulary_size, lowercase)


def make_source(name, seed=0):
    """What is exported for an architecture: a small pipeline, its weights at random."""
    keras.utils.set_random_seed(seed)
    return _SOURCES[task_of(name).raw_input](name, seed)


def _text_pipeline(name, seed):
    tokenizer = make_tokenizer()
    model = zoo.build(
        f"{name}/tiny",
        num_classes=len(LABELS),
        vocabulary_size=tokenizer.get_vocab_size(),
        max_sequence_length=MAX_LENGTH,
    )
    preprocessor = PREPROCESSORS[task_of(name).name](tokenizer, MAX_LENGTH)
    return zoo.Pipeline(randomise(model, seed), preprocessor, LABELS)


def _image_pipeline(name, seed):
    sizes = {"hidden_dim": 24, "intermediate_dim": 32, "num_layers": 2}
    model = zoo.build(
        f"{name}/tiny", num_classes=len(LABELS), image_shape=(12, 8, 3), patch_size=4, **sizes
    )
    config = zoo.config_of(model)
    preprocessor = ImagePreprocessor(config.image_shape, config.position_names)
    return zoo.Pipeline(randomise(model, seed), preprocessor, LABELS)


def _graph_pipeline(name, seed):
    model = zoo.build(f"{name}/tiny", num_classes=len(LABELS), num_features=5)
    return zoo.Pipeline(randomise(model, seed), GraphPreprocessor(5), LABELS)


def _speech_pipeline(name, seed):
    labels = [BLANK, SPACE, "A", "B"]
    model = zoo.build(
        f"{name}/tiny",
        num_classes=len(labels),
        sampling_rate=2000,
        num_mels=8,
        hidden_dim=16,
        intermediate_dim=24,
        att_context_size=(5, 3),
    )
    preprocessor = AudioPreprocessor.of_config(zoo.config_of(model))
    return zoo.Pipeline(randomise(model, seed), preprocessor, labels)


_SOURCES = {
    "graph": _graph_pipeline,
    "image_bytes": _image_pipeline,
    "text": _text_pipeline,
    "wav_bytes": _speech_pipeline,
}


def small_classifier(dtype=None, seed=0, **overrides):
    """A bare sentiment classifier of one layer, quick to export."""
    keras.utils.set_random_seed(seed)
    sizes = {
        "num_layers": 1,
        "hidden_dim": 8,
        "intermediate_dim": 12,
        "vocabulary_size": 23,
        "max_sequence_length": 17,
    }
    return randomise(
        zoo.build("sentiment_classifier/tiny", dtype=dtype, **{**sizes, **overrides}), seed
    )


# === A user's own architecture, the quickest thing to export ===


@dataclass(frozen=True)
class BagOfWordsConfig(zoo.ModelConfig):
    """The mean of embedded tokens, and a dense layer over it."""

    vocabulary_size: int = 11
    hidden_dim: int = 4
    num_classes: int = 3
    max_sequence_length: int = 9
    classifier_activation: str | None = None

    free_fields: ClassVar[tuple[str, ...]] = ("classifier_activation",)


def make_inputs():
    """The Keras inputs of a text model."""
    return {
        "padding_mask": keras.Input((None,), dtype="bool", name="padding_mask", optional=True),
        "token_ids": keras.Input((None,), dtype="int32", name="token_ids"),
    }


def bag_of_words(config, dtype=None, between=None):
    """Builds the model; `between` may be a layer between pooling and head."""
    inputs = make_inputs()
    states = keras.layers.Embedding(
        config.vocabulary_size, config.hidden_dim, dtype=dtype, name="embedding"
    )(inputs["token_ids"])
    pooled = SequencePooling("mean", dtype=dtype, name="pooling")(
        states, padding_mask=inputs["padding_mask"]
    )
    if between is not None:
        pooled = between(pooled)
    if config.num_classes == 0:
        return NamedInputsModel(inputs, pooled)
    activation = config.classifier_activation
    head = keras.layers.Dense(config.num_classes, activation, dtype="float32", name="logits")
    return NamedInputsModel(inputs, head(pooled))


def bag_of_words_of(name, seed=0, **overrides):
    """A model of the architecture registered as `name`, the same one for the same seed."""
    keras.utils.set_random_seed(seed)
    return randomise(zoo.build(name, **overrides), seed)


def registered(name, builder, config=None):
    """Registers an architecture for a `with` block or a fixture; `yield from` it."""
    zoo.register_model(name, "text_classification", {"tiny": config or BagOfWordsConfig()})(builder)
    try:
        yield name
    finally:
        del _ARCHITECTURES[name]
