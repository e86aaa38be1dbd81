"""Sentences to words, and words to padded token ids that remember where each word begins."""

from typing import NamedTuple

import numpy as np

from .text_preprocessor import LENGTH_STEP, TextPreprocessor, check_text


class Words(NamedTuple):
    """The words of one sentence, and where they stand in its text.

    Args:
        words: List of strings.
        starts: Where each begins in the text, in characters.
        ends: Where each ends, exclusive.
    """

    words: list[str]
    starts: list[int]
    ends: list[int]

    def __len__(self):
        return len(self.words)


class EncodedWords(NamedTuple):
    """The pieces of one sentence.

    Args:
        token_ids: Ids of all pieces with special tokens, int32 `(length,)`.
        word_starts: Position of each word's first piece, int32 `(words,)`.
    """

    token_ids: np.ndarray
    word_starts: np.ndarray

    def __len__(self):
        return len(self.token_ids)


class WordsPreprocessor(TextPreprocessor):
    """Cuts sentences to words, words to pieces, and pads them to batches; nothing is left out.

    A sentence is a list of words, or a text, which is cut at spaces and around punctuation as the
    tokenizer does. Every word has a piece at least: `[UNK]` if the tokenizer leaves nothing of it.

    Args:
        tokenizer: A `tokenizers.Tokenizer` that treats each word by itself, as WordPiece does.
        max_sequence_length: Longest piece of a sentence in training, in tokens.
        longest: Longest sentence that the model can take, in tokens. Defaults to None (any).
    """

    def __init__(self, tokenizer, max_sequence_length, longest=None):
        super().__init__(tokenizer, max_sequence_length)
        self.longest = longest
        self.tokenizer.no_truncation()
        self._unknown = [self.special_id("[UNK]", "<unk>")]
        around = self.tokenizer.encode("").ids
        half = len(around) // 2
        self.first_ids, self.last_ids = around[:half], around[half:]

    def checked(self, sentences):
        """Returns the sentences as a list of `Words`.

        Raises:
            ValueError: If a sentence is neither a text nor a list of words that are strings.
        """
        return [self._words(sentence) for sentence in sentences]

    def _words(self, sentence):
        if isinstance(sentence, Words):
            return sentence
        if isinstance(sentence, str):
            return self._cut(check_text(sentence))
        if not isinstance(sentence, (list, tuple)):
            raise ValueError(
                "Expected every input to be a sentence, or a list of its words. "
                f"Received: one of type {type(sentence).__name__}: {sentence!r:.80}"
            )
        words = [check_text(word) for word in sentence]
        if "" in words:
            raise ValueError(
                "Expected every word of a sentence to have a character. Received: "
                f"an empty word in {sentence!r:.80}"
            )
        ends = np.cumsum([len(word) + 1 for word in words]).astype(int) - 1
        starts = [int(end) - len(word) for word, end in zip(words, ends, strict=True)]
        return Words(words, starts, ends.tolist())

    def _cut(self, text):
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        starts, ends, last = [], [], None
        for index, (start, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
            if index != last:
                starts.append(start)
                ends.append(end)
                last = index
            ends[-1] = end
        words = [text[start:end] for start, end in zip(starts, ends, strict=True)]
        # Some tokenizers count the space before a word as a part of it.
        spaces = [len(word) - len(word.lstrip()) for word in words]
        words = [word.lstrip() for word in words]
        starts = [start + count for start, count in zip(starts, spaces, strict=True)]
        kept = [index for index, word in enumerate(words) if word]
        return Words(*([column[index] for index in kept] for column in (words, starts, ends)))

    def encode(self, sentences):
        """Returns `EncodedWords` for each sentence, without padding.

        Raises:
            ValueError: If a sentence is longer than the model can take.
        """
        sentences = self.checked(sentences)
        pieces = self.pieces({word for sentence in sentences for word in sentence.words})
        encoded = [self.join([pieces[word] for word in sentence.words]) for sentence in sentences]
        for sentence, item in zip(sentences, encoded, strict=True):
            if self.longest is not None and len(item) > self.longest:
                raise ValueError(
                    f"Expected sentences of {self.longest} tokens at most, as many as the model "
                    f"has positions for; cut them. Received: {len(item)} tokens, "
                    f"{' '.join(sentence.words)!r:.80}"
                )
        return encoded

    def pieces(self, words):
        """Returns a dict from each word to the list of its pieces' ids, one at least."""
        words = sorted(words)
        encodings = self.tokenizer.encode_batch_fast(words, add_special_tokens=False)
        return {
            word: encoding.ids or self._unknown
            for word, encoding in zip(words, encodings, strict=True)
        }

    def join(self, pieces):
        """Returns `EncodedWords` of the pieces of each word of one sentence."""
        counts = [len(ids) for ids in pieces]
        starts = len(self.first_ids) + np.cumsum([0, *counts], dtype="int32")[:-1]
        ids = np.concatenate([self.first_ids, *pieces, self.last_ids])
        return EncodedWords(ids.astype("int32"), starts)

    def padded_length(self, lengths):
        """Returns the length that rows of these lengths are best padded to."""
        return -(-max(1, *lengths, 1) // LENGTH_STEP) * LENGTH_STEP

    def collate(self, encoded, length=None):
        """Pads encoded sentences to one batch.

        Args:
            encoded: List of `EncodedWords`.
            length: Padded length. Defaults to None (the longest, at least 1).

        Returns:
            Dict `token_ids (batch, length)` int32, `padding_mask (batch, length)` bool and
            `word_starts (batch, words)` int32, where -1 is no word.
        """
        batch = super().collate([sentence.token_ids for sentence in encoded], length)
        counts = np.array([len(sentence.word_starts) for sentence in encoded], "int64")
        is_word = np.arange(max(1, int(counts.max(initial=0)))) < counts[:, None]
        word_starts = np.full(is_word.shape, -1, "int32")
        if counts.sum():
            word_starts[is_word] = np.concatenate([sentence.word_starts for sentence in encoded])
        return {**batch, "word_starts": word_starts}

    def ticks(self, encoded):
        """Returns what the positions of one encoded sentence are called on an axis: its pieces."""
        return super().ticks(encoded.token_ids)
