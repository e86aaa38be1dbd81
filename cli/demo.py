"""attnzoo demo: train, evaluate, export and verify a small model on the built-in reviews."""

import itertools
import sys
import time
from pathlib import Path

from .output import print_evaluation, print_json, print_next, print_table

MODEL = "sentiment_classifier/tiny"
TEXTS = (
    "The room was spotless and the staff were friendly.",
    "The soup was cold and nobody seemed to care.",
    "I did not expect much, but the staff were wonderful.",
)


def add_arguments(parser):
    """Adds the arguments of `attnzoo demo`."""
    parser.add_argument(
        "--out", default="attnzoo-demo", help="folder (default: attnzoo-demo, or the next free one)"
    )
    parser.add_argument("--seed", type=int, default=0)


def run(arguments):
    """Does the whole path once and prints what was built, exported and verified."""
    folder = _free_folder(Path(arguments.out))
    started = time.perf_counter()
    from .. import export, training

    talk = (lambda text: None) if arguments.json else print
    talk(f"1. Data: 800 labelled sentences that come with attnzoo -> {folder}")
    data = training.load_data("demo", verbose=not arguments.json)
    talk(f"2. Training {MODEL} from scratch")
    history = training.fit(
        MODEL,
        data,
        recipe="demo",
        out=folder / "run",
        seed=arguments.seed,
        verbose=0 if arguments.json else 1 if sys.stdout.isatty() else 2,
    )
    evaluation = training.evaluate(history.pipeline, data.test)
    talk("3. Test split (a coin scores 50 %):")
    if not arguments.json:
        print_evaluation(evaluation)
    talk("4. Exporting and verifying")
    report = export.to_artefact(history.pipeline, folder / "dist")
    predictors = {
        "Keras": history.pipeline,
        "SavedModel": export.load(folder / "dist" / "savedmodel" / "1"),
        "ONNX Runtime": export.load(folder / "dist" / "onnx" / "model.onnx"),
    }
    answers = {name: predictor(TEXTS) for name, predictor in predictors.items()}
    seconds = time.perf_counter() - started
    if arguments.json:
        print_json(
            {
                "out": str(folder),
                "seconds": seconds,
                "test": evaluation.to_dict(),
                "verification": report.to_dict(),
                "answers": {
                    name: [prediction.__dict__ for prediction in predictions]
                    for name, predictions in answers.items()
                },
            }
        )
        return
    print_table(["text", *answers], zip(TEXTS, *answers.values(), strict=True))
    print_table(
        ["what", "where", "result"],
        [
            ("trained", folder / "run", f"test accuracy {evaluation.accuracy:.1%}"),
            *(
                (f"exported {name}", folder / "dist" / name, _summary(report, name))
                for name in ("savedmodel/1", "onnx/model.onnx")
            ),
        ],
        title=f"\nDone in {seconds:.0f} s",
    )
    print_next(
        f"predict {folder}/dist 'Not bad at all, I would go again.'",
        f"verify {folder}/dist",
        "train sentiment_classifier/small --data YOUR.csv --out runs/yours",
    )


def _free_folder(folder):
    """Returns the folder, or the next free one beside it: a demo replaces nothing."""
    names = itertools.chain([folder], (Path(f"{folder}-{n}") for n in itertools.count(2)))
    return next(name for name in names if not name.exists())


def _summary(report, variant):
    checks = [check for check in report.checks if check.variant == variant]
    return f"{sum(check.passed for check in checks)} of {len(checks)} checks passed"
