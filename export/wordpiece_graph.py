"""WordPiece inside a SavedModel's graph, from core TensorFlow string operators only."""

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
        # Texts repeat their words: cut each different one once.
        unique, positions = tf.unique(words.flat_values)
        pieces = tf.gather(self._pieces(unique), positions)
        rows = words.with_flat_values(pieces).merge_dims(1, 2)[:, : self._max_pieces]
        batch = tf.shape(texts)[0]
        rows = tf.concat(
            [
                _repeated_row(self._tables.first_ids, batch),
                tf.cast(rows, tf.int32),
                _repeated_row(self._tables.last_ids, batch),
            ],
            axis=1,
        )
        return rows.to_tensor(self._tables.pad_id), tf.cast(rows.row_lengths(), tf.int32)

    def _words(self, texts):
        """Normalises texts and splits them to words, ragged `(batch, words)`."""
        code_points = tf.strings.unicode_decode(texts, "UTF-8")
        flat = code_points.flat_values
        ranges = tf.searchsorted(self._tables.range_starts, flat, side="right") - 1
        actions = tf.gather(self._tables.range_actions, ranges)
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


def _repeated_row(ids, batch):
    """Returns `ids` as each of `batch` rows, ragged so that it can be joined to ragged rows."""
    row = tf.reshape(tf.constant(ids, tf.int32), (1, -1))
    return tf.RaggedTensor.from_tensor(tf.repeat(row, batch, axis=0))
