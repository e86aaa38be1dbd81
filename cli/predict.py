"""attnzoo predict: labels for texts, from a saved folder or an exported file.

Texts are arguments, the rows of a file, or the lines of standard input; files of any size go
through in constant memory.
"""

import json
import sys
from collections import deque

from .models import load_predictor
from .types import positive_integer


def add_arguments(parser):
    """Adds the arguments of `attnzoo predict`."""
    parser.add_argument("model", help="a folder of `attnzoo train`, or an exported artefact")
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="texts to label")
    parser.add_argument(
        "--input",
        metavar="FILE",
        help="a text on each line, or a .csv, .tsv or .jsonl file; - is standard input",
    )
    parser.add_argument("--text-column", metavar="NAME", help="name or index from 0")
    parser.add_argument("--batch-size", type=positive_integer, default=32)


def run(arguments):
    """Prints `label TAB probability TAB text`, or one JSON object, for each text."""
    if arguments.texts and arguments.input:
        raise ValueError("Expected texts or `--input FILE`. Received: both")
    if not arguments.texts and not arguments.input:
        if sys.stdin.isatty():
            raise ValueError("Expected texts, `--input FILE`, or lines on standard input.")
        arguments.input = "-"
    if arguments.text_column is not None and arguments.input in (None, "-"):
        raise ValueError("Expected `--text-column` only with the columns of an `--input FILE`.")
    predictor = load_predictor(arguments.model)
    seen = deque()
    for prediction in predictor.stream(_remembered(_texts(arguments), seen), arguments.batch_size):
        text = seen.popleft()
        if arguments.json:
            print(json.dumps({"text": text, **prediction.__dict__}, ensure_ascii=False))
        else:
            shown = " ".join(text.split())
            print(f"{prediction.label}\t{prediction.probability:.4f}\t{shown}")


def _remembered(texts, seen):
    """Yields the texts and keeps each until its prediction comes."""
    for text in texts:
        seen.append(text)
        yield text


def _texts(arguments):
    if arguments.texts:
        return arguments.texts
    from ..training.sources.texts import read_lines, read_texts

    if arguments.input == "-":
        return read_lines(sys.stdin.buffer, "standard input")
    return read_texts(arguments.input, arguments.text_column)
