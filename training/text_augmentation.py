"""Augmentation of token ids in training: what a small data set needs not to be learned by heart."""

import numpy as np

from .tokenizer import SPECIAL_TOKENS


class SubwordDropout:
    """Now and then replaces a piece by the pieces it would be without that vocabulary entry.

    A piece is cut at its longest proper prefix in the vocabulary, the rest by longest match, so
    that the model sees a word in several spellings, as BPE-dropout does for byte pairs.

    Args:
        tokenizer: A `tokenizers.Tokenizer` with a WordPiece model.
        rate: Probability in [0, 1) that a piece is cut; single characters stay.

    References:
        Hiraoka, 2022, "MaxMatch-Dropout: subword regularization for WordPiece".
    """

    def __init__(self, tokenizer, rate):
        self.rate = rate
        vocabulary = tokenizer.get_vocab()
        self._pieces = [[index] for index in range(max(vocabulary.values()) + 1)]
        for token, index in vocabulary.items():
            if token not in SPECIAL_TOKENS:
                self._pieces[index] = _next_best_split(token, vocabulary) or [index]
        self._is_whole = np.array([len(pieces) == 1 for pieces in self._pieces])

    def __call__(self, encoded, generator):
        """Returns the rows with some pieces cut."""
        return [self._cut(ids, generator) for ids in encoded]

    def _cut(self, ids, generator):
        chosen = (generator.random(len(ids)) < self.rate) & ~self._is_whole[ids]
        if not chosen.any():
            return ids
        parts = [
            self._pieces[index] if cut else (index,) for index, cut in zip(ids, chosen, strict=True)
        ]
        return np.concatenate(parts).astype("int32")


def _next_best_split(token, vocabulary):
    """Returns the ids of `token` cut without itself, or None if that cannot be."""
    continues = token.startswith("##")
    text = token.removeprefix("##")
    ids, start = [], 0
    while start < len(text):
        prefix = "##" if continues or start else ""
        longest = len(text) - (1 if start == 0 else 0)
        end = next(
            (e for e in range(longest, start, -1) if prefix + text[start:e] in vocabulary), None
        )
        if end is None:
            return None
        ids.append(vocabulary[prefix + text[start:end]])
        start = end
    return ids


class TokenDropout:
    """Now and then replaces a token by `[MASK]`; special tokens stay.

    Args:
        tokenizer: A `tokenizers.Tokenizer` that has `[MASK]`.
        rate: Probability in [0, 1) that a token is replaced.

    References:
        Gal and Ghahramani, 2016, "A theoretically grounded application of dropout in recurrent
        neural networks", section 4.2 (word dropout).
    """

    def __init__(self, tokenizer, rate):
        self.rate = rate
        self.mask_id = tokenizer.token_to_id("[MASK]")
        self._special_ids = [tokenizer.token_to_id(token) for token in SPECIAL_TOKENS]

    def __call__(self, encoded, generator):
        """Returns the rows with some tokens replaced."""
        return [self._replace(ids, generator) for ids in encoded]

    def _replace(self, ids, generator):
        chosen = (generator.random(len(ids)) < self.rate) & ~np.isin(ids, self._special_ids)
        return np.where(chosen, self.mask_id, ids).astype("int32")


def compose(augmentations, max_length):
    """Returns one function that applies all, and cuts rows to `max_length`; None if there are none.

    The last token of a row that is cut stays, as it is `[SEP]`.
    """
    if not augmentations:
        return None

    def augment(encoded, generator):
        for augmentation in augmentations:
            encoded = augmentation(encoded, generator)
        return [
            ids if len(ids) <= max_length else np.append(ids[: max_length - 1], ids[-1])
            for ids in encoded
        ]

    return augment
