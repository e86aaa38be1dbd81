"""Callbacks that make a resumed training the same as one that never stopped.

Keras's `BackupAndRestore` brings back weights, optimiser and epoch; these bring back the rest: the
order of the data, the random states of dropout, and what was best so far.
"""

import contextlib
import math
import os
import time
from pathlib import Path

import keras
import numpy as np

from ..zoo.ctc_decoding import GreedyDecoder
from ..zoo.symbols import text_of
from .entities import score_entities
from .history import write_history
from .transcripts import count_errors

# An epoch of a small graph takes a tenth of a second, and writing its state as long.
SECONDS_BETWEEN_BACKUPS = 10


class EpochSeeds(keras.callbacks.Callback):
    """Sets the data's epoch and every random state of the model from seed and epoch alone.

    Args:
        batches: `BucketedBatches` of the train split.
        seed: Seed of the training.
    """

    def __init__(self, batches, seed):
        super().__init__()
        self.batches = batches
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        """Runs before the epoch's first batch is made."""
        self.batches.epoch = epoch
        generator = np.random.default_rng((self.seed, epoch))
        for seed_generator in _seed_generators(self.model):
            state = generator.integers(2**31, size=2)
            seed_generator.state.assign(state.astype(seed_generator.state.dtype))


def _seed_generators(model):
    """Returns the seed generators of all layers, in the order of the layers."""
    return [
        layer.seed_generator
        for layer in model._flatten_layers(include_self=False)
        if isinstance(getattr(layer, "seed_generator", None), keras.random.SeedGenerator)
    ]


@contextlib.contextmanager
def averaged_weights(model):
    """Puts the optimiser's moving average of the weights into the model, for a while.

    Does nothing for an optimiser without one. The swap is by copies: Keras's own callback adds and
    subtracts on TensorFlow, which rounds, and a training that rounds is not the one resumed.
    """
    optimizer = model.optimizer
    if not optimizer.use_ema or not optimizer.built:
        yield
        return
    pairs = list(
        zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
    )
    raw = [keras.ops.convert_to_numpy(variable) for variable, _ in pairs]
    for variable, average in pairs:
        variable.assign(average)
    try:
        yield
    finally:
        for (variable, _), value in zip(pairs, raw, strict=True):
            variable.assign(value)


class AveragedEvaluation(keras.callbacks.Callback):
    """Validates with the moving average of the weights, which is what is kept."""

    def on_test_begin(self, logs=None):
        """Puts the average in."""
        self._swap = averaged_weights(self.model)
        self._swap.__enter__()

    def on_test_end(self, logs=None):
        """Puts the raw weights back."""
        self._swap.__exit__(None, None, None)


class ValidationMeasure(keras.callbacks.Callback):
    """Adds to an epoch what is measured on the validation split with the averaged weights.

    Args:
        pipeline: The `TrainingPipeline`.
        batches: `BucketedBatches` of the validation split.
    """

    def __init__(self, pipeline, batches):
        super().__init__()
        self.pipeline = pipeline
        self.batches = batches

    def on_epoch_end(self, epoch, logs=None):
        """Measures."""
        with averaged_weights(self.model):
            logs.update(self.measure())

    def measure(self):
        """Returns a dict from the name of each measure to its value."""
        raise NotImplementedError


class TranscriptErrors(ValidationMeasure):
    """Measures `val_wer` and `val_cer`: what the best path of CTC has wrong."""

    def measure(self):
        """Decodes the validation split."""
        labels, decoder = self.pipeline.labels, GreedyDecoder()
        said, heard = [], []
        for inputs, targets in self.batches:
            said += [text_of(labels[i] for i in row if i) for row in targets]
            for logits in self.pipeline.model.predict_on_batch(inputs):
                heard.append(text_of(labels[span.symbol] for span in decoder(logits)))
        errors = count_errors(said, heard)
        return {"val_wer": errors.wer, "val_cer": errors.cer}


