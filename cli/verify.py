"""attnzoo verify: check again that an artefact is whole and answers as its model did."""

from ..export.formats import ENGINES
from .evaluation_options import add_evaluation_arguments, evaluation_of
from .output import print_json, print_report
from .types import some_of


def add_arguments(parser):
    """Adds the arguments of `attnzoo verify`."""
    parser.add_argument("artefact", help="a folder of `attnzoo export`")
    parser.add_argument(
        "--engine",
        type=_engines,
        default=["c_library"],
        metavar="ENGINES",
        help="what runs it besides ONNX Runtime and TensorFlow's Python, some of c_library (a "
        "program of C on TensorFlow's own library, built on the spot), tfserving (TF Serving, "
        "installed or in docker), openvino and onnxruntime_web (in Node.js); none for none "
        "(default: c_library)",
    )
    parser.add_argument(
        "--model", metavar="RUN", help="the saved folder that was exported, for --eval-data"
    )
    add_evaluation_arguments(parser)


def run(arguments):
    """Prints the checks; raises if one failed."""
    from .. import export

    metric = _metric(arguments)
    try:
        report = export.verify(arguments.artefact, arguments.engine, metric)
    except export.VerificationError as error:
        _print(arguments, error.report)
        raise
    _print(arguments, report)


def _metric(arguments):
    """Returns the `TaskMetric` of the model that was exported, if there is data to measure it."""
    if (arguments.data is None) != (arguments.model is None):
        raise ValueError(
            "Expected `--eval-data SPEC` and `--model RUN`, the saved folder that was exported, "
            "together. Received: one of them"
        )
    if arguments.data is None:
        evaluation_of(arguments, None)
        return None
    from ..export import TaskMetric
    from ..zoo import load

    pipeline = load(arguments.model)
    return TaskMetric.of(pipeline, *evaluation_of(arguments, pipeline))


def _engines(text):
    return [] if text == "none" else some_of(ENGINES, text)


def _print(arguments, report):
    if arguments.json:
        print_json(report.to_dict())
    else:
        print_report(report)
        not_run = sum(check.passed is None for check in report.checks)
        but = f", but {not_run} of {len(report.checks)} checks not run" if not_run else ""
        print(f"verified{but}" if report.passed else "NOT verified")
