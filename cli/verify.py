"""attnzoo verify: check again that an artefact is whole and answers as its model did."""

from .output import print_json, print_report


def add_arguments(parser):
    """Adds the arguments of `attnzoo verify`."""
    parser.add_argument("artefact", help="a folder of `attnzoo export`")
    parser.add_argument(
        "--engine",
        choices=("none", "c_library"),
        default="c_library",
        help="what runs it besides ONNX Runtime and TensorFlow's Python: c_library is a program "
        "of C on TensorFlow's own library, built on the spot (default: c_library)",
    )


def run(arguments):
    """Prints the checks; raises if one failed."""
    from .. import export

    engines = () if arguments.engine == "none" else (arguments.engine,)
    try:
        report = export.verify(arguments.artefact, engines)
    except export.VerificationError as error:
        _print(arguments, error.report)
        raise
    _print(arguments, report)


def _print(arguments, report):
    if arguments.json:
        print_json(report.to_dict())
    else:
        print_report(report)
        not_run = sum(check.passed is None for check in report.checks)
        but = f", but {not_run} of {len(report.checks)} checks not run" if not_run else ""
        print(f"verified{but}" if report.passed else "NOT verified")
