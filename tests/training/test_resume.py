"""A run that was stopped, however rudely, goes on as if it had never stopped."""

import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from attnzoo import training, zoo
from attnzoo.training import callbacks
from attnzoo.training.callbacks import AveragedEvaluation, EpochRecord, EpochSeeds

from .runs import RECIPE, assert_same_run, new_pipeline, train


@pytest.fixture(autouse=True)
def backup_of_every_epoch(monkeypatch):
    """Epochs of the toy reviews are so short that most would have no backup."""
    monkeypatch.setattr(callbacks, "SECONDS_BETWEEN_BACKUPS", 0)


class Crash(Exception):
    """Stands for whatever may end a process."""


def stop(monkeypatch, kind, method, epoch, error=Crash, before=True):
    """Makes a callback raise in one epoch (counted from 0), before or after its work."""
    original = getattr(kind, method)
    calls = []

    def stopping(self, *args, **kwargs):
        calls.append(args)
        if before and len(calls) == epoch + 1:
            raise error
        original(self, *args, **kwargs)
        if len(calls) == epoch + 1:
            raise error

    monkeypatch.setattr(kind, method, stopping)


def resume(toy_data, folder, **kwargs):
    """Goes on with a run; the pipeline comes from its folder."""
    keras.utils.set_random_seed(999)  # The process that resumes has another past.
    return training.fit(None, toy_data, RECIPE, out=folder, resume=True, verbose=0, **kwargs)


