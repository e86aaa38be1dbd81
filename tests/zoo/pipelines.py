"""A small pipeline with a tokenizer written by hand."""

import keras
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from attnzoo import zoo
from attnzoo.zoo.text_preprocessor import TextPreprocessor

from .small_models import small_model

MAX_LENGTH = 16
VOCABULARY = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("good", "bad", "film", "##s", "very", "a", "[", "]", "cls", "pad", "sep", "mask"),
    *("!", "##ly", "un", "##believ", "##able", "the"),
]
TEXTS = ["a good film", "", "Bad films!", "the very very very unbelievable film", "good " * 40]


def small_tokenizer():
    """A WordPiece tokenizer of BERT's kind over VOCABULARY."""
    tokenizer = Tokenizer(
        models.WordPiece({token: i for i, token in enumerate(VOCABULARY)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(VOCABULARY[:5])
    return tokenizer


def small_preprocessor(max_sequence_length=MAX_LENGTH):
    """A preprocessor over `small_tokenizer`."""
    return TextPreprocessor(small_tokenizer(), max_sequence_length)


def small_pipeline(labels=("negative", "positive", "mixed"), seed=0, **overrides):
    """A pipeline over a small sentiment classifier with random weights."""
    keras.utils.set_random_seed(seed)
    overrides = {"vocabulary_size": len(VOCABULARY), "num_classes": len(labels), **overrides}
    model = small_model("sentiment_classifier", **overrides)
    return zoo.Pipeline(model, small_preprocessor(), labels, training={"seed": seed})