class EntityScores(ValidationMeasure):
    """Measures `val_f1`: strict F1 of the entities that the labels mark.

    Nine words of ten are no entity, and a model that finds none has that much accuracy.
    """

    def measure(self):
        """Tags the validation split."""
        names = np.array(self.pipeline.labels)
        true, predicted = [], []
        for inputs, labels, is_word in self.batches:
            guessed = self.pipeline.model.predict_on_batch(inputs).argmax(axis=-1)
            for row, of_words in enumerate(is_word.astype(bool)):
                true.append(names[labels[row, of_words]].tolist())
                predicted.append(names[guessed[row, of_words]].tolist())
        return {"val_f1": score_entities(true, predicted)["all"]["f1"]}


class EpochRecord(keras.callbacks.Callback):
    """Keeps the history, the best weights and the patience; early stopping that can be resumed.

    All three follow from the history's rows, so a resumed run goes through the rows of the epochs
    that are done and stands where it stood. They are kept in memory until `write` is called.

    Args:
        folder: Where `history.csv` and `best.weights.h5` go.
        rows: Rows of the epochs that are done, as `read_history` gives them.
        monitor: Name of the metric that chooses; one that ends in `loss`, `wer` or `cer` is
            minimised, any other maximised.
        patience: Epochs without a better value before training stops.
    """

    def __init__(self, folder, rows, monitor, patience):
        super().__init__()
        self.history_file = Path(folder) / "history.csv"
        self.weights_file = Path(folder) / "best.weights.h5"
        self.rows = rows
        self.monitor = monitor
        self.patience = patience
        self._best_weights = None  # Those of the file, if there is one.

    @property
    def best_epoch(self):
        """The first epoch with the best value, or None before the first epoch's end."""
        return max(range(len(self.rows)), key=self._merit, default=None)

    def _merit(self, epoch):
        """What an epoch is compared by: higher is better, and NaN is worst."""
        value = self.rows[epoch][self.monitor]
        if math.isnan(value):
            return -math.inf
        return -value if self.monitor.endswith(("loss", "wer", "cer")) else value

    @property
    def is_over(self):
        """Whether patience has run out."""
        return bool(self.rows) and len(self.rows) - 1 - self.best_epoch >= self.patience

    def on_epoch_end(self, epoch, logs=None):
        """Adds the epoch's row; keeps its averaged weights if it is the best."""
        if self.monitor not in (logs or {}):
            raise ValueError(
                f"Expected `monitor` to be one of {sorted(logs or {})}. "
                f"Received: monitor={self.monitor!r}"
            )
        self.rows.append({"epoch": epoch, **{name: float(v) for name, v in logs.items()}})
        if self.best_epoch == epoch:
            with averaged_weights(self.model):
                self._best_weights = self.model.get_weights()
        if self.is_over:
            self.model.stop_training = True

    def put_best(self):
        """Puts the best weights so far into the model."""
        if self._best_weights is None:
            self.model.load_weights(self.weights_file)
        else:
            self.model.set_weights(self._best_weights)

    def write(self):
        """Writes the history and the best weights to their files."""
        write_history(self.history_file, self.rows)
        if self._best_weights is None:
            return
        partial = self.weights_file.with_name(f"partial-{self.weights_file.name}")
        weights = self.model.get_weights()
        self.put_best()
        try:
            self.model.save_weights(partial, overwrite=True)
        finally:
            self.model.set_weights(weights)
        os.replace(partial, self.weights_file)
        self._best_weights = None


class Backup(keras.callbacks.BackupAndRestore):
    """Writes all that a resumed run needs after an epoch, but not every few milliseconds.

    A run that is resumed goes through the epochs since then again, and they turn out the same.

    Args:
        folder: Where the backup goes.
        record: `EpochRecord`, which is written along.
    """

    def __init__(self, folder, record):
        super().__init__(folder, double_checkpoint=True, delete_checkpoint=False)
        self.record = record
        self._written = -math.inf

    def on_epoch_end(self, epoch, logs=None):
        """Writes if it is time to, or if training stops."""
        is_time = time.monotonic() - self._written >= SECONDS_BETWEEN_BACKUPS
        if is_time or self.model.stop_training:
            self.record.write()
            super().on_epoch_end(epoch, logs)
            self._written = time.monotonic()
