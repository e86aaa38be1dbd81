"""`training.fit`: a recipe applied to a pipeline, resumable, keeping the best weights."""

import contextlib
import hashlib
import importlib.util
import shutil
import tempfile
import time
from pathlib import Path

import keras

from ..zoo import load
from .adapters import ADAPTERS_FILE, adapted, save_adapters
from .callbacks import AveragedEvaluation, Backup, EpochRecord, EpochSeeds
from .history import History, plot_history, read_history
from .interrupt import InterruptBetweenBatches
from .layer_levels import frozen
from .optimizer import make_optimizer
from .pipeline import TrainingPipeline, prepare
from .recipes import get_recipe
from .tasks import get_training_task

# What only a resumed run needs, inside the run's folder; removed when training ends.
STATE_FOLDER = "training_state"


def fit(
    pipeline,
    data,
    recipe=None,
    out=None,
    seed=0,
    resume=False,
    tensorboard=False,
    verbose="auto",
    provenance=None,
    **overrides,
):
    """Trains on the train split, chooses on the validation split, keeps the best weights.

    Args:
        pipeline: A `TrainingPipeline` of `prepare`, or what `prepare` makes one of: a name such as
            `"sentiment_classifier/small"`, or a pipeline of `zoo.load`.
        data: `Data` of `load_data`.
        recipe: A name that `get_recipe` knows, or a `Recipe`. Defaults to None: `"finetune"` for
            the weights of a checkpoint, else `"scratch"`.
        out: Folder for `history.csv`, `learning_curve.png` and, at the end, the saved pipeline.
            Defaults to None (nothing is kept but what is returned).
        seed: Seed of weights, shuffling, dropout and augmentation. Defaults to 0.
        resume: Whether to go on with the run in `out` that was interrupted: on one device it
            continues as if it had never stopped. Defaults to False.
        tensorboard: Whether to write TensorBoard logs to `out/tensorboard`. Defaults to False.
        verbose: As in `model.fit`. Defaults to `"auto"`.
        provenance: JSON-like dict to keep with the saved pipeline. Defaults to None.
        **overrides: See `prepare`; not for a `TrainingPipeline`, which has its model already.

    Returns:
        `History`, with the trained pipeline.

    Raises:
        FileExistsError: If `out` holds a finished or an interrupted run and `resume` is False.
        FileNotFoundError: If `resume` is True and there is nothing to resume.
        ValueError: If the run to resume began with other data, recipe or seed.
        KeyboardInterrupt: On Ctrl-C, after the best weights so far were put into the pipeline and
            saved to `out`.

    Example:
    ```python
    data = training.load_data("demo")
    history = training.fit("sentiment_classifier/tiny", data, out="runs/demo")
    print(history.best["val_accuracy"], history.pipeline(["What a lovely film."]))
    ```
    """
    with contextlib.ExitStack() as stack:
        if out is None:
            if resume or tensorboard:
                raise ValueError("Expected `out`, the run's folder, to resume or log to.")
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attnzoo-run-")))
        else:
            folder = Path(out)
            check_run_folder(folder, resume)
        keras.utils.set_random_seed(seed)
        if resume:
            loaded = load(folder / STATE_FOLDER / "start")
            pipeline = TrainingPipeline(
                loaded.model, loaded.preprocessor, loaded.labels, loaded.training
            )
        elif not isinstance(pipeline, TrainingPipeline):
            pipeline = prepare(pipeline, data, **overrides)
        elif overrides:
            raise ValueError(
                "Expected overrides of the configuration only with a model's name; pass them to "
                f"`prepare`. Received: {sorted(overrides)}"
            )
        pretrained = "checkpoint" in pipeline.training
        recipe = get_recipe(recipe, data.task, data, pretrained)
        run = {
            "recipe": recipe.__dict__,
            "seed": seed,
            "train_rows": len(data.train),
            "train_labels_sha256": hashlib.sha256(data.train.flat_labels.tobytes()).hexdigest(),
        }
        if resume:
            _check_same_run(pipeline, data, run)
            run["new_weights"] = pipeline.training.get("new_weights", False)
        else:
            run["new_weights"] = not pipeline.training
        if pretrained:  # Where the first weights come from.
            run = {**run, "checkpoint": pipeline.training["checkpoint"]}
        pipeline.training = run
        part = stack.enter_context(contextlib.ExitStack())  # What only training changes.
        return _train(
            pipeline,
            data,
            recipe,
            folder,
            seed,
            resume,
            tensorboard,
            verbose,
            provenance,
            out,
            part,
        )


