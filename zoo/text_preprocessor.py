"""Texts to padded token ids, by a tokenizer of the `tokenizers` library (imports no TensorFlow)."""

import re
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

TOKENIZER_FILE = "tokenizer.json"
# Padded lengths come in steps, so that compiled code meets few shapes.
LENGTH_STEP = 8
# A code point that UTF-8, and so the tokenizer, cannot have.
_SURROGATE = re.compile("[\ud800-\udfff]")


def has_surrogate(text):
    """Returns whether a string has half a surrogate pair, which is no Unicode text."""
    return _SURROGATE.search(text) is not None


def _is_pair(text):
    return isinstance(text, (tuple, list)) and len(text) == 2


def check_text(text):
    """Returns a text, raising a ValueError if it is not Unicode text."""
    if not isinstance(text, str):
        raise ValueError(
            "Expected every input to be a string. "
            f"Received: one of type {type(text).__name__}: {text!r:.80}"
        )
    if has_surrogate(text):
        raise ValueError(
            "Expected every input to be Unicode text. "
            f"Received: one with half a surrogate pair: {text!r:.80}"
        )
    return text


class TextPreprocessor:
    """Encodes texts and pads them to batches.

    Args:
        tokenizer: A `tokenizers.Tokenizer`. What looks like a special token inside a text, such as
            a typed `[CLS]`, is encoded as ordinary text.
        max_sequence_length: Texts are cut to so many tokens, special tokens included.
        num_segments: Segments of the model; with several, batches have `segment_ids`, where all
            after the first `[SEP]` is of the second segment. Defaults to 0.

    Example:
    >>> from tokenizers import Tokenizer, models, pre_tokenizers
    >>> tokenizer = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "good": 2}, "[UNK]"))
    >>> tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> preprocessor = TextPreprocessor(tokenizer, max_sequence_length=8)
    >>> batch = preprocessor.collate(preprocessor.encode(["good", "very good"]))
    >>> batch["token_ids"].tolist(), batch["padding_mask"].tolist()
    ([[2, 0], [1, 2]], [[True, False], [True, True]])
    """

    def __init__(self, tokenizer, max_sequence_length, num_segments=0):
        self.tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max_sequence_length)
        self.tokenizer.encode_special_tokens = True
        self.max_sequence_length = max_sequence_length
        self.num_segments = num_segments
        self.pad_id = self.special_id("[PAD]", "<pad>")
        self._separator_id = self.special_id("[SEP]", "</s>")

    def special_id(self, *spellings):
        """Returns the id of a special token, of which families have different spellings, or 0."""
        ids = [self.tokenizer.token_to_id(token) for token in spellings]
        return next((index for index in ids if index is not None), 0)

    def encode(self, texts):
        """Returns a list of int32 arrays of token ids, one for each text, without padding.

        Args:
            texts: Strings, and pairs of them.

        Raises:
            ValueError: If something else is among the texts.
        """
        return [
            np.asarray(encoding.ids, "int32")
            for encoding in self.tokenizer.encode_batch_fast(self.checked(texts))
        ]

    def checked(self, texts):
        """Returns texts and pairs as a list, raising a ValueError if one is not Unicode text."""
        return [self._pair(text) if _is_pair(text) else check_text(text) for text in texts]

    def _pair(self, pair):
        added = [self.tokenizer.num_special_tokens_to_add(is_pair) for is_pair in (False, True)]
        if added[1] <= added[0]:
            raise ValueError(
                "Expected a tokenizer that has a form for pairs. Received: one that adds "
                f"{added[0]} tokens to one text and {added[1]} to two"
            )
        return tuple(check_text(text) for text in pair)

    def padded_length(self, lengths):
        """Returns the length that rows of these lengths are best padded to."""
        length = -(-max(1, *lengths, 1) // LENGTH_STEP) * LENGTH_STEP
        return min(length, self.max_sequence_length)

    def collate(self, encoded, length=None):
        """Pads arrays of token ids to one batch.

        Args:
            encoded: List of int arrays.
            length: Padded length. Defaults to None (the longest, at least 1).

        Returns:
            Dict `token_ids (batch, length)` int32 and `padding_mask (batch, length)` bool, and of
            a model with several segments `segment_ids (batch, length)` int32.
        """
        lengths = np.array([len(ids) for ids in encoded], "int64")
        length = length or max(1, int(lengths.max(initial=0)))
        padding_mask = np.arange(length) < lengths[:, None]
        token_ids = np.full(padding_mask.shape, self.pad_id, "int32")
        if lengths.sum():
            token_ids[padding_mask] = np.concatenate(encoded)
        batch = {"token_ids": token_ids, "padding_mask": padding_mask}
        if self.num_segments > 1:
            ends = (token_ids == self._separator_id) & padding_mask
            batch["segment_ids"] = np.where(
                padding_mask & (np.cumsum(ends, axis=1) - ends > 0), 1, 0
            ).astype("int32")
        return batch

    def ticks(self, encoded):
        """Returns what the positions of one encoded text are called on an axis: its tokens."""
        return [self.tokenizer.id_to_token(int(index)) for index in encoded]

    def description(self):
        """Returns all that decides what it makes of a text, as one string."""
        return self.tokenizer.to_str()

    def save(self, folder):
        """Writes `tokenizer.json` into `folder`."""
        self.tokenizer.save(str(Path(folder) / TOKENIZER_FILE))

    @classmethod
    def load(cls, folder, max_sequence_length, *options):
        """Reads `tokenizer.json` from `folder`, raising a ValueError if it is none."""
        path = Path(folder) / TOKENIZER_FILE
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # The library raises nothing narrower.
            raise ValueError(f"Expected {path} to be a tokenizer: {error}") from error
        return cls(tokenizer, max_sequence_length, *options)
