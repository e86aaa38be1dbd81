"""Batches of like lengths: bucketed, padded to their longest row, shuffled by seed and epoch."""

import numpy as np

# Rows are shuffled over the whole split, sorted by length within this many batches, and cut.
_BATCHES_IN_BUCKET = 50
# Padded lengths come in steps, so that compiled code meets few shapes.
_LENGTH_STEP = 8


class BucketedBatches:
    """The batches of one epoch after another, in an order that only seed and epoch decide.

    Iterating goes through one epoch and then moves `epoch` on, so a resumed training sets `epoch`
    and sees what the uninterrupted one would have seen.

    Args:
        store: `TokenStore`.
        labels: Index of each row's label, `(rows,)`.
        preprocessor: Whose `collate` pads rows to a batch.
        batch_size: Rows in each batch; the last one of an epoch may have fewer.
        shuffle: Whether to shuffle; without, rows keep their order of length.
        bucketing: Whether rows of like length go together. Defaults to True.
        seed: Seed of the shuffling and of `augment`. Defaults to 0.
        augment: `f(list of token ids, generator) -> list of token ids`. Defaults to None.
        copies: How often each row stands in its batch, one copy after the other. Defaults to 1.

    Attributes:
        epoch: The epoch that the next iteration goes through.
    """

    def __init__(
        self,
        store,
        labels,
        preprocessor,
        batch_size=32,
        shuffle=True,
        bucketing=True,
        seed=0,
        augment=None,
        copies=1,
    ):
        self.store = store
        self.labels = np.asarray(labels, "int32")
        self.preprocessor = preprocessor
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.bucketing = bucketing
        self.seed = seed
        self.augment = augment
        self.copies = copies
        self.epoch = 0

    def __len__(self):
        """Number of batches in each epoch."""
        return -(-len(self.store) // self.batch_size)

    def __iter__(self):
        """Yields `(inputs, labels)` for every batch of the epoch."""
        generator = np.random.default_rng((self.seed, self.epoch))
        self.epoch += 1
        for rows in self._rows_of_batches(generator):
            encoded = self.store[rows]
            if self.augment is not None:
                encoded = self.augment(encoded, generator)
            longest = max(len(ids) for ids in encoded)
            length = min(
                -(-max(longest, 1) // _LENGTH_STEP) * _LENGTH_STEP,
                self.preprocessor.max_sequence_length,
            )
            inputs = self.preprocessor.collate(encoded, length)
            yield (
                {name: np.repeat(array, self.copies, axis=0) for name, array in inputs.items()},
                np.repeat(self.labels[rows], self.copies),
            )

    def _rows_of_batches(self, generator):
        rows = np.arange(len(self.store))
        if self.shuffle:
            rows = generator.permutation(rows)
        if self.bucketing:
            bucket = _BATCHES_IN_BUCKET * self.batch_size if self.shuffle else max(1, len(rows))
            rows = np.concatenate(
                [
                    chunk[np.argsort(self.store.lengths[chunk], kind="stable")]
                    for chunk in (rows[i : i + bucket] for i in range(0, len(rows), bucket))
                ]
            )
        batches = [rows[i : i + self.batch_size] for i in range(0, len(rows), self.batch_size)]
        if self.shuffle:
            batches = [batches[i] for i in generator.permutation(len(batches))]
        return batches

    def as_dataset(self):
        """Returns the batches as a `tf.data.Dataset`, each pass one epoch, prefetched."""
        import tensorflow as tf

        signature = (
            {
                "token_ids": tf.TensorSpec((None, None), tf.int32),
                "padding_mask": tf.TensorSpec((None, None), tf.bool),
            },
            tf.TensorSpec((None,), tf.int32),
        )
        dataset = tf.data.Dataset.from_generator(lambda: iter(self), output_signature=signature)
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(self)))
        return dataset.prefetch(2)
