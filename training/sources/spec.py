"""From a specification such as `"reviews.csv"` or `"tfds:imdb_reviews"` to sources of rows."""

from importlib import resources
from pathlib import Path

from .files import FileSource
from .records import FILE_SUFFIXES
from .rows import DataError

SPLITS = ("train", "validation", "test")
_SPLIT_ALIASES = {"dev": "validation", "valid": "validation", "val": "validation"}


def split_of(name):
    """Returns the split that a file or folder of this name holds, or None."""
    split = _SPLIT_ALIASES.get(name.lower(), name.lower())
    return split if split in SPLITS else None


class SplitSource:
    """The rows of a file whose split column names one split."""

    def __init__(self, source, split):
        self.source = source
        self.split = split

    def __iter__(self):
        """Yields the rows of the split."""
        for row, name in self.source.with_splits():
            if split_name(name, row.origin) == self.split:
                yield row


def open_texts(spec, text_column=None, label_column=None, download=False):
    """Opens the labelled texts that `spec` names.

    Args:
        spec: `"demo"`, `"tfds:NAME"`, a `.csv`, `.tsv` or `.jsonl` file, or a folder that holds
            such files named train, dev (or validation) and test.
        text_column: Name or index of the texts' column. Defaults to None (sniffed).
        label_column: Name or index of the labels' column. Defaults to None (sniffed).
        download: Whether a TFDS name may be downloaded. Defaults to False.

    Returns:
        Dict from split name to an iterable of `Row`, and the lines that say what was understood.

    Raises:
        DataError: If nothing readable is there.
    """
    spec = str(spec)
    if spec == "demo":
        path = resources.files("attnzoo.training.demo") / "reviews.tsv"
        sources, lines = _split_file(Path(str(path)), None, None)
        return sources, [f"demo: {len(lines)} file of reviews written for attnzoo", *lines]
    if spec.startswith("tfds:"):
        from .tfds import open_tfds

        return open_tfds(spec.removeprefix("tfds:"), text_column, label_column, download)
    path = Path(spec).expanduser()
    if path.is_dir():
        return _open_folder(path, text_column, label_column)
    if not path.exists():
        raise DataError(
            'Expected "demo", "tfds:NAME", a .csv, .tsv or .jsonl file, or a folder of such files. '
            f"Received: {spec!r}, and nothing is there"
        )
    return _split_file(path, text_column, label_column)


def _open_folder(folder, text_column, label_column):
    sources, lines = {}, []
    for path in sorted(folder.iterdir()):
        split = split_of(path.stem)
        if path.suffix.lower() not in FILE_SUFFIXES or split is None:
            continue
        if split in sources:
            raise DataError(
                f"Expected one file for each split in {folder}. "
                f"Received: {sources[split].path.name} and {path.name} for {split!r}"
            )
        sources[split] = FileSource(path, text_column, label_column)
        lines.append(f"{split}: {sources[split].understood}")
    if "train" not in sources:
        raise DataError(
            f"Expected a file train.csv, train.tsv or train.jsonl in {folder}. Received: "
            f"{sorted(path.name for path in folder.iterdir())[:20]}"
        )
    return sources, lines


def _split_file(path, text_column, label_column):
    """Opens one file, by its split column if it has one."""
    source = FileSource(path, text_column, label_column)
    if source.split_column is None:
        return {"train": source}, [source.understood]
    found = {split_name(name, row.origin) for row, name in source.with_splits()}
    if "train" not in found:
        raise DataError(
            f"Expected rows of split 'train' in {path}. Received: splits {sorted(found)}"
        )
    line = f"{source.understood}, split in column {source.split_column!r}: {sorted(found)}"
    return {split: SplitSource(source, split) for split in SPLITS if split in found}, [line]


def split_name(name, origin):
    """Returns the split that a name such as `"dev"` means, or raises a DataError."""
    split = split_of(name)
    if split is None:
        raise DataError(f"Expected a split of {SPLITS} in {origin}. Received: {name!r}")
    return split
