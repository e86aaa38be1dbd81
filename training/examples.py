"""Examples of a split, made to batches of whatever rows are asked for."""

import keras
import numpy as np

# Padded lengths come in steps, so that compiled code meets few shapes.
_LENGTH_STEP = 8


def padded_length(lengths, longest=None):
    """Returns the length that rows of these lengths are padded to.

    Args:
        lengths: Length of each row.
        longest: What it may not exceed. Defaults to None (nothing).

    Example:
    >>> padded_length([3, 9]), padded_length([3, 9], longest=10)
    (16, 10)
    """
    length = -(-max(1, *lengths) // _LENGTH_STEP) * _LENGTH_STEP
    return length if longest is None else min(length, longest)


class TextExamples:
    """Tokenised texts with one label each.

    Args:
        store: `TokenStore`.
        labels: Index of each row's label, `(rows,)`.
        preprocessor: Whose `collate` pads rows to a batch.
        augment: `f(list of token ids, generator) -> list of token ids`. Defaults to None.
        copies: How often each row stands in its batch, one copy after the other. Defaults to 1.

    Attributes:
        lengths: Number of tokens of each row, by which rows are bucketed.
        signature: What a batch is: `keras.KerasTensor`s in place of the arrays.
    """

    signature = (
        {
            "token_ids": keras.KerasTensor((None, None), "int32"),
            "padding_mask": keras.KerasTensor((None, None), "bool"),
        },
        keras.KerasTensor((None,), "int32"),
    )

    def __init__(self, store, labels, preprocessor, augment=None, copies=1):
        self.store = store
        self.lengths = store.lengths
        self.labels = np.asarray(labels, "int32")
        self.preprocessor = preprocessor
        self.augment = augment
        self.copies = copies

    def __len__(self):
        return len(self.store)

    def batch(self, rows, generator):
        """Returns `(inputs, labels)` of these rows, augmented by the generator's chance."""
        encoded = self.store[rows]
        if self.augment is not None:
            encoded = self.augment(encoded, generator)
        length = padded_length([len(ids) for ids in encoded], self.preprocessor.max_sequence_length)
        inputs = self.preprocessor.collate(encoded, length)
        return (
            {name: np.repeat(array, self.copies, axis=0) for name, array in inputs.items()},
            np.repeat(self.labels[rows], self.copies),
        )
