"""Texts without labels, to predict on, read one by one."""

import itertools
from pathlib import Path

from .records import (
    FILE_SUFFIXES,
    ROWS_TO_SNIFF,
    TEXT_NAMES,
    decoded_lines,
    find_column,
    find_pair,
    has_header,
    pair_or_text,
    read_records,
)
from .rows import DataError


def read_texts(path, text_column=None):
    """Yields the texts of a file: a column of a `.csv`, `.tsv` or `.jsonl` file, or else lines.

    Args:
        path: The file.
        text_column: Name or index of the texts' column. Defaults to None: the one with a usual
            name (`text`, `sentence`, ...), or the only one; columns such as `text_a` and `text_b`
            make pairs of texts.

    Raises:
        DataError: If there is no file, no such column, no columns at all, or a line cannot be read.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise DataError(f"Expected a file of texts at {path}; there is none.")
    if path.suffix.lower() not in FILE_SUFFIXES:
        if text_column is not None:
            raise DataError(
                f"Expected a `text_column` only for a file that ends in one of {FILE_SUFFIXES}; "
                f"of others each line is a text. Received: {path}, text_column={text_column!r}"
            )
        with open(path, "rb") as file:
            yield from read_lines(file, path)
        return
    records = read_records(path)
    head = list(itertools.islice(records, ROWS_TO_SNIFF))
    if not head:
        return
    column, header = _text_column(path, [record for _, record in head], text_column)
    for line, record in itertools.chain(head[header:], records):
        if not isinstance(record, dict):
            record = dict(enumerate(record))
        yield pair_or_text(record, column, f"{path}, line {line}")


def read_lines(file, name):
    """Yields the lines of a binary file, without their ends.

    Raises:
        DataError: If a line is not UTF-8.
    """
    for line in decoded_lines(file, name):
        yield line.rstrip("\r\n")


def _text_column(path, records, wanted):
    """Returns the key or index of the texts in each record, and whether the first is a header."""
    first = records[0]
    header = not isinstance(first, dict) and has_header(records, wanted)
    if isinstance(first, dict):
        names = list(first)
    else:
        names = [cell.strip() for cell in first] if header else list(range(len(first)))
    pair = find_pair(names, wanted)
    if pair is not None:
        return (tuple(map(names.index, pair)) if header else pair), header
    column = find_column(path, names, wanted, TEXT_NAMES, "text")
    if column is None and len(names) == 1:
        column = names[0]
    if column is None:
        raise DataError(
            f"Expected a column of texts in {path}; name it by `text_column` (`--text-column`). "
            f"Received: columns {names}"
        )
    return (names.index(column) if header else column), header
