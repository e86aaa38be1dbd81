"""Labelled texts from one `.csv`, `.tsv` or `.jsonl` file, read row by row."""

import itertools
from collections.abc import Iterator
from pathlib import Path

from ...zoo.text_preprocessor import has_surrogate
from .records import (
    FILE_SUFFIXES,
    LABEL_NAMES,
    ROWS_TO_SNIFF,
    SPLIT_NAMES,
    TEXT_NAMES,
    find_column,
    find_pair,
    has_header,
    read_records,
)
from .rows import DataError, Row


class FileSource:
    """Rows of one file, each time read anew, so that it may be larger than memory.

    Args:
        path: The file; its suffix decides the format. `.tsv` has no quoting, as TSV means.
        text_column: Name, or index from 0, of the texts' column. Defaults to None (sniffed; columns
            such as `text_a` and `text_b` make pairs of texts).
        label_column: The same for the labels. Defaults to None (sniffed).

    Attributes:
        understood: One line that says how the file is read.
        split_column: The column that names each row's split, or None.

    Raises:
        DataError: If the file is missing, empty, of another format, or lacks a column.
    """

    def __init__(self, path, text_column=None, label_column=None):
        self.path = Path(path)
        if self.path.suffix.lower() not in FILE_SUFFIXES:
            raise DataError(
                f"Expected a file that ends in one of {FILE_SUFFIXES}. Received: {self.path}"
            )
        if not self.path.is_file():
            raise DataError(f"Expected a file at {self.path}; there is none.")
        records = list(itertools.islice(read_records(self.path), ROWS_TO_SNIFF))
        if not records:
            raise DataError(f"Expected labelled rows in {self.path}; the file is empty.")
        self.header, columns = _columns(
            self.path, [r for _, r in records], text_column, label_column
        )
        self.text_column, self.label_column, self.split_column = columns
        if self.header and len(records) == 1:
            raise DataError(f"Expected rows below the header of {self.path}; there are none.")
        self.understood = (
            f"{self.path}: {_described(self.text_column)}, label in column "
            f"{self.label_column!r}" + (", first line is a header" if self.header else "")
        )

    def __iter__(self) -> Iterator[Row]:
        """Yields every row.

        Raises:
            DataError: At a row with too few or too many fields, or without a label.
        """
        for row, _ in self.with_splits():
            yield row

    def with_splits(self):
        """Yields `(row, split name)`; the name is None without a split column."""
        records = read_records(self.path)
        names = None
        if self.header:
            names = [name.strip() for name in next(records)[1]]
        for line, record in records:
            origin = f"{self.path}, line {line}"
            if isinstance(record, list):
                names = names or list(range(len(record)))
                if len(record) != len(names):
                    raise DataError(
                        f"Expected {len(names)} fields in each row. "
                        f"Received: {len(record)} fields in {origin}"
                    )
                record = dict(zip(names, record, strict=True))
            yield self._row(record, origin), self._split(record)

    def _row(self, record, origin):
        pair = isinstance(self.text_column, tuple)
        columns = self.text_column if pair else (self.text_column,)
        for column in (*columns, self.label_column):
            if column not in record or record[column] is None:
                raise DataError(f"Expected a field {column!r} in {origin}; it is missing.")
        texts, label = tuple(record[column] for column in columns), record[self.label_column]
        for column, text in zip(columns, texts, strict=True):
            if not isinstance(text, str) or isinstance(label, (dict, list)):
                raise DataError(
                    f"Expected a text and a plain label in {origin}. Received: "
                    f"{column!r} of type {type(text).__name__}, "
                    f"{self.label_column!r} of type {type(label).__name__}"
                )
        if any(map(has_surrogate, texts)):
            raise DataError(f"Expected Unicode text in {origin}. Received: half a surrogate pair")
        label = " ".join(str(label).split())
        if not label:
            raise DataError(f"Expected a label in {origin}; the field is empty.")
        return Row(texts if pair else texts[0], label, origin)

    def _split(self, record):
        return None if self.split_column is None else str(record.get(self.split_column, "")).strip()


def _described(column):
    if isinstance(column, tuple):
        return f"pairs of texts in columns {column[0]!r} and {column[1]!r}"
    return f"text in column {column!r}"


def _columns(path, records, text_column, label_column):
    """Returns whether there is a header, and the columns (text, label, split)."""
    if isinstance(records[0], dict):
        header, names = False, sorted({name for record in records for name in record})
        rows = records
    else:
        first = [cell.strip() for cell in records[0]]
        header = has_header(records, text_column, label_column)
        names = first if header else list(range(len(first)))
        rows = [dict(zip(names, record, strict=False)) for record in records[header:]]
    text = find_pair(names, text_column) or find_column(
        path, names, text_column, TEXT_NAMES, "text"
    )
    label = find_column(path, names, label_column, LABEL_NAMES, "label")
    split = find_column(path, names, None, SPLIT_NAMES, "split")
    taken = {label, split, *(text if isinstance(text, tuple) else (text,))}
    others = [name for name in names if name not in taken]
    if label is None and others:
        # Labels repeat; of the columns that are left, they are the ones with the fewest values.
        others.sort(key=lambda name: len({str(row.get(name)) for row in rows}))
        label = others.pop(0)
    if text is None and others:
        text = max(others, key=lambda name: sum(len(str(row.get(name, ""))) for row in rows))
    if text is None or label is None:
        raise DataError(
            f"Expected a column of texts and one of labels in {path}; name them by `text_column` "
            "and `label_column` (`--text-column`, `--label-column`). "
            f"Received: columns {names}"
        )
    return header, (text, label, split)