def test_after_ctrl_c_the_best_weights_are_there_and_the_run_can_go_on(
    finished, start, toy_data, tmp_path, monkeypatch
):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        stop(patch, EpochSeeds, "on_epoch_begin", epoch=2, error=KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            train(start, toy_data, out=folder)

    # What was best so far is a pipeline that answers.
    best = max(finished.rows[:2], key=lambda row: row["val_accuracy"])
    kept = zoo.load(folder)
    assert kept.training["interrupted"] is True
    assert kept.training["best"] == best
    accuracy = training.evaluate(kept, toy_data.validation).accuracy
    assert accuracy == pytest.approx(best["val_accuracy"])
    assert (folder / "learning_curve.png").exists()

    with pytest.raises(FileExistsError, match=f"--resume {folder}"):
        train(start, toy_data, out=folder)

    assert_same_run(resume(toy_data, folder), finished)
    assert zoo.load(folder).training["interrupted"] is False
    assert not (folder / "training_state").exists()
    with pytest.raises(FileNotFoundError, match="none to resume"):
        resume(toy_data, folder)


# Callback, method, epoch, and whether it stops before the callback's work or after it.
CRASHES = {
    "between the record and the backup of an epoch": (EpochRecord, "on_epoch_end", 1, False),
    "before an epoch is recorded": pytest.param(
        (EpochRecord, "on_epoch_end", 1, True), marks=pytest.mark.slow
    ),
    "in the first epoch": pytest.param(
        (EpochSeeds, "on_epoch_begin", 0, False), marks=pytest.mark.slow
    ),
    "in the middle of an epoch": pytest.param(
        (EpochSeeds, "on_train_batch_end", 9, True), marks=pytest.mark.slow
    ),
    "in the validation": pytest.param(
        (AveragedEvaluation, "on_test_begin", 2, False), marks=pytest.mark.slow
    ),
    "while the backup is written": pytest.param(
        (keras.callbacks.BackupAndRestore, "_save_model", 2, False), marks=pytest.mark.slow
    ),
    "in the last epoch": pytest.param(
        (EpochRecord, "on_epoch_end", 3, False), marks=pytest.mark.slow
    ),
}


@pytest.mark.parametrize("crash", CRASHES.values(), ids=CRASHES)
def test_a_run_that_crashed_goes_on_as_if_it_had_not(
    finished, start, toy_data, tmp_path, monkeypatch, crash
):
    kind, method, epoch, before = crash
    with monkeypatch.context() as patch:
        stop(patch, kind, method, epoch, before=before)
        with pytest.raises(Crash):
            train(start, toy_data, out=tmp_path / "run")
    assert not (tmp_path / "run" / "manifest.json").exists(), "only what is whole is a pipeline"
    assert_same_run(resume(toy_data, tmp_path / "run"), finished)


def test_a_run_whose_last_backup_is_old_goes_on_as_if_it_had_not_crashed(
    finished, start, toy_data, tmp_path, monkeypatch
):
    monkeypatch.setattr(callbacks, "SECONDS_BETWEEN_BACKUPS", 1e9)
    with monkeypatch.context() as patch:
        stop(patch, EpochRecord, "on_epoch_end", epoch=2, before=False)
        with pytest.raises(Crash):
            train(start, toy_data, out=tmp_path / "run")
    assert_same_run(resume(toy_data, tmp_path / "run"), finished)


@pytest.mark.slow
def test_a_run_may_crash_again_and_again(finished, start, toy_data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop(patch, EpochSeeds, "on_epoch_begin", epoch=1)
        with pytest.raises(Crash):
            train(start, toy_data, out=tmp_path / "run")
    for _ in range(2):
        with monkeypatch.context() as patch:
            stop(patch, EpochSeeds, "on_epoch_begin", epoch=1)
            with pytest.raises(Crash):
                resume(toy_data, tmp_path / "run")
    assert_same_run(resume(toy_data, tmp_path / "run"), finished)


@pytest.mark.slow
def test_a_run_that_crashed_when_patience_ran_out_is_over(start, toy_data, tmp_path, monkeypatch):
    recipe = RECIPE.replace(epochs=10, learning_rate=1e-12, ema_momentum=None, patience=2)
    expected = train(start, toy_data, recipe)
    with monkeypatch.context() as patch:
        stop(patch, EpochRecord, "on_train_end", epoch=0)
        with pytest.raises(Crash):
            train(start, toy_data, recipe, out=tmp_path / "run")
    resumed = training.fit(None, toy_data, recipe, out=tmp_path / "run", resume=True, verbose=0)
    assert_same_run(resumed, expected)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [{"ema_momentum": None}, {"clip_norm": 0.1}], ids=str)
def test_other_recipes_resume_too(start, toy_data, tmp_path, monkeypatch, optimizer):
    recipe = RECIPE.replace(epochs=3, **optimizer)
    expected = train(start, toy_data, recipe)
    with monkeypatch.context() as patch:
        stop(patch, EpochSeeds, "on_epoch_begin", epoch=2)
        with pytest.raises(Crash):
            train(start, toy_data, recipe, out=tmp_path / "run")
    resumed = training.fit(None, toy_data, recipe, out=tmp_path / "run", resume=True, verbose=0)
    assert_same_run(resumed, expected)


def test_a_run_goes_on_only_with_what_it_began_with(start, toy_data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop(patch, EpochSeeds, "on_epoch_begin", epoch=0)
        with pytest.raises(Crash):
            train(start, toy_data, out=tmp_path / "run")
    changes = {
        "recipe": {"recipe": RECIPE.replace(epochs=5)},
        "seed": {"recipe": RECIPE, "seed": 1},
    }
    for name, change in changes.items():
        with pytest.raises(ValueError, match=f"that the run began with: .*'{name}'"):
            training.fit(None, toy_data, out=tmp_path / "run", resume=True, **change)
    few = training.Data("mine", toy_data.task, ["bad", "fine"], toy_data.test, toy_data.validation)
    with pytest.raises(ValueError, match=r"'train_rows': 60.*'labels': .*fine"):
        training.fit(None, few, RECIPE, out=tmp_path / "run", resume=True)


KILLED = """
import os, signal, sys
from pathlib import Path
from attnzoo import training
from attnzoo.training.callbacks import EpochSeeds
from {package}.runs import train

begin = EpochSeeds.on_epoch_begin

def killed(self, epoch, logs=None):
    begin(self, epoch, logs)
    if epoch == 2:
        os.kill(os.getpid(), signal.SIGKILL)

EpochSeeds.on_epoch_begin = killed
start, spec, out = map(Path, sys.argv[1:])
train(start, training.load_data(spec, verbose=False), out=out)
"""


@pytest.mark.slow
def test_a_killed_process_is_resumed_by_another(toy_data, tmp_path):
    """With a Transformer this time, as bags of words are not what people train."""
    start, folder = tmp_path / "start", tmp_path / "run"
    new_pipeline(toy_data, "sentiment_classifier/tiny", num_layers=1).save(start)
    expected = train(start, toy_data)
    process = subprocess.run(
        [
            *(sys.executable, "-c", KILLED.format(package=__package__)),
            *(start, toy_data.spec, folder),
        ],
        cwd=Path(__file__).parents[2],
        check=False,
        capture_output=True,
        text=True,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert not (folder / "manifest.json").exists()
    assert_same_run(resume(toy_data, folder), expected)
    texts = list(toy_data.test.inputs())
    np.testing.assert_array_equal(zoo.load(folder).logits(texts), expected.pipeline.logits(texts))
