"""Raw inputs in, predictions out, whatever runs the model: Keras or an exported file."""

import numpy as np

# Padded lengths come in steps, so that a compiled model meets few shapes.
_LENGTH_STEP = 8
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
        """Returns the logits `(batch, num_classes)` of one batch of `preprocessor.collate`."""
        raise NotImplementedError

    def __call__(self, inputs, batch_size=32):
        """Returns one `Prediction` for each raw input, in their order.

        Args:
            inputs: List of raw inputs (texts); a single text counts as a list of one.
            batch_size: Inputs that go through the model at once. Defaults to 32.
        """
        _check_batch_size(batch_size)
        return self.task.predictions(self.logits(_several(inputs), batch_size), self.labels)

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
        """Returns the logits of raw inputs, float32 `(len(inputs), num_classes)`."""
        encoded = self.preprocessor.encode(inputs)

        def run_rows(rows):
            longest = max(len(encoded[row]) for row in rows)
            batch = [encoded[row] for row in rows]
            return self.run(self.preprocessor.collate(batch, self._padded_length(longest)))

        return self._in_batches(encoded, batch_size, run_rows)

    def _in_batches(self, items, batch_size, run_rows):
        """Returns the logits of all items, run in batches of like lengths.

        Args:
            items: List of what has a length.
            batch_size: Items that go through the model at once.
            run_rows: `f(rows) -> logits` of the items of these indices.
        """
        # Batches of like lengths carry little padding; the assignment restores the order.
        order = np.argsort([len(item) for item in items], kind="stable")
        logits = np.zeros((len(items), len(self.labels)), "float32")
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            logits[rows] = run_rows(rows)
        return logits

    def _padded_length(self, longest):
        steps = max(1, -(-int(longest) // _LENGTH_STEP))
        return min(steps * _LENGTH_STEP, self.preprocessor.max_sequence_length)


def _several(inputs):
    """A single text counts as a list of one."""
    return [inputs] if isinstance(inputs, str) else inputs


def _check_batch_size(batch_size):
    if batch_size < 1:
        raise ValueError(f"Expected `batch_size` to be positive. Received: batch_size={batch_size}")
