"""WordPiece inside a SavedModel's graph, from core TensorFlow string operators only."""

import numpy as np
import tensorflow as tf

from .wordpiece_tables import DROP, ISOLATE, REPLACE, read_tables


class WordPieceGraph(tf.Module):
    """Tokenises strings to the very ids that the `tokenizers` library gives.

    A server needs no operator library for it: it is made of `UnicodeDecode`, hash tables and
    `Substr`. Every different word of a batch is cut into pieces once.

    Args:
        tokenizer: A `tokenizers.Tokenizer` with a WordPiece model; see `read_tables`.
        max_length: Rows are cut to so many tokens, special tokens included.

    Raises:
        ValueError: If the tokenizer does what these operators cannot repeat.

    Example:
    ```python
    token_ids, lengths = WordPieceGraph(pipeline.preprocessor.tokenizer, 128)(["A fine film."])
    ```
    """

    def __init__(self, tokenizer, max_length):
        super().__init__()
        tables = read_tables(tokenizer)
        self._tables = tables
        self._max_pieces = max_length - len(tables.first_ids) - len(tables.last_ids)
        self._longest_piece = max(
            len(piece.removeprefix(tables.prefix)) for piece in tables.vocabulary
        )
        self._vocabulary = _static_table(
            tf.constant(tables.vocabulary), tf.range(len(tables.vocabulary))
        )
        code_points = sorted(tables.replacements)
        spaces = [c for c in code_points if tables.replacements[c].isspace()]
        self._spaces = np.array([ord(" "), *spaces], "int32")
        self._replacement_index = _static_table(
            tf.constant(code_points, tf.int32), tf.range(len(code_points))
        )

    def __call__(self, texts):
        """Tokenises a batch of texts.

        Args:
            texts: UTF-8 strings `(batch,)`; invalid bytes count as U+FFFD.

        Returns:
            `token_ids (batch, length)` int32, padded, and `lengths (batch,)` int32.
        """
        words = self._words(tf.convert_to_tensor(texts))
        pieces = words.with_flat_values(self._pieces_of(words.flat_values))
        return self._with_special_tokens(pieces.merge_dims(1, 2)[:, : self._max_pieces])

    def encode_words(self, words):
        """Tokenises sentences that are cut to words already; none is left out.

        Args:
            words: Ragged UTF-8 strings `(batch, words)`.

        Returns:
            `token_ids (batch, length)` and `lengths (batch,)` as above, and
            `word_starts (batch, words)` int32: the position of each word's first token, padded
            with -1.
        """
        parts = self._words(words.flat_values)
        pieces = parts.with_flat_values(self._pieces_of(parts.flat_values)).merge_dims(1, 2)
        # A word that nothing is left of is unknown.
        nothing = tf.cast(tf.equal(pieces.row_lengths(), 0), tf.int64)
        unknown = tf.fill([tf.reduce_sum(nothing)], self._tables.unknown_id)
        pieces = tf.concat([pieces, tf.RaggedTensor.from_row_lengths(unknown, nothing)], axis=1)
        pieces = words.with_flat_values(pieces)
        counts = words.with_flat_values(tf.cast(pieces.values.row_lengths(), tf.int32))
        before = tf.cumsum(counts.flat_values, exclusive=True)
        row_starts = tf.gather(tf.concat([before, [0]], 0), words.row_starts())
        starts = before - tf.repeat(row_starts, words.row_lengths())
        starts = words.with_flat_values(starts + len(self._tables.first_ids))
        return *self._with_special_tokens(pieces.merge_dims(1, 2)), padded(starts, -1)

    def cut(self, texts):
        """Cuts texts to words, at spaces and around what stands by itself.

        Args:
            texts: UTF-8 strings `(batch,)`.

        Returns:
            Ragged `(batch, words)`: the words as they are written, and where each starts and ends
            in its text, in characters, int32.
        """
        code_points = tf.strings.unicode_decode(texts, "UTF-8")
        flat = code_points.flat_values
        action = self._actions(flat)
        is_space = tf.reduce_any(tf.equal(flat[:, None], self._spaces), axis=1)
        alone = tf.equal(action, ISOLATE)
        visible = ~tf.equal(action, DROP) & ~is_space
        position = tf.range(tf.size(flat))
        rows = tf.cast(code_points.value_rowids(), tf.int32)
        # What comes before each character, leaving out what is dropped.
        kept = tf.boolean_mask(position, ~tf.equal(action, DROP))
        breaks = tf.gather(alone | is_space, kept)
        new_row = tf.not_equal(tf.gather(rows, kept[1:]), tf.gather(rows, kept[:-1]))
        after_break = tf.concat([[True], breaks[:-1] | new_row], 0)[: tf.size(kept)]
        begins = tf.gather(visible, kept) & (after_break | tf.gather(alone, kept))
        seen = tf.boolean_mask(kept, tf.gather(visible, kept))
        begins = tf.boolean_mask(begins, tf.gather(visible, kept))
        words = tf.cumsum(tf.cast(begins, tf.int32)) - 1
        count = tf.reduce_sum(tf.cast(begins, tf.int32))
        first = tf.math.unsorted_segment_min(seen, words, count)
        last = tf.math.unsorted_segment_max(seen, words, count)
        row = tf.gather(rows, first)
        origin = tf.gather(tf.cast(code_points.row_starts(), tf.int32), row)
        start, end = first - origin, last + 1 - origin
        strings = tf.strings.substr(tf.gather(texts, row), start, end - start, unit="UTF8_CHAR")
        return tuple(
            tf.RaggedTensor.from_value_rowids(
                values, tf.cast(row, tf.int64), nrows=tf.size(texts, out_type=tf.int64)
            )
            for values in (strings, start, end)
        )

    def _with_special_tokens(self, pieces):
        """Adds the special tokens to ragged rows of ids and pads them."""
        batch = pieces.nrows(out_type=tf.int32)
        rows = tf.concat(
            [
                _repeated_row(self._tables.first_ids, batch),
                tf.cast(pieces, tf.int32),
                _repeated_row(self._tables.last_ids, batch),
            ],
            axis=1,
        )
        return padded(rows, self._tables.pad_id), tf.cast(rows.row_lengths(), tf.int32)

    def _pieces_of(self, words):
        """Cuts words to pieces; texts repeat their words, so each different one once."""
        unique, positions = tf.unique(words)
        return tf.gather(self._pieces(unique), positions)

    def _actions(self, code_points):
        ranges = tf.searchsorted(self._tables.range_starts, code_points, side="right") - 1
        return tf.gather(self._tables.range_actions, ranges)

    def _words(self, texts):
        """Normalises texts and splits them to words, ragged `(batch, words)`."""
        code_points = tf.strings.unicode_decode(texts, "UTF-8")
        flat = code_points.flat_values
        actions = self._actions(flat)
        characters = tf.strings.unicode_encode(flat[:, None], "UTF-8")
        characters = tf.where(actions == DROP, "", characters)
        characters = tf.where(
            actions == ISOLATE, tf.strings.join([" ", characters, " "]), characters
        )
        if self._tables.replacements:
            strings = [self._tables.replacements[c] for c in sorted(self._tables.replacements)]
            index = tf.maximum(self._replacement_index.lookup(flat), 0)
            characters = tf.where(actions == REPLACE, tf.gather(strings, index), characters)
        normalized = tf.strings.reduce_join(code_points.with_flat_values(characters), axis=-1)
        return tf.strings.split(normalized)

    def _pieces(self, words):
        """Cuts each word by greedy longest match, ragged `(words, pieces)` int32."""
        lengths = tf.strings.length(words, unit="UTF8_CHAR")
        too_long = lengths > self._tables.max_characters
        longest = tf.minimum(self._longest_piece, tf.reduce_max(tf.concat([lengths, [1]], 0)))
        piece_lengths = tf.range(1, longest + 1)
        count = tf.shape(words)[0]
        found = tf.TensorArray(
            tf.int32, size=0, dynamic_size=True, element_shape=(None,), clear_after_read=False
        )

        def cut_one_piece(step, start, unknown, found):
            active = tf.where((start < lengths) & ~unknown)[:, 0]
            at = tf.gather(start, active)
            candidates = tf.strings.substr(
                tf.repeat(tf.gather(words, active)[:, None], longest, axis=1),
                tf.repeat(at[:, None], longest, axis=1),
                tf.repeat(piece_lengths[None], tf.shape(active)[0], axis=0),
                unit="UTF8_CHAR",
            )
            prefixes = tf.repeat(
                tf.where(at > 0, self._tables.prefix, "")[:, None], longest, axis=1
            )
            ids = self._vocabulary.lookup(tf.strings.join([prefixes, candidates]))
            fits = piece_lengths[None] <= (tf.gather(lengths, active) - at)[:, None]
            best = tf.reduce_max(tf.where((ids >= 0) & fits, piece_lengths[None], 0), axis=1)
            piece = tf.gather(ids, tf.maximum(best - 1, 0), batch_dims=1)
            where = active[:, None]
            row = tf.tensor_scatter_nd_update(
                tf.fill([count], -1), where, tf.where(best > 0, piece, -1)
            )
            return (
                step + 1,
                tf.tensor_scatter_nd_add(start, where, best),
                tf.tensor_scatter_nd_update(unknown, where, best == 0),
                found.write(step, row),
            )

        steps, _, unknown, found = tf.while_loop(
            lambda step, start, unknown, found: tf.reduce_any((start < lengths) & ~unknown),
            cut_one_piece,
            (0, tf.zeros([count], tf.int32), too_long, found),
        )
        pieces = tf.cond(
            steps > 0,
            lambda: tf.transpose(found.stack()),
            lambda: tf.zeros([count, 0], tf.int32),
        )
        # One unknown stretch makes the whole word unknown.
        pieces = tf.where(unknown[:, None], -1, pieces)
        unknown_piece = tf.where(unknown, self._tables.unknown_id, -1)[:, None]
        pieces = tf.concat([unknown_piece, pieces], axis=1)
        return tf.ragged.boolean_mask(pieces, pieces >= 0)


def _static_table(keys, values):
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), -1)


def padded(rows, filler):
    """Returns ragged rows as a dense tensor of one column at least."""
    dense = rows.to_tensor(filler)
    missing = tf.maximum(1 - tf.shape(dense)[1], 0)
    return tf.pad(dense, [[0, 0], [0, missing]], constant_values=filler)


def _repeated_row(ids, batch):
    """Returns `ids` as each of `batch` rows, ragged so that it can be joined to ragged rows."""
    row = tf.reshape(tf.constant(ids, tf.int32), (1, -1))
    return tf.RaggedTensor.from_tensor(tf.repeat(row, batch, axis=0))
