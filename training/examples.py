"""Examples of a split, made to batches of whatever rows are asked for."""

import keras
import numpy as np


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

    def __init__(self, store, labels, preprocessor, augment=None, copies=1, offsets=None):
        self.store = store
        self.lengths = store.lengths
        self.labels = np.asarray(labels, "int32")
        self.preprocessor = preprocessor
        self.augment = augment
        self.copies = copies
        self.offsets = offsets
        if preprocessor.num_segments > 1:
            inputs, targets = self.signature
            segments = {"segment_ids": keras.KerasTensor((None, None), "int32")}
            self.signature = ({**inputs, **segments}, targets)

    def __len__(self):
        return len(self.store)

    def batch(self, rows, generator):
        """Returns `(inputs, labels)` of these rows, augmented by the generator's chance."""
        encoded = self.store[rows]
        if self.augment is not None:
            encoded = self.augment(encoded, generator)
        if self.offsets is not None:
            encoded = [
                ids + offset for ids, offset in zip(encoded, self.offsets[rows], strict=True)
            ]
        length = self.preprocessor.padded_length([len(ids) for ids in encoded])
        inputs = self.preprocessor.collate(encoded, length)
        return (
            {name: np.repeat(array, self.copies, axis=0) for name, array in inputs.items()},
            np.repeat(self.labels[rows], self.copies),
        )


class TaggedExamples:
    """Sentences with a label for each word; padded words weigh nothing.

    Args:
        sentences: For each sentence the list of its words' pieces, each a list of ids.
        labels: For each sentence its words' labels, `(words,)`.
        preprocessor: `WordsPreprocessor`.
        augment: `f(list of pieces, generator) -> list of pieces` of one sentence. Defaults to None.

    Attributes:
        lengths: Number of tokens of each sentence, by which rows are bucketed.
        signature: What a batch is: `keras.KerasTensor`s in place of the arrays.
    """

    signature = (
        {
            "token_ids": keras.KerasTensor((None, None), "int32"),
            "padding_mask": keras.KerasTensor((None, None), "bool"),
            "word_starts": keras.KerasTensor((None, None), "int32"),
        },
        keras.KerasTensor((None, None), "int32"),
        keras.KerasTensor((None, None), "float32"),
    )

    def __init__(self, sentences, labels, preprocessor, augment=None):
        self.sentences = sentences
        self.labels = labels
        self.preprocessor = preprocessor
        self.augment = augment
        self.lengths = np.array([sum(map(len, pieces)) for pieces in sentences], "int64")

    def __len__(self):
        return len(self.sentences)

    def batch(self, rows, generator):
        """Returns `(inputs, labels, weights)` of these sentences, augmented by chance."""
        sentences = [self.sentences[row] for row in rows]
        if self.augment is not None:
            sentences = [self.augment(pieces, generator) for pieces in sentences]
        encoded = [self.preprocessor.join(pieces) for pieces in sentences]
        length = self.preprocessor.padded_length([len(item) for item in encoded])
        inputs = self.preprocessor.collate(encoded, length)
        is_word = inputs["word_starts"] >= 0
        labels = np.zeros(is_word.shape, "int32")
        labels[is_word] = np.concatenate([self.labels[row] for row in rows])
        return inputs, labels, is_word.astype("float32")


class GraphExamples:
    """Graphs with a label each, or with one for each node; nodes without one weigh nothing.

    Args:
        graphs: List of `zoo.Graph`.
        labels: Index of each graph's label, `(graphs,)`; or for each graph those of its nodes,
            `(nodes,)`, where -1 is none.
        preprocessor: `GraphPreprocessor`.

    Attributes:
        lengths: Number of nodes and edges of each graph, by which rows are bucketed.
        signature: What a batch is: `keras.KerasTensor`s in place of the arrays.
        is_constant: True, as nothing of a graph is left to chance.
    """

    is_constant = True

    def __init__(self, graphs, labels, preprocessor):
        self.graphs = graphs
        self.labels = labels
        self.preprocessor = preprocessor
        self.lengths = np.array([len(graph) for graph in graphs], "int64")
        inputs = {
            "edges": keras.KerasTensor((None, None, 2), "int32"),
            "node_features": keras.KerasTensor((None, None, preprocessor.num_features)),
            "num_nodes": keras.KerasTensor((None,), "int32"),
        }
        if isinstance(labels, list):
            each_node = (None, None)
            targets = (keras.KerasTensor(each_node, "int32"), keras.KerasTensor(each_node))
        else:
            targets = (keras.KerasTensor((None,), "int32"),)
        self.signature = (inputs, *targets)

    def __len__(self):
        return len(self.graphs)

    def batch(self, rows, generator):
        """Returns `(inputs, labels)` of these graphs, and `weights` if nodes have the labels."""
        inputs = self.preprocessor.collate([self.graphs[row] for row in rows])
        if not isinstance(self.labels, list):
            return inputs, self.labels[rows]
        labels = np.full(inputs["node_features"].shape[:2], -1, "int32")
        for place, row in enumerate(rows):
            labels[place, : len(self.labels[row])] = self.labels[row]
        return inputs, np.maximum(labels, 0), (labels >= 0).astype("float32")


class ImageExamples:
    """Images with one label each.

    Args:
        store: `ImageStore`.
        labels: Index of each row's label, `(rows,)`.
        augmentation: `ImageAugmentation`.

    Attributes:
        lengths: 1 for each row: there is nothing to bucket by.
        signature: What a batch is: `keras.KerasTensor`s in place of the arrays.
    """

    def __init__(self, store, labels, augmentation):
        self.store = store
        self.labels = np.asarray(labels, "int32")
        self.augmentation = augmentation
        self.num_classes = int(self.labels.max()) + 1
        self.lengths = np.ones(len(store), "int64")
        images = keras.KerasTensor((None, *store.image_shape), "uint8")
        one_label, shares = ((None,), "int32"), ((None, self.num_classes), "float32")
        labels = keras.KerasTensor(*(shares if augmentation.mixes else one_label))
        self.signature = ({"images": images}, labels)

    def __len__(self):
        return len(self.store)

    def batch(self, rows, generator):
        """Returns `(inputs, labels)` of these rows, changed by the generator's chance."""
        images, labels = self.augmentation(
            self.store[rows], self.labels[rows], self.num_classes, generator
        )
        return {"images": images}, labels
