"""Records of `.csv`, `.tsv` and `.jsonl` files, line by line, and their columns."""

import csv
import json
from pathlib import Path

from .rows import DataError

FILE_SUFFIXES = (".csv", ".tsv", ".jsonl")
TEXT_NAMES = ("text", "sentence", "review", "content", "body", "comment", "message", "tweet")
LABEL_NAMES = ("label", "sentiment", "class", "target", "category", "polarity", "rating")
SPLIT_NAMES = ("split",)
# Columns of which each row is a pair of texts.
PAIR_NAMES = (
    ("text_a", "text_b"),
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
)
# How many rows are looked at to find out how a file is to be read.
ROWS_TO_SNIFF = 1000

csv.field_size_limit(2**31 - 1)


def read_records(path):
    """Yields `(line number, list of fields or dict)` for every line that is not blank.

    Raises:
        DataError: At a line that is not UTF-8, or not of the file's format.
    """
    path = Path(path)
    with open(path, "rb") as file:
        lines = decoded_lines(file, path)
        if path.suffix.lower() == ".jsonl":
            yield from _json_records(path, lines)
            return
        tsv = path.suffix.lower() == ".tsv"
        reader = csv.reader(
            lines,
            delimiter="\t" if tsv else ",",
            quoting=csv.QUOTE_NONE if tsv else csv.QUOTE_MINIMAL,
            strict=True,
        )
        try:
            for record in reader:
                if record:
                    yield reader.line_num, record
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}") from error


def decoded_lines(file, name):
    """Yields the lines of a binary file as text.

    Raises:
        DataError: If a line is not UTF-8.
    """
    for number, line in enumerate(file, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"Expected UTF-8 text in {name}, line {number}; convert the file first "
                f"(`iconv -t utf-8`). Received: byte 0x{line[error.start]:02x} at column "
                f"{error.start + 1}"
            ) from error


def _json_records(path, lines):
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path}, line {number}: not JSON ({error.msg})") from error
        if not isinstance(record, dict):
            raise DataError(f"Expected a JSON object in {path}, line {number}.")
        yield number, record


def has_header(rows, *wanted):
    """Returns whether the first of some rows of fields names the columns.

    It does if one of its cells was asked for as a column, if two are usual names, or if one is and
    no cell of it comes again in its column, as a label would.
    """
    first = [cell.strip() for cell in rows[0]]
    if any(cell in wanted for cell in first):
        return True
    known = {
        *TEXT_NAMES,
        *LABEL_NAMES,
        *SPLIT_NAMES,
        *(name for pair in PAIR_NAMES for name in pair),
    }
    usual = sum(cell.lower() in known for cell in first)
    columns = zip(*rows[1:], strict=False)
    comes_again = any(
        cell in map(str.strip, column) for cell, column in zip(first, columns, strict=False)
    )
    return usual > 1 or (usual == 1 and not comes_again)


def find_column(path, names, wanted, usual, what):
    """Returns the column that was asked for, else the one with a usual name, else None."""
    if wanted is None:
        lowered = {str(name).lower(): name for name in reversed(names)}
        return next((lowered[name] for name in usual if name in lowered), None)
    if isinstance(wanted, str) and wanted.isdecimal() and wanted not in names:
        wanted = int(wanted)
    if isinstance(wanted, int) and not isinstance(names[0], int):
        wanted = names[wanted] if wanted < len(names) else wanted
    if wanted not in names:
        raise DataError(f"Expected a column {wanted!r} of {what}s in {path}. Received: {names}")
    return wanted


def find_pair(names, wanted):
    """Returns the two columns of a pair of texts by their usual names, else None.

    Args:
        names: Names of the columns.
        wanted: The column of single texts that was asked for, or None.
    """
    lowered = {str(name).lower(): name for name in reversed(names)}
    pairs = [pair for pair in PAIR_NAMES if set(pair) <= set(lowered)]
    return tuple(lowered[name] for name in pairs[0]) if pairs and wanted is None else None


def pair_or_text(record, column, origin):
    """Returns the text in a column of a record, or the pair of texts in two.

    Args:
        record: Dict from column to value.
        column: A column, or a tuple of two.
        origin: File and line, for the message.

    Raises:
        DataError: If there is no text.
    """
    columns = column if isinstance(column, tuple) else (column,)
    for name in columns:
        if not isinstance(record.get(name), str):
            raise DataError(f"Expected a text in field {name!r} of {origin}; there is none.")
    texts = tuple(record[name] for name in columns)
    return texts if isinstance(column, tuple) else texts[0]
