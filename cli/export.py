"""attnzoo export: SavedModel and ONNX files, verified before they are moved into place."""

import sys

from ..export.formats import ATTENTION_KINDS, FORMATS, NEWEST_OPSET, PRECISIONS
from .evaluation_options import add_evaluation_arguments, evaluation_of
from .output import print_json, print_next, print_report
from .types import positive_integer, some_of


def add_arguments(parser):
    """Adds the arguments of `attnzoo export`."""
    parser.add_argument("model", help="a folder of `attnzoo train`, or a .keras file of any model")
    parser.add_argument(
        "--to",
        type=_formats,
        default=list(FORMATS),
        metavar="FORMATS",
        help="some of savedmodel,onnx (default: both)",
    )
    parser.add_argument("--out", required=True, metavar="DIST", help="the artefact's folder")
    parser.add_argument(
        "--version", type=positive_integer, default=1, help="of the SavedModel (default: 1)"
    )
    parser.add_argument(
        "--signatures",
        type=lambda text: text.split(","),
        metavar="NAMES",
        help="some of serving_default,preprocess,words,tokens,classify of the SavedModel "
        "(default: all)",
    )
    parser.add_argument(
        "--attention",
        choices=ATTENTION_KINDS,
        default="fused",
        help="of the ONNX file: operators of ONNX Runtime, those of the newest standard, or the "
        "formulas' own, which every runtime has (default: fused)",
    )
    parser.add_argument(
        "--opset",
        type=positive_integer,
        metavar="N",
        help=f"of the ONNX file, up to {NEWEST_OPSET} (default: 18, and 23 for standard attention)",
    )
    parser.add_argument(
        "--precision",
        type=_precisions,
        default=["float32"],
        metavar="PRECISIONS",
        help="some of float32,float16,int8: an ONNX file each (default: float32)",
    )
    parser.add_argument(
        "--streaming",
        action="store_true",
        help="also the step of a stream, in the same formats (speech encoders)",
    )
    parser.add_argument(
        "--chunk-size",
        type=positive_integer,
        metavar="N",
        help="vectors in each step of the stream (default: the trained chunk, or 8)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace variants that are there")
    add_evaluation_arguments(parser)


def run(arguments):
    """Exports, prints the checks and what to do next."""
    if arguments.chunk_size is not None and not arguments.streaming:
        raise ValueError("Expected `--chunk-size` only with `--streaming`.")
    from .. import export
    from ..export.sources import load_source
    from ..zoo import Pipeline

    model = load_source(arguments.model)
    split, tolerance = evaluation_of(arguments, model)
    report = export.to_artefact(
        model,
        arguments.out,
        arguments.to,
        arguments.version,
        arguments.signatures or "auto",
        arguments.overwrite,
        streaming=arguments.streaming,
        chunk_size=arguments.chunk_size,
        attention=arguments.attention,
        opset=arguments.opset,
        precisions=arguments.precision,
        eval_split=split,
        eval_tolerance=tolerance,
        progress=lambda message: print(f"attnzoo: {message} ...", file=sys.stderr),
    )
    if arguments.json:
        print_json({"out": arguments.out, **report.to_dict()})
        return
    print_report(report)
    print(f"\nVerified and written to {arguments.out}; its README.md says how to serve it")
    print_next(
        f"verify {arguments.out}",
        *(
            [f"predict {arguments.out} {model.task.command_example}"]
            if isinstance(model, Pipeline)
            else [f"inspect {arguments.out}"]
        ),
        *([f"stream {arguments.out} --input recording.wav"] if arguments.streaming else []),
    )


def _formats(text):
    return some_of(FORMATS, text)


def _precisions(text):
    return some_of(PRECISIONS, text)
