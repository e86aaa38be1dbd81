"""Raw inputs in, predictions out, whatever runs the model: Keras or an exported file."""

import os

import numpy as np

from .graph import Graph
from .raw_audio import RawAudio

# Pairs of positions that go through the model at once: attention's memory grows with them, so a
# long input goes by itself.
_MOST_PAIRS = 1 << 25
# Inputs that `stream` holds at once, in batches: enough to sort by length.
_BATCHES_HELD = 16


class Predictor:
    """Preprocesses raw inputs, runs them in batches of like lengths, and restores their order.

    A subclass says in `run` how one batch becomes logits.

    Args:
        task: A task of `zoo.tasks`.
        preprocessor: What makes batches of raw inputs, such as `TextPreprocessor`.
        labels: Names of the classes, in the order of the logits.
    """

    def __init__(self, task, preprocessor, labels):
        self.task = task
        self.preprocessor = preprocessor
        self.labels = [str(label) for label in labels]

    def run(self, batch):
        """Returns the logits of one batch of `preprocessor.collate`, a row for each input."""
        raise NotImplementedError

    def __call__(self, inputs, batch_size=32):
        """Returns one `Prediction` for each raw input, in their order.

        Args:
            inputs: List of raw inputs (texts, images, recordings, graphs); a single one counts as a
                list.
            batch_size: Inputs that go through the model at once. Defaults to 32.
        """
        _check_batch_size(batch_size)
        if not self.labels:
            raise ValueError(
                "Expected a model with a head; train one on it (`attnzoo train`), or ask for "
                "vectors: `pipeline.embed`. Received: one without"
            )
        inputs = self.preprocessor.checked(_several(inputs))
        return self.task.predictions(inputs, self.logits(inputs, batch_size), self.labels)

    def stream(self, inputs, batch_size=32):
        """Yields one `Prediction` after another from any iterable, in constant memory."""
        _check_batch_size(batch_size)
        held = []
        for item in _several(inputs):
            held.append(item)
            if len(held) == _BATCHES_HELD * batch_size:
                yield from self(held, batch_size)
                held = []
        yield from self(held, batch_size)

    def logits(self, inputs, batch_size=32):
        """Returns the logits of raw inputs, float32.

        They are `(len(inputs), num_classes)`, or, where each word, node or vector of a recording
        has a label, a list with `(words, num_classes)` for each sentence, `(nodes, num_classes)`
        for each graph, `(vectors, num_classes)` for each recording.
        """
        return self._outputs(inputs, len(self.labels), batch_size, self.run)

    def _outputs(self, inputs, size, batch_size, run):
        """Returns what `run(batch)` makes of raw inputs, vectors of this size, in their order."""
        inputs = self.preprocessor.checked(_several(inputs))
        encoded = self.preprocessor.encode(inputs)

        def run_rows(rows):
            batch = [encoded[row] for row in rows]
            length = self.preprocessor.padded_length([len(item) for item in batch])
            return run(self.preprocessor.collate(batch, length))

        rows = self._in_batches([len(item) for item in encoded], batch_size, run_rows)
        return self.task.collect(inputs, rows, size)

    def _in_batches(self, lengths, batch_size, run_rows):
        """Returns a list of each item's logits, run in batches of like lengths.

        Args:
            lengths: Length of each item.
            batch_size: Items that go through the model at once, or fewer if they are long.
            run_rows: `f(rows) -> logits` of the items of these indices.
        """
        # Batches of like lengths carry little padding; the assignment restores the order.
        order = np.argsort(lengths, kind="stable").tolist()
        logits = [None] * len(lengths)
        while order:
            longest = max(1, lengths[order[:batch_size][-1]])
            count = min(batch_size, max(1, _MOST_PAIRS // longest**2))
            rows, order = order[:count], order[count:]
            for row, answer in zip(rows, run_rows(rows), strict=True):
                logits[row] = answer
        return logits


def _several(inputs):
    """A single text, path, encoded file, recording or graph (or dict) counts as a list of one."""
    if isinstance(inputs, tuple) and len(inputs) == 2 and isinstance(inputs[1], int):
        return [inputs]  # Samples and their rate.
    single = (str, bytes, os.PathLike, RawAudio, Graph, dict)
    return [inputs] if isinstance(inputs, single) else inputs


def _check_batch_size(batch_size):
    if batch_size < 1:
        raise ValueError(f"Expected `batch_size` to be positive. Received: batch_size={batch_size}")
