"""Batches of like lengths: bucketed, padded to their longest row, shuffled by seed and epoch."""

import keras
import numpy as np

# Rows are shuffled over the whole split, sorted by length within this many batches, and cut.
_BATCHES_IN_BUCKET = 50


class BucketedBatches:
    """The batches of one epoch after another, in an order that only seed and epoch decide.

    Iterating goes through one epoch and then moves `epoch` on, so a resumed training sets `epoch`
    and sees what the uninterrupted one would have seen.

    Args:
        examples: Such as `TextExamples`: what has `lengths`, and makes a batch of chosen rows.
        batch_size: Rows in each batch; the last one of an epoch may have fewer. Defaults to 32.
        shuffle: Whether to shuffle; without, rows keep their order of length. Defaults to True.
        bucketing: Whether rows of like length go together. Defaults to True.
        seed: Seed of the shuffling and of the augmentation. Defaults to 0.

    Attributes:
        epoch: The epoch that the next iteration goes through.
    """

    def __init__(self, examples, batch_size=32, shuffle=True, bucketing=True, seed=0):
        self.examples = examples
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.bucketing = bucketing
        self.seed = seed
        self.epoch = 0

    def __len__(self):
        """Number of batches in each epoch."""
        return -(-len(self.examples) // self.batch_size)

    def __iter__(self):
        """Yields what `examples.batch` makes, for every batch of the epoch."""
        generator = np.random.default_rng((self.seed, self.epoch))
        self.epoch += 1
        for rows in self._rows_of_batches(generator):
            yield self.examples.batch(rows, generator)

    def _rows_of_batches(self, generator):
        lengths = self.examples.lengths
        rows = np.arange(len(lengths))
        if self.shuffle:
            rows = generator.permutation(rows)
        if self.bucketing:
            bucket = _BATCHES_IN_BUCKET * self.batch_size if self.shuffle else max(1, len(rows))
            rows = np.concatenate(
                [
                    chunk[np.argsort(lengths[chunk], kind="stable")]
                    for chunk in (rows[i : i + bucket] for i in range(0, len(rows), bucket))
                ]
            )
        batches = [rows[i : i + self.batch_size] for i in range(0, len(rows), self.batch_size)]
        if self.shuffle:
            batches = [batches[i] for i in generator.permutation(len(batches))]
        return batches

    def for_fit(self):
        """Returns the batches as `model.fit` of the backend takes them.

        That is a `tf.data.Dataset` on TensorFlow, and elsewhere, where TensorFlow need not be
        installed, a `keras.utils.PyDataset`.
        """
        return self.as_dataset() if keras.backend.backend() == "tensorflow" else _InOrder(self)

    def as_dataset(self):
        """Returns the batches as a `tf.data.Dataset`, each pass one epoch, prefetched."""
        import tensorflow as tf

        signature = keras.tree.map_structure(
            lambda tensor: tf.TensorSpec(tensor.shape, tensor.dtype), self.examples.signature
        )
        dataset = tf.data.Dataset.from_generator(lambda: iter(self), output_signature=signature)
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(self)))
        if len(self.examples) == 1 and getattr(self.examples, "is_constant", False):
            dataset = dataset.cache()  # One graph, which is the same each epoch.
        return dataset.prefetch(2)


class _InOrder(keras.utils.PyDataset):
    """Batches for a trainer that asks for them one after another; the first begins an epoch."""

    def __init__(self, batches):
        super().__init__()
        self._batches = batches

    def __len__(self):
        return len(self._batches)

    def __getitem__(self, index):
        if index == 0:
            self._epoch = iter(self._batches)
        return next(self._epoch)
