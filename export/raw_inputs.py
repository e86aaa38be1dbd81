"""Preprocessing compiled into a SavedModel's graph, so that it takes what a user has."""

import tensorflow as tf

from ..zoo.symbols import SPACE, is_ctc
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

    def named_outputs(self, outputs, tensors, names):
        """Returns what is said in place of indices: the name of each label."""
        return {"label": tf.gather(tf.constant(names), outputs["label"])}


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

    def named_outputs(self, outputs, tensors, names):
        """Returns what is said in place of indices: labels, "" where there is no word."""
        label = tf.gather(tf.constant(names), outputs["label"])
        return {"label": tf.where(tensors["word_starts"] >= 0, label, "")}


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

    def named_outputs(self, outputs, tensors, names):
        """Returns what is said in place of indices: the name of each label."""
        return {"label": tf.gather(tf.constant(names), outputs["label"])}


class RecordingInput(tf.Module):
    """Wav files of 16 bits at the model's own rate in, `waveform` and `lengths` out.

    Several channels become their mean. Another rate is an error: a graph has no resampling that
    filters what would alias.

    Args:
        preprocessor: `AudioPreprocessor` of a model that takes samples.
    """

    signature = tf.TensorSpec([None], tf.string, name="wav_bytes")

    def __init__(self, preprocessor):
        super().__init__()
        self.rate = preprocessor.sampling_rate
        self.steps_per_vector = preprocessor.steps_per_vector

    def __call__(self, encoded):
        """Decodes strings `(batch,)`; returns the model's tensors, and nothing of the files."""
        of_any_length = tf.RaggedTensorSpec([None], tf.float32, ragged_rank=0)
        recordings = tf.map_fn(self._decoded, encoded, fn_output_signature=of_any_length)
        lengths = tf.cast(recordings.row_lengths(), tf.int32)
        vectors = -(-tf.reduce_max(lengths) // self.steps_per_vector)
        width = tf.maximum(1, vectors) * self.steps_per_vector
        waveform = recordings.to_tensor(shape=tf.stack([tf.constant(-1), width]))
        return {"waveform": tf.ensure_shape(waveform, (None, None)), "lengths": lengths}, {}

    def _decoded(self, encoded):
        samples, rate = tf.audio.decode_wav(encoded)
        message = f"Expected wav files of {self.rate} samples a second. Received one of the rate:"
        with tf.control_dependencies([tf.debugging.Assert(rate == self.rate, [message, rate])]):
            return tf.reduce_mean(samples, axis=1)

    def named_outputs(self, outputs, tensors, names):
        """Returns what is said in place of indices: the name of each label, of CTC the text."""
        label = outputs["label"]
        named = {"label": tf.gather(tf.constant(names), label)}
        if not is_ctc(names):
            return named
        before = tf.pad(label[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
        read = tf.ragged.boolean_mask(named["label"], (label != before) & (label != 0))
        text = tf.strings.reduce_join(read, axis=-1)
        text = tf.strings.regex_replace(text, rf"(?:{SPACE}|\s)+", " ")
        return {**named, "text": tf.strings.strip(text)}


# Name of a task -> the module that makes the task's tensors of its raw input.
RAW_INPUTS = {
    "image_classification": ImageInput,
    "speech_recognition": RecordingInput,
    "text_classification": TextInput,
    "token_classification": SentenceInput,
}
