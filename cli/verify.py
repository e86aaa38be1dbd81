"""attnzoo verify: check again that an artefact is whole and answers as its model did."""

from ..export.formats import ENGINES
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
        "installed or in docker) and openvino; none for none (default: c_library)",
    )


def run(arguments):
    """Prints the checks; raises if one failed."""
    from .. import export

    try:
        report = export.verify(arguments.artefact, arguments.engine)
    except export.VerificationError as error:
        _print(arguments, error.report)
        raise
    _print(arguments, report)


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
