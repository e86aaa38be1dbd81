"""Preprocessing compiled into a SavedModel's graph, so that it takes what a user has."""

import tensorflow as tf

from .image_graph import decode
from .wordpiece_graph import WordPieceGraph, padded


class TextInput(tf.Module):
    """Plain text in, `token_ids` and `lengths` out.

    Args:
        preprocessor: `TextPreprocessor` with a WordPiece tokenizer.
    """

    signature = tf.TensorSpec([None], tf.string, name="text")

    def __init__(self, preprocessor):
        super().__init__()
        self.wordpiece = WordPieceGraph(preprocessor.tokenizer, preprocessor.max_sequence_length)
        self.has_segments = preprocessor.num_segments > 1

    def __call__(self, texts):
        """Tokenises strings `(batch,)`.

        Returns:
            The model's tensors, and what the answer says of the texts themselves (nothing).
        """
        token_ids, lengths = self.wordpiece(texts)
        tensors = {"token_ids": token_ids, "lengths": lengths}
        if self.has_segments:  # A single text is all of the first.
            tensors["segment_ids"] = tf.zeros_like(token_ids)
        return tensors, {}

    def name_labels(self, label, tensors, names):
        """Returns the name of each label index."""
        return tf.gather(tf.constant(names), label)


class SentenceInput(tf.Module):
    """Sentences in, as texts or cut to words: `token_ids`, `lengths` and `word_starts` out.

    Args:
        preprocessor: `WordsPreprocessor` with a WordPiece tokenizer.
    """

    signature = tf.TensorSpec([None], tf.string, name="text")
    words_signature = tf.TensorSpec([None, None], tf.string, name="words")

    def __init__(self, preprocessor):
        super().__init__()
        self.wordpiece = WordPieceGraph(preprocessor.tokenizer, preprocessor.max_sequence_length)

    def __call__(self, texts):
        """Cuts strings `(batch,)` to words and tokenises them.

        Returns:
            The model's tensors, and the words with their places: `words`, `start` and `end`
            `(batch, words)`, padded with "" and -1.
        """
        words, start, end = self.wordpiece.cut(texts)
        found = {"words": padded(words, ""), "start": padded(start, -1), "end": padded(end, -1)}
        return self._tensors(words), found

    def from_words(self, words):
        """Tokenises words `(batch, words)`, padded with ""; returns as above, without places."""
        ragged = tf.RaggedTensor.from_tensor(words, padding="")
        return self._tensors(ragged), {"words": words}

    def _tensors(self, words):
        token_ids, lengths, word_starts = self.wordpiece.encode_words(words)
        return {"token_ids": token_ids, "lengths": lengths, "word_starts": word_starts}

    def name_labels(self, label, tensors, names):
        """Returns the name of each label index, "" where there is no word."""
        return tf.where(tensors["word_starts"] >= 0, tf.gather(tf.constant(names), label), "")


class ImageInput(tf.Module):
    """Encoded JPEG and PNG files of any size in, `images` out.

    Args:
        preprocessor: `ImagePreprocessor`.
    """

    signature = tf.TensorSpec([None], tf.string, name="image_bytes")

    def __init__(self, preprocessor):
        super().__init__()
        self.image_shape = preprocessor.image_shape

    def __call__(self, encoded):
        """Decodes strings `(batch,)`; returns the model's tensors, and nothing of the images."""
        images = tf.map_fn(
            lambda image: decode(image, self.image_shape), encoded, fn_output_signature=tf.uint8
        )
        return {"images": tf.ensure_shape(images, (None, *self.image_shape))}, {}

    def name_labels(self, label, tensors, names):
        """Returns the name of each label index."""
        return tf.gather(tf.constant(names), label)


# Name of a task -> the module that makes the task's tensors of its raw input.
RAW_INPUTS = {
    "image_classification": ImageInput,
    "text_classification": TextInput,
    "token_classification": SentenceInput,
}
