"""attnzoo verify: check again that an artefact is whole and answers as its model did."""

from .output import print_json, print_report


def add_arguments(parser):
    """Adds the arguments of `attnzoo verify`."""
    parser.add_argument("artefact", help="a folder of `attnzoo export`")


def run(arguments):
    """Prints the checks; raises if one failed."""
    from .. import export

    try:
        report = export.verify(arguments.artefact)
    except export.VerificationError as error:
        _print(arguments, error.report)
        raise
    _print(arguments, report)


def _print(arguments, report):
    if arguments.json:
        print_json(report.to_dict())
    else:
        print_report(report)
        print("verified" if report.passed else "NOT verified")
