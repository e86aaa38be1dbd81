from pathlib import Path

import keras
import numpy as np
import pytest

from attnzoo.training import callbacks
from attnzoo.training.callbacks import Backup, EpochRecord, EpochSeeds, averaged_weights
from attnzoo.training.history import read_history


def compiled_model(**optimizer):
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(0.1, **optimizer), "mse")
    return model


def train(model, steps):
    for seed in range(steps):
        inputs = np.random.default_rng(seed).normal(size=(4, 3)).astype("float32")
        model.train_on_batch(inputs, np.ones((4, 1), "float32"))


# === averaged_weights ===


def test_the_average_is_put_in_and_the_raw_weights_come_back():
    model = compiled_model(use_ema=True, ema_momentum=0.5)
    expected = [weight.numpy().astype("float64") for weight in model.trainable_weights]
    for step in range(3):
        inputs = np.random.default_rng(step).normal(size=(4, 3)).astype("float32")
        model.train_on_batch(inputs, np.ones((4, 1), "float32"))
        momentum = 0.5 if step else 0.0  # The average begins at the first weights it sees.
        expected = [
            momentum * average + (1 - momentum) * weight.numpy()
            for average, weight in zip(expected, model.trainable_weights, strict=True)
        ]
    raw = model.get_weights()
    with averaged_weights(model):
        for weight, average in zip(model.trainable_weights, expected, strict=True):
            np.testing.assert_allclose(weight, average, atol=1e-6)
    for weight, value in zip(model.get_weights(), raw, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_the_raw_weights_come_back_after_an_error():
    model = compiled_model(use_ema=True, ema_momentum=0.5)
    train(model, 3)
    raw = model.get_weights()
    with pytest.raises(KeyboardInterrupt), averaged_weights(model):
        raise KeyboardInterrupt
    for weight, value in zip(model.get_weights(), raw, strict=True):
        np.testing.assert_array_equal(weight, value)


@pytest.mark.parametrize("steps", [0, 2])
def test_without_an_average_nothing_changes(steps):
    model = compiled_model(use_ema=steps == 0)
    train(model, steps)
    raw = model.get_weights()
    with averaged_weights(model):
        for weight, value in zip(model.get_weights(), raw, strict=True):
            np.testing.assert_array_equal(weight, value)


# === EpochSeeds ===


def test_an_epoch_has_the_random_states_of_seed_and_epoch():
    class Batches:
        epoch = None

    def states(seed, epoch, model):
        callback = EpochSeeds(Batches(), seed)
        callback.set_model(model)
        callback.on_epoch_begin(epoch)
        assert callback.batches.epoch == epoch
        dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
        return [layer.seed_generator.state.numpy().tolist() for layer in dropouts]

    model = compiled_model()
    first = states(0, 3, model)
    train(model, 2)
    assert states(0, 3, compiled_model()) == first == states(0, 3, model)
    assert states(0, 4, model) != first != states(1, 3, model)


# === EpochRecord ===


class Model:
    """Saves a number in place of weights."""

    stop_training = False

    class optimizer:
        use_ema = False

    def get_weights(self):
        return self.epoch

    def set_weights(self, weights):
        self.epoch = weights

    def save_weights(self, filepath, overwrite):
        Path(filepath).write_text(str(self.epoch))

    def load_weights(self, filepath):
        self.epoch = int(filepath.read_text())


def record_epochs(folder, values, monitor="val_accuracy", patience=10, rows=()):
    """Runs a record through epochs with these values until it stops."""
    record = EpochRecord(folder, list(rows), monitor, patience)
    model = Model()
    record.set_model(model)
    for epoch, value in enumerate(values, len(rows)):
        model.epoch = epoch
        record.on_epoch_end(epoch, {"loss": 1.0, monitor: value})
        if model.stop_training:
            break
    record.write()
    return record


@pytest.mark.parametrize(
    ("monitor", "values", "best"),
    [
        ("val_accuracy", [0.1, 0.5, 0.3, 0.5], 1),
        ("val_accuracy", [0.5, 0.4], 0),
        ("val_loss", [3.0, 1.0, 2.0], 1),
        ("loss", [3.0, 1.0, 0.5], 2),
    ],
)
def test_the_first_epoch_with_the_best_value_is_kept(tmp_path, monitor, values, best):
    record = record_epochs(tmp_path, values, monitor)
    assert record.best_epoch == best
    assert record.weights_file.read_text() == str(best)
    assert [row[monitor] for row in read_history(record.history_file)] == values
    assert not record.is_over
    assert record.model.epoch == len(values) - 1, "the model is left as it was"
    record.put_best()
    assert record.model.epoch == best


def test_before_the_first_epoch_there_is_no_best(tmp_path):
    record = record_epochs(tmp_path, [])
    assert (record.best_epoch, record.is_over) == (None, False)


@pytest.mark.parametrize("patience", [1, 2, 3])
def test_it_stops_when_patience_runs_out(tmp_path, patience):
    values = [0.1, 0.3, 0.2, 0.3, 0.1, 0.2, 0.9]
    record = record_epochs(tmp_path, values, patience=patience)
    assert len(record.rows) == 2 + patience
    assert record.is_over
    assert record.best_epoch == 1


@pytest.mark.parametrize("done", [1, 2, 3, 4])
def test_a_resumed_record_stands_where_it_stood(tmp_path, done):
    values = [0.1, 0.3, 0.2, 0.25, 0.1]
    whole = record_epochs(tmp_path, values, patience=3)
    rows = read_history(whole.history_file)[:done]
    resumed = record_epochs(tmp_path, values[done:], patience=3, rows=rows)
    assert resumed.rows == whole.rows
    assert resumed.best_epoch == whole.best_epoch
    assert resumed.is_over == whole.is_over


def test_a_monitor_that_is_not_measured_is_refused(tmp_path):
    record = EpochRecord(tmp_path, [], "val_f1", 3)
    with pytest.raises(ValueError, match=r"\['loss', 'val_loss'\].*monitor='val_f1'"):
        record.on_epoch_end(0, {"loss": 1.0, "val_loss": 1.0})


# === Backup ===


@pytest.mark.parametrize(("seconds", "written"), [(0, [0, 1, 2, 3]), (25, [0, 3]), (1e9, [0])])
def test_a_backup_is_not_written_more_often_than_it_pays(tmp_path, monkeypatch, seconds, written):
    clock = iter(range(0, 1000, 10))
    now = [0]
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(callbacks, "SECONDS_BETWEEN_BACKUPS", seconds)
    record = record_epochs(tmp_path, [])
    backup = Backup(tmp_path / "backup", record)
    backup.set_model(record.model)
    found = []
    for epoch in range(4):
        now[0] = next(clock)
        record.model.epoch = epoch
        record.on_epoch_end(epoch, {"loss": 1.0, "val_accuracy": 0.5 + epoch})
        backup.on_epoch_end(epoch)
        if len(read_history(record.history_file)) == epoch + 1:
            found.append(epoch)
            assert (tmp_path / "backup" / "latest.weights.h5").read_text() == str(epoch)
            assert record.weights_file.read_text() == str(epoch)
    assert found == written


def test_a_backup_is_written_when_training_stops(tmp_path):
    record = record_epochs(tmp_path, [])
    record.patience = 2
    backup = Backup(tmp_path / "backup", record)
    backup.set_model(record.model)
    for epoch, value in enumerate([0.5, 0.4, 0.3]):
        record.model.epoch = epoch
        record.on_epoch_end(epoch, {"loss": 1.0, "val_accuracy": value})
        backup.on_epoch_end(epoch)
    assert len(read_history(record.history_file)) == 3
    assert record.weights_file.read_text() == "0"
