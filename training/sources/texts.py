"""Texts without labels, to predict on, read one by one."""

from pathlib import Path

from .records import (
    FILE_SUFFIXES,
    TEXT_NAMES,
    decoded_lines,
    find_column,
    has_header,
    read_records,
)
from .rows import DataError


def read_texts(path, text_column=None):
    """Yields the texts of a file: a column of a `.csv`, `.tsv` or `.jsonl` file, or else lines.

    Args:
        path: The file.
        text_column: Name or index of the texts' column. Defaults to None: the one with a usual
            name (`text`, `sentence`, ...), or the only one.

    Raises:
        DataError: If there is no file, no such column, or a line cannot be read.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise DataError(f"Expected a file of texts at {path}; there is none.")
    if path.suffix.lower() not in FILE_SUFFIXES:
        with open(path, "rb") as file:
            yield from read_lines(file, path)
        return
    column, header = None, False
    for line, record in read_records(path):
        origin = f"{path}, line {line}"
        if column is None:
            column, header = _text_column(path, record, text_column)
            if header:
                continue
        present = column in record if isinstance(record, dict) else column < len(record)
        if not present or not isinstance(record[column], str):
            raise DataError(f"Expected a text in field {column!r} of {origin}; there is none.")
        yield record[column]


def read_lines(file, name):
    """Yields the lines of a binary file, without their ends.

    Raises:
        DataError: If a line is not UTF-8.
    """
    for line in decoded_lines(file, name):
        yield line.rstrip("\r\n")


def _text_column(path, first, wanted):
    """Returns the key or index of the texts in each record, and whether `first` is a header."""
    header = not isinstance(first, dict) and has_header([cell.strip() for cell in first], wanted)
    if isinstance(first, dict):
        names = list(first)
    else:
        names = [cell.strip() for cell in first] if header else list(range(len(first)))
    column = find_column(path, names, wanted, TEXT_NAMES, "text")
    if column is None and len(names) == 1:
        column = names[0]
    if column is None:
        raise DataError(
            f"Expected a column of texts in {path}; name it by `text_column` (`--text-column`). "
            f"Received: columns {names}"
        )
    return (names.index(column) if header else column), header
