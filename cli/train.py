"""attnzoo train: train a model on labelled data; Ctrl-C keeps the best weights so far."""

import json
import sys
from pathlib import Path

from .data_options import add_data_arguments, data_options
from .output import print_json, print_next, program
from .settings import add_settings_argument, split_settings
from .types import positive_integer

RUN_FILE = "run.json"
# What a run remembers for `--resume`, with the defaults.
_REMEMBERED = {
    "model": None,
    "weights": None,
    "data": None,
    "text_column": None,
    "label_column": None,
    "label_names": None,
    "speaker": None,
    "skip_corrupt": False,
    "validation_split": 0.1,
    "recipe": None,
    "subwords": None,
    "settings": [],
    "dtype": None,
    "seed": 0,
    "tensorboard": False,
}


def add_arguments(parser):
    """Adds the arguments of `attnzoo train`."""
    parser.add_argument(
        "model", nargs="?", help="model/preset (see `attnzoo list`), or a saved folder to train on"
    )
    parser.add_argument(
        "--weights", metavar="PATH", help="a checkpoint in the format of Hugging Face to begin with"
    )
    add_data_arguments(parser, required=False)
    parser.add_argument("--validation-split", type=float, metavar="SHARE")
    parser.add_argument("--out", metavar="RUN", help="new folder for the trained model")
    parser.add_argument("--resume", metavar="RUN", help="go on with an interrupted run")
    parser.add_argument(
        "--recipe", help="how to train (default: finetune for a checkpoint, else scratch)"
    )
    add_settings_argument(parser)
    parser.add_argument(
        "--subwords",
        type=positive_integer,
        metavar="N",
        help="spell transcripts with N pieces of words (default: with characters)",
    )
    parser.add_argument("--dtype", help="such as mixed_bfloat16")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--tensorboard", action="store_true", help="write logs to RUN/tensorboard")
    parser.set_defaults(**_REMEMBERED)


def run(arguments):
    """Trains, says what came of it and what to do next."""
    folder = _run_folder(arguments)
    if arguments.resume:
        _recall(arguments, folder)
    from ..zoo.files import is_checkpoint
    from ..zoo.registry import get_architecture, get_config, get_preset
    from ..zoo.tasks import get_task

    name, loaded = arguments.model, None
    is_folder = (Path(name).expanduser() / "manifest.json").is_file() or is_checkpoint(name)
    if is_folder and arguments.weights:
        raise ValueError("Expected `--weights` with the name of a model. Received: a folder")
    if not is_folder:
        get_preset(name)  # An unknown name is told before the long imports.
    from .. import training
    from ..training.fit import check_run_folder

    check_run_folder(folder, bool(arguments.resume))
    if is_folder:
        from ..zoo import load

        loaded = load(name)
    elif arguments.weights:
        from ..zoo import load

        loaded = load(arguments.weights, get_architecture(name).name)
    config = get_config(name) if loaded is None else loaded.config
    task = get_architecture(name).task if loaded is None else loaded.task.name
    pretrained = loaded is not None and "checkpoint" in loaded.training
    recipe = training.get_recipe(arguments.recipe, task, pretrained=pretrained)
    overrides, changes = split_settings(arguments.settings, config, recipe)
    data = training.load_data(
        arguments.data,
        task,
        validation_split=arguments.validation_split,
        verbose=not arguments.json,
        **data_options(arguments),
    )
    pipeline = None
    if not arguments.resume:
        import keras

        if arguments.subwords is not None:
            overrides["subwords"] = arguments.subwords
        keras.utils.set_random_seed(arguments.seed)
        pipeline = training.prepare(loaded or name, data, dtype=arguments.dtype, **overrides)
        _remember(arguments, folder)
    try:
        history = training.fit(
            pipeline,
            data,
            recipe=training.get_recipe(arguments.recipe, task, data, pretrained, **changes),
            out=folder,
            seed=arguments.seed,
            resume=bool(arguments.resume),
            tensorboard=arguments.tensorboard,
            verbose=0 if arguments.json else 1 if sys.stdout.isatty() else 2,
        )
    except KeyboardInterrupt:
        if (folder / "manifest.json").exists():
            print(f"\nThe best weights so far are in {folder}.", file=sys.stderr)
        print(f"Go on with: {program()} train --resume {folder}", file=sys.stderr)
        raise
    if arguments.json:
        print_json({"out": str(folder), "best": history.best, "rows": history.rows})
        return
    print(
        f"\nBest of {len(history.rows)} epochs: {history.best_epoch + 1}, {_best(history)} "
        f"({history.seconds:.0f} s). Saved to {folder}"
    )
    print_next(
        f"evaluate {folder} --data {arguments.data}",
        f"predict {folder} {get_task(task).command_example}",
        f"export {folder} --to savedmodel,onnx --out dist",
    )


def _best(history):
    """Returns what the best epoch was chosen by, as words."""
    value, name = history.best[history.monitor], history.monitor.removeprefix("val_")
    shown = f"{value:.4f}" if name.endswith("loss") else f"{value:.2%}"
    return f"validation {name.upper() if name in ('wer', 'cer') else name} {shown}"


def _run_folder(arguments):
    if arguments.resume:
        given = [n for n, default in _REMEMBERED.items() if getattr(arguments, n) != default]
        if given or arguments.out:
            raise ValueError(
                "Expected `--resume RUN` alone: the run knows its model, data and settings. "
                f"Received: {', '.join(given) or 'out'}"
            )
        return Path(arguments.resume).expanduser()
    missing = [
        flag
        for flag, value in (
            ("MODEL", arguments.model),
            ("--data SPEC", arguments.data),
            ("--out RUN", arguments.out),
        )
        if not value
    ]
    if missing:
        raise ValueError(
            f"Expected {', '.join(missing)}, as in: attnzoo train sentiment_classifier/small "
            "--data reviews.csv --out runs/reviews (or: attnzoo train --resume RUN)"
        )
    return Path(arguments.out).expanduser()


def _remember(arguments, folder):
    """Writes the run's arguments into its folder, for `--resume`."""
    from ..zoo.files import write_json

    remembered = {name: getattr(arguments, name) for name in _REMEMBERED}
    for name in ("data", "model", "weights"):  # A path must be found again from anywhere.
        if remembered[name] and Path(remembered[name]).expanduser().exists():
            remembered[name] = str(Path(remembered[name]).expanduser().resolve())
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / RUN_FILE, remembered)


def _recall(arguments, folder):
    path = folder / RUN_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected an interrupted run of `attnzoo train` in {folder}; there is no {RUN_FILE}."
        )
    try:
        for name, value in json.loads(path.read_text(encoding="utf-8")).items():
            setattr(arguments, name, value)
    except (ValueError, AttributeError) as error:
        raise ValueError(f"Expected {path} to hold the run's arguments: {error}") from error
