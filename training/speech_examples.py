"""Recordings with a transcript or a label each, made to batches."""

import keras
import numpy as np


class SpeechExamples:
    """Recordings at the model's rate, with the classes of a transcript or one label.

    Args:
        store: `SampleStore` of the recordings' samples.
        labels: Classes of each transcript, a list of int32 arrays; or each recording's label,
            `(rows,)`.
        preprocessor: `AudioPreprocessor`, which pads them.
        augmentation: `AudioAugmentation`.
        splicing: Share of batches whose recordings are joined by twos, one after the other.
            Defaults to 0.0.
        separator: Classes that stand between the transcripts of two that are joined, such as a
            space. Defaults to none.

    Attributes:
        lengths: Vectors that each recording fills, by which rows are bucketed.
        signature: What a batch is: `keras.KerasTensor`s in place of the arrays.
    """

    def __init__(self, store, labels, preprocessor, augmentation, splicing=0.0, separator=()):
        self.store = store
        self.labels = labels
        self.preprocessor = preprocessor
        self.augmentation = augmentation
        self.splicing = splicing
        self.separator = np.array(separator, "int32")
        unit = preprocessor.steps_per_vector
        self.lengths = -(-store.lengths // unit)
        self.is_spoken = isinstance(labels, list)
        self.needed = needed_vectors(labels) if self.is_spoken else np.ones(len(labels), "int64")
        inputs = {
            "padding_mask": keras.KerasTensor((None, None), "bool"),
            "waveform": keras.KerasTensor((None, None), "float32"),
        }
        targets = keras.KerasTensor((None, None) if self.is_spoken else (None,), "int32")
        self.signature = (inputs, targets)

    def __len__(self):
        return len(self.store)

    def batch(self, rows, generator):
        """Returns `(inputs, classes)` of these rows, changed by the generator's chance."""
        unit, rate = self.preprocessor.steps_per_vector, self.preprocessor.sampling_rate
        clips = [
            # One vector more than needed is room for what stands between two that are joined.
            self.augmentation(
                np.asarray(self.store[row]), rate, generator, unit * (self.needed[row] + 1)
            )
            for row in rows
        ]
        labels = [self.labels[row] for row in rows]
        if self.splicing and generator.random() < self.splicing:
            clips, labels = self._joined(clips, labels, rows, generator)
        inputs = self.preprocessor.collate([self.preprocessor.recording(clip) for clip in clips])
        if not self.is_spoken:
            return inputs, np.array(labels, "int32")
        targets = np.zeros((len(labels), max(map(len, labels))), "int32")
        for target, label in zip(targets, labels, strict=True):
            target[: len(label)] = label
        return inputs, targets

    def _joined(self, clips, labels, rows, generator):
        """Joins the recordings by twos, unless one of them has no room for it."""
        unit = self.preprocessor.steps_per_vector
        has_room = [
            len(clip) // unit > need for clip, need in zip(clips, self.needed[rows], strict=True)
        ]
        if not all(has_room):
            return clips, labels
        order = generator.permutation(len(clips)).tolist()
        pairs = list(zip(order[::2], order[1::2], strict=False))
        alone = order[2 * len(pairs) :]
        joined = [np.concatenate([clips[a], clips[b]]) for a, b in pairs]
        texts = [np.concatenate([labels[a], self.separator, labels[b]]) for a, b in pairs]
        return [*joined, *(clips[i] for i in alone)], [*texts, *(labels[i] for i in alone)]


def needed_vectors(labels):
    """Returns how many vectors CTC needs at least to write each list of classes.

    One for each class, and a blank between two that are the same.
    """
    return np.array(
        [len(classes) + np.count_nonzero(classes[1:] == classes[:-1]) for classes in labels],
        "int64",
    )
