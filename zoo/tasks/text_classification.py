"""Text classification: one text in, one label out."""

from typing import ClassVar

import numpy as np

from .classification import Classification
from .interface import TensorSpec, sequence_samples

# Where a tokenizer compiled into a graph could differ from the Python one.
RAW_TEXTS = (
    "A gripping, funny film: I'd see it again!",
    "",
    " \t ",
    "Cafés déjà-vu, ÜBERGRÖSSE, İstanbul, ΣΊΣΥΦΟΣ, ﬁne ①②",
    "東京タワーは高い。 한국어 กำแพง हिन्दी עברית العربية",
    "😀👩\u200d👩\u200d👧 🇫🇷 ❤\ufe0f e\u0301 a\u0308\u0301 \u0301x",
    "a\x00b\x07c\u200bd\u00a0e\u3000f\u2028g\ufeffh\ufffdi\r\nj",
    "[CLS] typed [MASK] special ##pieces [SEP]",
    "x" * 300,
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "not bad at all . " * 600,
)


class TextClassification(Classification):
    """A text becomes token ids; the logits become the most probable label."""

    name = "text_classification"
    raw_input = "text"
    # The kind of a SavedModel's signature that answers checked raw inputs.
    served_kind = "raw"
    # What a preprocessor of this task saves, so that an artefact without them has none.
    preprocessor_files = ("tokenizer.json",)
    # What follows `attnzoo predict MODEL`.
    command_example = "'your text here'"
    # Keras input -> the artefact's tensor and the dimension that it is derived from. A server may
    # pad a batch with anything, so artefacts take lengths, and never a mask.
    masks: ClassVar = {"padding_mask": ("lengths", "length")}
    # How a client without our code makes an artefact's tensors of one input.
    client_example = (
        "import numpy, tokenizers",
        'tokenizer = tokenizers.Tokenizer.from_file("tokenizer.json")',
        "tokenizer.encode_special_tokens = True",
        'token_ids = numpy.array([tokenizer.encode("A gripping, funny film.").ids], "int32")',
        'lengths = numpy.array([token_ids.shape[1]], "int32")',
    )

    def raw_samples(self, config):
        """Returns texts for which a tokenizer compiled into a graph could differ from Python's."""
        return RAW_TEXTS

    def inputs(self, config):
        """Returns the tensors that an artefact takes."""
        token_ids, lengths = (
            TensorSpec(
                "token_ids", "int32", ("batch", "length"), "ids of `tokenizer.json`, padded"
            ),
            TensorSpec("lengths", "int32", ("batch",), "number of real tokens in each row"),
        )
        if not _has_segments(config):
            return token_ids, lengths
        segments = TensorSpec(
            "segment_ids", "int32", ("batch", "length"), "0, and 1 in the second text of a pair"
        )
        return token_ids, lengths, segments

    def sample(self, config, lengths, seed=0, length=None):
        """Returns random inputs for rows of these lengths, padded with zeros.

        Args:
            config: The model's configuration.
            lengths: Number of real tokens in each row; 0 makes a row that is all padding.
            seed: Seed of the random ids. Defaults to 0.
            length: Padded length. Defaults to None (the longest row, at least 1).

        Returns:
            Dict `token_ids (batch, length)`, `lengths (batch,)` and, of a model with several
            segments, `segment_ids (batch, length)`, all int32.
        """
        generator = np.random.default_rng(seed)
        lengths = np.asarray(lengths, "int32")
        length = length or max(1, int(lengths.max(initial=0)))
        token_ids = generator.integers(0, config.vocabulary_size, (len(lengths), length))
        is_real = np.arange(length) < lengths[:, None]
        sample = {"token_ids": (token_ids * is_real).astype("int32"), "lengths": lengths}
        if _has_segments(config):
            second = np.arange(length) >= lengths[:, None] // 2
            sample["segment_ids"] = (second & is_real).astype("int32")
        return sample

    def fill_padding(self, config, inputs, generator):
        """Returns a copy of `inputs` whose padding holds random ids, which must change nothing."""
        token_ids = inputs["token_ids"].copy()
        padding = np.arange(token_ids.shape[1]) >= inputs["lengths"][:, None]
        token_ids[padding] = generator.integers(0, config.vocabulary_size, padding.sum())
        filled = {**inputs, "token_ids": token_ids}
        if "segment_ids" in inputs:
            filled["segment_ids"] = np.where(padding, 1, inputs["segment_ids"]).astype("int32")
        return filled

    def samples(self, config, generator):
        """Yields the `SampleInputs` that an artefact is verified by."""
        return sequence_samples(self, config, generator)

    def tensors(self, batch):
        """Returns an artefact's inputs for a batch of `TextPreprocessor.collate`."""
        segments = {name: batch[name] for name in ("segment_ids",) if name in batch}
        return {
            "token_ids": batch["token_ids"],
            "lengths": batch["padding_mask"].sum(axis=1).astype("int32"),
            **segments,
        }

    def served_batch(self, texts):
        """Returns the inputs of that signature."""
        return {"text": np.array(texts, object)}

    def longest(self, config):
        """Returns the longest length of the dynamic dimension `"length"`."""
        return config.max_sequence_length

    def load_preprocessor(self, folder, config):
        """Reads the preprocessor that a pipeline saved into `folder`."""
        from ..text_preprocessor import TextPreprocessor

        return TextPreprocessor.load(folder, config.max_sequence_length, _num_segments(config))

    def make_preprocessor(self, tokenizer, config):
        """Returns the preprocessor for a tokenizer."""
        from ..text_preprocessor import TextPreprocessor

        return TextPreprocessor(tokenizer, config.max_sequence_length, _num_segments(config))


def _num_segments(config):
    """Segments of a model; one that was registered elsewhere need not have the field."""
    return getattr(config, "num_segments", 0)


def _has_segments(config):
    return _num_segments(config) > 1
