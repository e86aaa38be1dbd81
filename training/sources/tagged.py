"""Tagged sentences from `.conllu` and `.conll` files, plain or gzipped."""

import gzip
import re
import zlib
from importlib import resources
from pathlib import Path

from .records import decoded_lines
from .rows import DataError, Row
from .spec import SPLITS

# Name of a column of CoNLL-U -> its index.
CONLLU_COLUMNS = {"upos": 3, "xpos": 4}
_CONLLU_FIELDS = 10
_SUFFIXES = (".conllu", ".conll", ".annotated", ".bio", ".iob", ".iob2")
_SPLIT_PATTERN = re.compile("(train)|(dev|valid|val)|(test)", re.IGNORECASE)


class TaggedFile:
    """The sentences of one file, each time read anew, so that it may be larger than memory.

    A blank line ends a sentence. In `.conllu` a word's line has ten fields, of which the second is
    the word; lines of multi-word tokens and empty nodes are left out. In other files fields are
    parted by tabs or spaces; the first is the word.

    Args:
        path: The file, also with `.gz` at its end.
        label_column: Of `.conllu` `"upos"` or `"xpos"`; of others the index of the labels' column,
            from 0. Defaults to None (`"upos"`, or the last column).

    Attributes:
        understood: One line that says how the file is read.

    Raises:
        DataError: If the file is missing, of another format, or lacks the column.
    """

    def __init__(self, path, label_column=None):
        self.path = Path(path)
        if not is_tagged_file(self.path):
            raise DataError(
                f"Expected a file that ends in one of {_SUFFIXES}, or one of them and .gz. "
                f"Received: {self.path}"
            )
        if not self.path.is_file():
            raise DataError(f"Expected a file at {self.path}; there is none.")
        self._is_conllu = ".conllu" in self.path.suffixes
        if self._is_conllu:
            name = str(label_column or "upos").lower()
            if name not in CONLLU_COLUMNS:
                raise DataError(
                    f"Expected a label column of {sorted(CONLLU_COLUMNS)} in {self.path}. "
                    f"Received: {label_column!r}"
                )
            self._word, self._label, shown = 1, CONLLU_COLUMNS[name], name.upper()
        else:
            if label_column is not None and not re.fullmatch(r"-?\d+", str(label_column)):
                raise DataError(
                    f"Expected the index of a label column in {self.path}, which has no names. "
                    f"Received: {label_column!r}"
                )
            self._word, self._label = 0, -1 if label_column is None else int(label_column)
            shown = "the last field" if label_column is None else f"field {self._label}"
        self.understood = f"{self.path}: a word on each line, its label is {shown}"

    def __iter__(self):
        """Yields a `Row` of words and labels for every sentence.

        Raises:
            DataError: At a line with too few fields, an empty word or label, or a byte that is not
                UTF-8.
        """
        words, labels, start = [], [], 0
        for number, line in self._lines():
            if not line.strip():
                if words:
                    yield Row(words, labels, f"{self.path}, line {start}")
                words, labels = [], []
            elif (fields := self._fields(number, line)) is not None:
                start = start if words else number
                words.append(fields[0])
                labels.append(fields[1])
        if words:
            yield Row(words, labels, f"{self.path}, line {start}")

    def _lines(self):
        number = 0
        with gzip.open(self.path) if self.path.suffix == ".gz" else open(self.path, "rb") as file:
            try:
                for number, line in enumerate(decoded_lines(file, self.path), start=1):
                    yield number, line.rstrip("\r\n")
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise DataError(
                    f"Expected {self.path} to be a whole gzip file. Received: one that breaks off "
                    f"after line {number}"
                ) from error

    def _fields(self, number, line):
        """Returns word and label of a line, or None for one that has none."""
        if self._is_conllu:
            if line.startswith("#"):
                return None
            fields = line.split("\t")
            if len(fields) == _CONLLU_FIELDS and not fields[0].isdecimal():
                return None  # A multi-word token such as 1-2, or an empty node such as 8.1.
            fits = len(fields) == _CONLLU_FIELDS
        else:
            if line.startswith("-DOCSTART-"):
                return None
            fields = line.split("\t") if "\t" in line else line.split()
            fits = len(fields) >= (2 if self._label else 1) and -len(fields) <= self._label < len(
                fields
            )
        word, label = (
            (fields[self._word].strip(), fields[self._label].strip()) if fits else ("", "")
        )
        if not word or not label:
            expected = f"{_CONLLU_FIELDS} fields" if self._is_conllu else "a word and its label"
            raise DataError(
                f"Expected {expected} in {self.path}, line {number}. Received: {line!r}"
            )
        return word, label


def is_tagged_file(path):
    """Returns whether a path ends as a file of tagged sentences does."""
    name = path.name.lower().removesuffix(".gz")
    return name.endswith(_SUFFIXES)


def read_words(path):
    """Yields the words of every sentence of a file, whose labels, if any, are left out.

    Args:
        path: A `.conllu` or `.conll` file; the words of the latter may stand alone.

    Raises:
        DataError: As `TaggedFile`.
    """
    path = Path(path).expanduser()
    for row in TaggedFile(path, 0 if ".conllu" not in path.suffixes else None):
        yield row.input


def open_tagged(spec, label_column=None, download=False):
    """Opens the tagged sentences that `spec` names.

    Args:
        spec: `"demo"`, `"tfds:NAME"`, a `.conllu` or `.conll` file, or a folder of such files with
            train, dev (or validation) and test in their names.
        label_column: `"upos"` or `"xpos"` of `.conllu`, the index of a column of `.conll`, or a
            feature of TFDS such as `"ner"`. Defaults to None (UPOS, the last column, the only
            feature that fits).
        download: Whether a TFDS name may be downloaded. Defaults to False.

    Returns:
        Dict from split name to an iterable of `Row`, whose input is a list of words and whose label
        is a list of as many labels; and the lines that say what was understood.

    Raises:
        DataError: If nothing readable is there.
    """
    spec = str(spec)
    if spec == "demo":
        folder = Path(str(resources.files("attnzoo.training.demo")))
        sources = {name: TaggedFile(folder / f"tagged_{name}.conll") for name in ("train", "test")}
        return sources, ["demo: sentences written for attnzoo, with parts of speech"]
    if spec.startswith("tfds:"):
        from .tfds import open_tagged_tfds

        return open_tagged_tfds(spec.removeprefix("tfds:"), label_column, download)
    path = Path(spec).expanduser()
    if path.is_dir():
        return _open_folder(path, label_column)
    if not path.exists():
        raise DataError(
            'Expected "demo", "tfds:NAME", a .conllu or .conll file, or a folder of such files. '
            f"Received: {spec!r}, and nothing is there"
        )
    source = TaggedFile(path, label_column)
    return {"train": source}, [source.understood]


def _open_folder(folder, label_column):
    sources, lines = {}, []
    for path in sorted(path for path in folder.iterdir() if is_tagged_file(path)):
        found = _SPLIT_PATTERN.search(path.name)
        if found is None:
            continue
        split = SPLITS[found.lastindex - 1]
        if split in sources:
            raise DataError(
                f"Expected one file for each split in {folder}. "
                f"Received: {sources[split].path.name} and {path.name} for {split!r}"
            )
        sources[split] = TaggedFile(path, label_column)
        lines.append(f"{split}: {sources[split].understood}")
    if "train" not in sources:
        raise DataError(
            f"Expected a file with `train` in its name that ends in one of {_SUFFIXES} in "
            f"{folder}. Received: {sorted(path.name for path in folder.iterdir())[:20]}"
        )
    return sources, lines
