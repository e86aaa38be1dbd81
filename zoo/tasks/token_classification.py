"""Token classification: the words of a sentence in, one label a word out."""

from typing import ClassVar

import numpy as np

from ..prediction import TaggedText, TaggedWord
from .interface import TensorSpec, sequence_samples, softmax
from .text_classification import RAW_TEXTS, TextClassification


class TokenClassification:
    """A sentence becomes pieces and where its words begin; the logits become a label a word."""

    name = "token_classification"
    raw_input = "text"
    # The kind of a SavedModel's signature that answers checked raw inputs.
    served_kind = "words"
    preprocessor_files = TextClassification.preprocessor_files
    command_example = TextClassification.command_example
    # Keras input -> the artefact's tensor and the dimension that it is derived from.
    masks: ClassVar = {"padding_mask": ("lengths", "length")}
    # How a client without our code makes an artefact's tensors of one input.
    client_example = (
        "import numpy, tokenizers",
        'tokenizer = tokenizers.Tokenizer.from_file("tokenizer.json")',
        "tokenizer.encode_special_tokens = True",
        "tokenizer.no_truncation()",
        'words = ["A", "gripping", ",", "funny", "film", "."]',
        "encoding = tokenizer.encode(words, is_pretokenized=True)",
        'token_ids = numpy.array([encoding.ids], "int32")',
        'lengths = numpy.array([len(encoding.ids)], "int32")',
        "starts = [encoding.word_to_tokens(index)[0] for index in range(len(words))]",
        'word_starts = numpy.array([starts], "int32")',
    )

    def raw_samples(self, config):
        """Returns texts for which words or pieces cut in a graph could differ from Python's.

        No sentence is cut, so the long text of classification would be one of thousands of words.
        """
        texts = (*RAW_TEXTS[:-1], "not bad at all . " * 40, "Don't stop: e-mail me@x.org, o.k.?")
        limit = _limit(config)  # No token is without a character, but for the special ones.
        return tuple(text for text in texts if limit is None or len(text) + 2 <= limit)

    def inputs(self, config):
        """Returns the tensors that an artefact takes."""
        return (
            TensorSpec(
                "token_ids", "int32", ("batch", "length"), "ids of `tokenizer.json`, padded"
            ),
            TensorSpec("lengths", "int32", ("batch",), "number of real tokens in each row"),
            TensorSpec(
                "word_starts",
                "int32",
                ("batch", "words"),
                "position of each word's first token; -1 = no word",
                padding=-1,
            ),
        )

    def outputs(self, config):
        """Returns the tensors that an artefact returns (`label`: an index into the labels)."""
        if config.num_classes == 0:
            return (TensorSpec("embedding", "float32", ("batch", "words", config.hidden_dim)),)
        return (
            TensorSpec("logits", "float32", ("batch", "words", config.num_classes)),
            TensorSpec("probabilities", "float32", ("batch", "words", config.num_classes)),
            TensorSpec("label", "int64", ("batch", "words"), "index into `labels.txt`"),
        )

    def sample(self, config, lengths, seed=0, length=None):
        """Returns random inputs for rows of these lengths, padded with zeros.

        About half of the tokens begin a word.

        Args:
            config: The model's configuration.
            lengths: Number of real tokens in each row; 0 makes a row that is all padding.
            seed: Seed of the random ids. Defaults to 0.
            length: Padded length. Defaults to None (the longest row, at least 1).

        Returns:
            Dict `token_ids (batch, length)`, `lengths (batch,)`, `word_starts (batch, words)`, all
            int32.
        """
        inputs = TextClassification().sample(config, lengths, seed, length)
        inputs = {name: inputs[name] for name in ("token_ids", "lengths")}
        generator = np.random.default_rng(seed)
        rows = [np.flatnonzero(generator.random(count) < 0.5) for count in inputs["lengths"]]
        word_starts = np.full((len(rows), max(1, *map(len, rows))), -1, "int32")
        for row, starts in zip(word_starts, rows, strict=True):
            row[: len(starts)] = starts
        return {**inputs, "word_starts": word_starts}

    def fill_padding(self, config, inputs, generator):
        """Returns a copy of `inputs` whose padding holds random ids, which must change nothing."""
        return TextClassification().fill_padding(config, inputs, generator)

    def samples(self, config, generator):
        """Yields the `SampleInputs` that an artefact is verified by."""
        return sequence_samples(self, config, generator)

    def tensors(self, batch):
        """Returns an artefact's inputs for a batch of `WordsPreprocessor.collate`."""
        tensors = TextClassification().tensors(batch)
        return {**tensors, "word_starts": batch["word_starts"]}

    def served_batch(self, sentences):
        """Returns the inputs of that signature."""
        return {"words": self.raw_outputs(sentences)["words"]}

    def named_outputs(self, outputs, labels, tensors):
        """Returns what a raw signature says in place of indices: labels, "" where is no word."""
        names = np.array(labels)[outputs["label"]]
        return {"label": np.where(tensors["word_starts"] >= 0, names, "")}

    def raw_outputs(self, sentences):
        """Returns what a raw signature says of the inputs themselves, for checked sentences."""
        width = max(1, *map(len, sentences))

        def padded(rows, filler):
            return np.array([[*row, *[filler] * (width - len(row))] for row in rows])

        return {
            "words": padded([sentence.words for sentence in sentences], "").astype(object),
            "start": padded([sentence.starts for sentence in sentences], -1).astype("int32"),
            "end": padded([sentence.ends for sentence in sentences], -1).astype("int32"),
        }

    def longest(self, config):
        """Returns the longest length of the dynamic dimension `"length"`."""
        return config.max_sequence_length

    def load_preprocessor(self, folder, config):
        """Reads the preprocessor that a pipeline saved into `folder`."""
        from ..words_preprocessor import WordsPreprocessor

        return WordsPreprocessor.load(folder, config.max_sequence_length, _limit(config))

    def make_preprocessor(self, tokenizer, config):
        """Returns the preprocessor for a tokenizer."""
        from ..words_preprocessor import WordsPreprocessor

        return WordsPreprocessor(tokenizer, config.max_sequence_length, _limit(config))

    def collect(self, sentences, rows, num_classes):
        """Returns a list with the logits `(words, num_classes)` of each checked sentence."""
        return [row[: len(words)] for words, row in zip(sentences, rows, strict=True)]

    def predictions(self, sentences, logits, labels):
        """Returns a `TaggedText` for each checked sentence, whose words all have a label."""
        return [
            _tagged(sentence, softmax(rows), labels)
            for sentence, rows in zip(sentences, logits, strict=True)
        ]


def _limit(config):
    """The longest sentence that a model can take, or None."""
    learned = getattr(config, "position", None) == "learned"
    return config.max_sequence_length if learned else None


def _tagged(sentence, probabilities, labels):
    best = probabilities.argmax(axis=-1)
    return TaggedText(
        tuple(
            TaggedWord(word, labels[index], float(row[index]), start, end)
            for word, start, end, index, row in zip(*sentence, best, probabilities, strict=True)
        )
    )
