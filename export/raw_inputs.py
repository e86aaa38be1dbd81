"""Preprocessing compiled into a SavedModel's graph, so that it takes what a user has."""

import tensorflow as tf

from .wordpiece_graph import WordPieceGraph


class TextInput(tf.Module):
    """Plain text in, `token_ids` and `lengths` out.

    Args:
        preprocessor: `TextPreprocessor` with a WordPiece tokenizer.
    """

    signature = tf.TensorSpec([None], tf.string, name="text")

    def __init__(self, preprocessor):
        super().__init__()
        self.wordpiece = WordPieceGraph(preprocessor.tokenizer, preprocessor.max_sequence_length)

    def __call__(self, texts):
        """Tokenises strings `(batch,)`."""
        token_ids, lengths = self.wordpiece(texts)
        return {"token_ids": token_ids, "lengths": lengths}


# Name of a task's raw input -> the module that makes the task's tensors of it.
RAW_INPUTS = {"text": TextInput}
