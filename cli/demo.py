"""attnzoo demo: train, evaluate, export and verify a small model of every architecture.

The data come with attnzoo, so nothing goes over the network.
"""

import dataclasses
import itertools
import sys
import time
from pathlib import Path

from .output import print_json, print_next, print_table

EXAMPLES = 2


def add_arguments(parser):
    """Adds the arguments of `attnzoo demo`."""
    parser.add_argument(
        "model", nargs="?", help="one architecture of `attnzoo list` (default: each of them)"
    )
    parser.add_argument(
        "--out", default="attnzoo-demo", help="folder (default: attnzoo-demo, or the next free one)"
    )
    parser.add_argument("--seed", type=int, default=0)


def run(arguments):
    """Does the whole path once and prints what was built, exported and verified."""
    from ..zoo.registry import get_architecture, list_models

    chosen = [arguments.model] if arguments.model else list_models()
    architectures = [get_architecture(name) for name in chosen]
    folder = _free_folder(Path(arguments.out))
    started = time.perf_counter()
    paths = []
    for architecture in architectures:
        paths.append(_whole_path(architecture, folder, arguments))
        if not arguments.json:
            _print_answers(paths[-1])
    seconds = time.perf_counter() - started
    if arguments.json:
        print_json({"out": str(folder), "seconds": seconds, "models": list(map(_as_json, paths))})
        return
    print_table(
        ["model", "test", "verified", "trained", "exported", "seconds"],
        [
            (
                path.model,
                _headline(path.evaluation),
                f"{sum(c.passed for c in path.report.checks)} of {len(path.report.checks)} checks",
                path.run,
                ", ".join(str(variant) for variant in path.variants),
                f"{path.seconds:.0f}",
            )
            for path in paths
        ],
        title=f"\nDone in {seconds:.0f} s",
    )
    print_next(
        *(
            f"predict {path.run.parent}/dist 'Not bad at all, I would go again.'"
            for path in paths
            if path.takes_text
        ),
        f"verify {paths[0].run.parent}/dist",
        "train sentiment_classifier/small --data YOUR.csv --out runs/yours",
    )


@dataclasses.dataclass(frozen=True)
class _Path:
    """What came of one architecture."""

    model: str
    run: Path
    variants: list[Path]
    seconds: float
    evaluation: object
    report: object
    examples: list[str]
    answers: dict[str, list]
    takes_text: bool


def _whole_path(architecture, folder, arguments):
    """Trains, evaluates, exports and verifies the demo's preset of an architecture."""
    from .. import export, training, zoo

    started = time.perf_counter()
    model = f"{architecture.name}/{architecture.demo_preset}"
    folder = folder / architecture.name
    if not arguments.json:
        print(f"\n=== {model}: training from scratch on the data that come with attnzoo")
    data = training.load_data("demo", architecture.task, verbose=not arguments.json)
    history = training.fit(
        model,
        data,
        recipe="demo",
        out=folder / "run",
        seed=arguments.seed,
        verbose=0 if arguments.json else 1 if sys.stdout.isatty() else 2,
    )
    if not arguments.json:
        print("exporting and verifying")
    report = export.to_artefact(history.pipeline, folder / "dist")
    variants = [folder / "dist" / name for name in ("savedmodel/1", "onnx/model.onnx")]
    examples = list(itertools.islice(data.test.inputs(), EXAMPLES))
    predictors = {
        "Keras": history.pipeline,
        "SavedModel": export.load(variants[0]),
        "ONNX Runtime": export.load(variants[1]),
    }
    takes_text = history.pipeline.task.raw_input == "text"
    if takes_text:  # What it says of any text, without being trained.
        trained = zoo.list_presets(architecture.name, pretrained=True)
        predictors |= {name: zoo.load(name) for name in trained}
    return _Path(
        model=model,
        run=folder / "run",
        variants=variants,
        evaluation=training.evaluate(history.pipeline, data.test),
        report=report,
        examples=[_shown(item, index) for index, item in enumerate(examples)],
        answers={name: predictor(examples) for name, predictor in predictors.items()},
        takes_text=takes_text,
        seconds=time.perf_counter() - started,
    )


def _print_answers(path):
    rows = zip(path.examples, *path.answers.values(), strict=True)
    print_table(["of the test split", *path.answers], rows)


def _as_json(path):
    return {
        "model": path.model,
        "run": str(path.run),
        "seconds": path.seconds,
        "test": path.evaluation.to_dict(),
        "verification": path.report.to_dict(),
        "answers": {
            name: [dataclasses.asdict(prediction) for prediction in predictions]
            for name, predictions in path.answers.items()
        },
    }


def _headline(evaluation):
    """Returns the one figure of an evaluation that is told."""
    if hasattr(evaluation, "wer"):
        return f"WER {evaluation.wer:.1%}"
    return f"accuracy {evaluation.accuracy:.1%}"


def _shown(item, index):
    """Returns what an input is called in a table."""
    if isinstance(item, list) and item and isinstance(item[0], str):
        item = " ".join(item)
    return item if isinstance(item, str) else f"example {index}"


def _free_folder(folder):
    """Returns the folder, or the next free one beside it: a demo replaces nothing."""
    names = itertools.chain([folder], (Path(f"{folder}-{n}") for n in itertools.count(2)))
    return next(name for name in names if not name.exists())
