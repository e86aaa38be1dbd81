"""attnzoo predict: what a saved folder or an exported file says of texts, recordings or graphs.

Texts, or paths of images and recordings, are arguments, the rows of a file, or the lines of
standard input; graphs are in a file or a folder. Files of any size go through in constant memory.
"""

import dataclasses
import json
import sys
from collections import deque

from .decoding_options import add_decoding_arguments, set_decoder
from .models import load_predictor
from .types import positive_integer


def add_arguments(parser):
    """Adds the arguments of `attnzoo predict`."""
    parser.add_argument("model", help="a folder of `attnzoo train`, or an exported artefact")
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="texts, or paths of files")
    parser.add_argument(
        "--input",
        metavar="FILE",
        help="a text on each line, or a .csv, .tsv or .jsonl file; for a tagger also a .conllu or "
        ".conll file, for graphs a .jsonl file or a folder; - is standard input",
    )
    parser.add_argument("--text-column", metavar="NAME", help="name or index from 0")
    parser.add_argument("--batch-size", type=positive_integer, default=32)
    add_decoding_arguments(parser)


def run(arguments):
    """Prints `label TAB probability TAB input`, or one JSON object, for each input.

    Where each word or node has a label: a line for each of them, and an empty line.
    """
    if arguments.texts and arguments.input:
        raise ValueError("Expected texts or `--input FILE`. Received: both")
    if not arguments.texts and not arguments.input:
        if sys.stdin.isatty():
            raise ValueError("Expected texts, `--input FILE`, or lines on standard input.")
        arguments.input = "-"
    if arguments.text_column is not None and arguments.input in (None, "-"):
        raise ValueError("Expected `--text-column` only with the columns of an `--input FILE`.")
    predictor = load_predictor(arguments.model)
    set_decoder(predictor, arguments)
    seen = deque()
    inputs = _remembered(_inputs(arguments, predictor.task.name), seen)
    for prediction in predictor.stream(inputs, arguments.batch_size):
        shown = seen.popleft()
        if arguments.json:
            answer = {predictor.task.raw_input: shown, **dataclasses.asdict(prediction)}
            print(json.dumps(answer, ensure_ascii=False))
        else:
            print(*prediction.lines(" ".join(shown.split())), sep="\n")


def _remembered(inputs, seen):
    """Yields the inputs and keeps what shows each until its prediction comes."""
    for item in inputs:
        joint = {list: " ", tuple: "\t"}.get(type(item))  # Words, and pairs of texts.
        seen.append(str(item) if joint is None else joint.join(item))
        yield item


def _inputs(arguments, task):
    if arguments.texts:
        return arguments.texts
    from ..training.sources.texts import read_lines
    from ..training.tasks import get_training_task

    if arguments.input == "-":
        return read_lines(sys.stdin.buffer, "standard input")
    return get_training_task(task).read_inputs(arguments.input, arguments.text_column)