def check_run_folder(folder, resume=False):
    """Raises unless a run may begin in `folder`, or go on there if `resume`."""
    state = Path(folder) / STATE_FOLDER
    if resume and not (state / "start" / "manifest.json").exists():
        raise FileNotFoundError(
            f"Expected an interrupted training run in {folder}; there is none to resume."
        )
    if not resume and (state.exists() or (Path(folder) / "manifest.json").exists()):
        raise FileExistsError(
            f"Expected no training run in {folder}; choose another folder, or resume the run "
            f"(`--resume {folder}`) if it was interrupted."
        )


def _check_same_run(start, data, run):
    """Raises unless a run would go on with what it began with."""
    began = {**start.training, "labels": start.labels}
    labels = get_training_task(data.task).labels_after(start, data)
    goes_on = {**run, "labels": labels}
    changed = [name for name in goes_on if goes_on[name] != began.get(name)]
    if changed:
        raise ValueError(
            "Expected to resume with the data, recipe and seed that the run began with: "
            f"{ {name: began.get(name) for name in changed} }. "
            f"Received: { {name: goes_on[name] for name in changed} }"
        )


def _train(
    pipeline, data, recipe, folder, seed, resume, tensorboard, verbose, provenance, out, part
):
    state = folder / STATE_FOLDER
    task = get_training_task(data.task)
    augmentation = task.augmentation(recipe)
    start = task.start(pipeline, data, recipe) if pipeline.training["new_weights"] else None
    if start is not None:
        augmentation["offsets"] = start.offsets
    train = pipeline.make_batches(data.train, recipe.batch_size, seed=seed, **augmentation)
    validation = pipeline.make_batches(
        data.validation, max(recipe.batch_size, 64), **task.evaluation(recipe)
    )
    if not resume:
        pipeline.save(state / "start")
    part.enter_context(frozen(pipeline.model, recipe.freeze))
    part.enter_context(adapted(pipeline.model, recipe.lora_rank, seed))
    model = pipeline.model if start is None else start.training_model(pipeline.model)
    model = task.training_model(model, recipe)
    model.compile(
        optimizer=make_optimizer(recipe, len(train) * recipe.epochs, model),
        jit_compile=recipe.jit_compile,
        **task.compile_arguments(pipeline, recipe, data.train),
    )
    record = EpochRecord(state, [], recipe.monitor, recipe.patience)
    record.set_model(model)
    backup = Backup(state / "backup", record)
    if resume:
        # Done here, before `fit` does it again, to know how many epochs are behind us.
        backup.set_model(model)
        backup.on_train_begin()
    epochs_done = getattr(model, "_initial_epoch", None) or 0
    record.rows = read_history(record.history_file)[:epochs_done]
    measures = task.callbacks(pipeline, validation)
    callbacks = [EpochSeeds(train, seed), AveragedEvaluation(), *measures, record, backup]
    if tensorboard:
        callbacks.append(_tensorboard(folder))
    started = time.perf_counter()

    def finish(interrupted):
        model._initial_epoch = None  # BackupAndRestore leaves it; a later `fit` would skip epochs.
        record.write()
        record.put_best()
        if recipe.lora_rank and out is not None:
            save_adapters(folder / ADAPTERS_FILE, pipeline.model, pipeline.labels)
        part.close()
        for traced in (model, pipeline.model):  # What they were with adapters.
            traced.train_function = traced.test_function = traced.predict_function = None
        seconds = time.perf_counter() - started
        history = History(record.rows, record.best_epoch, pipeline, seconds, recipe.monitor)
        pipeline.training = {
            "data": data.spec,
            **pipeline.training,
            "interrupted": interrupted,
            "best": history.best,
            **(provenance or {}),
        }
        if out is not None:
            shutil.copyfile(record.history_file, folder / "history.csv")
            plot_history(
                folder / "learning_curve.png", history.rows, history.best_epoch, recipe.monitor
            )
            pipeline.save(folder, overwrite=True)
        return history

    with InterruptBetweenBatches() as interrupt:  # What is saved is saved whole, too.
        try:
            if not record.is_over:
                model.fit(
                    train.for_fit(),
                    validation_data=validation.for_fit(),
                    epochs=recipe.epochs,
                    shuffle=False,  # The batches are shuffled already.
                    callbacks=[*callbacks, interrupt],
                    verbose=verbose,
                )
        except KeyboardInterrupt:
            if record.rows:
                finish(interrupted=True)
            raise
        history = finish(interrupted=False)
        shutil.rmtree(state)
    return history


def _tensorboard(folder):
    if importlib.util.find_spec("tensorboard") is None:
        raise ImportError(
            "TensorBoard logs need the package tensorboard: `pip install 'attnzoo[tensorboard]'`."
        )
    return keras.callbacks.TensorBoard(folder / "tensorboard")
