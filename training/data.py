"""`load_data`: labelled examples with checked labels, in a train, a validation and a test split."""

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from .sources import DataError
from .tasks import get_training_task


class Split:
    """Some rows of a source, read anew each time, with their labels as indices.

    Args:
        name: `"train"`, `"validation"` or `"test"`.
        source: Iterable of rows.
        labels: Index of each row's label, int32 `(rows,)`; or, where a row has several, a list of
            int32 arrays, in which -1 is no label of this split.
        selection: Which rows of the source belong here, bool `(source rows,)`. Defaults to None
            (all).
        label_names: Names of the labels, in the order of their indices. Defaults to none.
    """

    def __init__(self, name, source, labels, selection=None, label_names=()):
        self.name = name
        self.labels = labels
        self.label_names = list(label_names)
        self._source = source
        self._selection = selection

    def __len__(self):
        return len(self.labels)

    def inputs(self):
        """Yields the raw inputs, in order."""
        for index, row in enumerate(self._source):
            if self._selection is None or self._selection[index]:
                yield row.input

    def with_labels(self, labels, label_names):
        """Returns the same rows with other labels."""
        return Split(self.name, self._source, labels, self._selection, label_names)

    def row_labels(self):
        """Yields the list of names of each row's labels, for rows that have several."""
        for row in self.labels:
            yield [self.label_names[index] for index in row]

    @property
    def flat_labels(self):
        """The labels of all rows one after the other, int32."""
        if not isinstance(self.labels, list):
            return self.labels
        labels = np.concatenate(self.labels)
        return labels[labels >= 0]

    def __repr__(self):
        return f"Split({self.name!r}, {len(self)} rows)"


@dataclass(frozen=True)
class Data:
    """Labelled examples of one task.

    Args:
        spec: What the data were loaded from.
        task: Name of the task.
        label_names: Names of the labels, in the order of their indices.
        train: The rows to learn from.
        validation: The rows to choose by.
        test: The rows to report on. None if the source has none.
        understood: Lines that say how the source was read.
    """

    spec: str
    task: str
    label_names: list[str]
    train: Split
    validation: Split
    test: Split | None = None
    understood: list[str] = field(default_factory=list)

    def split(self, name):
        """Returns the split of this name.

        Raises:
            DataError: If there is none.
        """
        split = getattr(self, name, None) if name in ("train", "validation", "test") else None
        if split is None:
            raise DataError(f"Expected a split {name!r} in {self.spec}; there is none.")
        return split


def load_data(
    spec,
    task="text_classification",
    text_column=None,
    label_column=None,
    label_names=None,
    validation_split=0.1,
    seed=0,
    speaker=None,
    download=False,
    skip_corrupt=False,
    verbose=True,
):
    """Opens labelled data, checks every row, and says what was understood.

    The rows stay where they are and are read again when needed, so that a file may be larger than
    memory; only the labels are kept. Without a validation split, a seeded stratified part of the
    training rows becomes one.

    Args:
        spec: `"demo"`, `"tfds:NAME"` (such as `"tfds:imdb_reviews"`), a `.csv`, `.tsv` or `.jsonl`
            file with or without a header, or a folder that holds train, dev and test files; what
            other tasks read is in the docstrings of `open_tagged`, `open_images` and
            `open_speech`.
        task: Name of the task. Defaults to `"text_classification"`.
        text_column: Name or index of the texts' column. Defaults to None (sniffed).
        label_column: Name or index of the labels' column. Defaults to None (sniffed).
        label_names: Readable names for the labels in the order of their sorted raw values, such
            as `["negative", "positive"]` for 0 and 1. Defaults to None (the raw values).
        validation_split: Share of the training rows to hold out where there is no validation
            split. Defaults to 0.1.
        seed: Seed of that choice. Defaults to 0.
        speaker: Of FSDD: who is the test split. Defaults to None (its official split).
        download: Whether a TFDS name may be downloaded. Defaults to False.
        skip_corrupt: Whether images or recordings that cannot be read are left out, rather than an
            error. Defaults to False.
        verbose: Whether to print what was understood. Defaults to True.

    Returns:
        `Data`.

    Raises:
        DataError: A ValueError that names file and line, where something cannot be read.

    Example:
    >>> data = load_data("demo", verbose=False)
    >>> data.label_names, len(data.test)
    (['negative', 'positive'], 160)
    """
    training_task = get_training_task(task)
    sources, understood = _open_sources(
        training_task,
        spec,
        text_column=text_column,
        label_column=label_column,
        speaker=speaker,
        download=download,
        skip_corrupt=skip_corrupt,
    )
    if "train" not in sources:
        raise DataError(f"Expected a train split in {spec}. Received: {sorted(sources)}")
    raw_labels = {
        split: _labels_of(split, source, training_task) for split, source in sources.items()
    }
    values = _label_values(raw_labels, sources, spec)
    several = isinstance(raw_labels["train"][0], list)
    reserved = training_task.reserved_labels(several)
    names = [*reserved, *_names(values, label_names)]
    index = {value: position for position, value in enumerate(values, start=len(reserved))}
    splits = {
        split: Split(split, source, _indices(raw_labels[split], index), label_names=names)
        for split, source in sources.items()
    }
    if "validation" not in splits:
        train = splits["train"]
        held_out = training_task.held_out(train.labels, validation_split, seed)
        hold_out = _hold_out_labels if isinstance(held_out, list) else _hold_out_rows
        splits |= {
            name: Split(name, sources["train"], *part, label_names=names)
            for name, part in hold_out(train.labels, held_out).items()
        }
        understood.append(
            f"no validation split: {len(splits['validation'].flat_labels)} of "
            f"{len(train.flat_labels)} training {training_task.held_out_of} are held out for it, "
            f"{training_task.how_held_out} (seed {seed})"
        )
    understood.append(_counts(splits, names))
    if verbose:
        print("\n".join(understood))
    spec = "arrays" if isinstance(spec, tuple) else str(spec)
    return Data(spec=spec, task=task, label_names=names, understood=understood, **splits)


def load_split(
    spec,
    labels,
    split=None,
    task="text_classification",
    text_column=None,
    label_column=None,
    label_names=None,
    speaker=None,
    download=False,
    skip_corrupt=False,
):
    """Opens one split to evaluate on, its labels matched to those of a trained model.

    Args:
        spec: As in `load_data`.
        labels: Names of the model's labels, in the order of their indices.
        split: `"train"`, `"validation"` or `"test"`. Defaults to None (the test split where there
            is one; all rows of a file without splits).
        task: Name of the task. Defaults to `"text_classification"`.
        text_column: Name or index of the texts' column. Defaults to None (sniffed).
        label_column: Name or index of the labels' column. Defaults to None (sniffed).
        label_names: Names for the sorted raw values, where they are not the model's. Defaults to
            None: the raw values are the model's labels, or their indices.
        speaker: Of FSDD: who is the test split. Defaults to None (its official split).
        download: Whether a TFDS name may be downloaded. Defaults to False.
        skip_corrupt: Whether images or recordings that cannot be read are left out, rather than an
            error. Defaults to False.

    Returns:
        `Split`.

    Raises:
        DataError: A ValueError that names file and line, where something cannot be read or a label
            is not the model's.

    Example:
    >>> load_split("demo", ["negative", "positive"])
    Split('test', 160 rows)
    """
    sources, _ = _open_sources(
        get_training_task(task),
        spec,
        text_column=text_column,
        label_column=label_column,
        speaker=speaker,
        download=download,
        skip_corrupt=skip_corrupt,
    )
    name = split or ("test" if "test" in sources or len(sources) > 1 else "train")
    if name not in sources:
        raise DataError(f"Expected one of the splits {sorted(sources)} of {spec}. Received: {name}")
    source = sources[name]
    labels = get_training_task(task).label_names(labels)
    raw_labels = _labels_of(name, source, get_training_task(task))
    values = _sorted_values(set(_flat(raw_labels)))
    if label_names is not None:
        index = {
            value: labels.index(chosen) if chosen in labels else None
            for value, chosen in zip(values, _names(values, label_names), strict=True)
        }
    elif all(value.isdecimal() for value in values) and not set(values) <= set(labels):
        index = {value: int(value) for value in values if int(value) < len(labels)}
    else:
        index = {label: position for position, label in enumerate(labels)}
    for value in values:
        if index.get(value) is None:
            origin = _origin(source, value)
            raise DataError(
                f"Expected the model's labels {labels}; other values are named by `label_names` "
                f"(`--label-names`). Received: label {value!r} in {origin}"
            )
    return Split(name, source, _indices(raw_labels, index), label_names=labels)


def _hold_out_rows(labels, held_out):
    """Returns labels and selection of the rows that are held out, and of the others."""
    return {
        name: (_as_labels([labels[row] for row in np.flatnonzero(selection)]), selection)
        for name, selection in (("validation", held_out), ("train", ~held_out))
    }


def _hold_out_labels(labels, held_out):
    """Returns the labels of every row, in either split without those of the other."""
    pairs = list(zip(labels, held_out, strict=True))
    return {
        "validation": ([np.where(out, row, -1) for row, out in pairs],),
        "train": ([np.where(out, -1, row) for row, out in pairs],),
    }


def _open_sources(training_task, spec, **options):
    """Opens the sources of a task with the options that were given, all of which it must have."""
    options = {name: value for name, value in options.items() if value not in (None, False)}
    for name, value in options.items():
        if name not in training_task.source_options:
            raise DataError(
                f"Expected no `{name}` for the task {training_task.name!r}, which has "
                f"{training_task.source_options}. Received: {name}={value!r}"
            )
    return training_task.open_sources(spec, **options)


def _labels_of(split, source, training_task):
    """Reads a split once: every row is checked, the labels are kept."""
    labels = [row.label for row in training_task.checked(source)]
    if not labels:
        raise DataError(f"Expected rows in the {split} split; there are none.")
    return labels


def _flat(labels):
    """Returns the labels of rows that have one each, or a list each, in which None is no label."""
    every = itertools.chain.from_iterable(
        label if isinstance(label, list) else (label,) for label in labels
    )
    return (label for label in every if label is not None)


def _indices(raw_labels, index):
    """Returns the labels of rows as indices."""
    index = {**index, None: -1}

    def indices(label):
        several = isinstance(label, list)
        return np.array([index[value] for value in label], "int32") if several else index[label]

    return _as_labels([indices(label) for label in raw_labels])


def _as_labels(labels):
    """Returns one array where each row has one label, else a list of arrays."""
    return labels if isinstance(labels[0], np.ndarray) else np.array(labels, "int32")


def _origin(source, label):
    """Returns the origin of the first row that has a label."""
    return next(row.origin for row in source if label in _flat([row.label]))


def _label_values(raw_labels, sources, spec):
    counts = Counter(_flat(raw_labels["train"]))
    for split, labels in raw_labels.items():
        for unknown in sorted(set(_flat(labels)) - set(counts)):
            raise DataError(
                "Expected only labels that occur in the train split, which has "
                f"{sorted(counts)[:20]}. Received: label {unknown!r} in "
                f"{_origin(sources[split], unknown)}"
            )
    if len(counts) < 2:
        raise DataError(
            f"Expected two labels at least in {spec}. Received: {sorted(counts)} only; is the "
            "label column the right one?"
        )
    if len(counts) > 1000:
        raise DataError(
            f"Expected at most 1000 labels in {spec}. Received: {len(counts)} different values; "
            "is the label column the right one?"
        )
    return _sorted_values(counts)


def _sorted_values(values):
    numeric = all(re.fullmatch(r"-?\d+(\.\d+)?", value) for value in values)
    return sorted(values, key=lambda value: (float(value), value) if numeric else value)


def _names(values, label_names):
    if label_names is None:
        return values
    if len(label_names) != len(values) or len(set(label_names)) != len(label_names):
        raise DataError(
            f"Expected {len(values)} different names, one for each of the labels {values}. "
            f"Received: label_names={list(label_names)}"
        )
    return list(label_names)


def _counts(splits, names):
    parts = []
    for name in ("train", "validation", "test"):
        if name in splits:
            labels, flat = splits[name].labels, splits[name].flat_labels
            counts = np.bincount(flat, minlength=len(names))
            shares = ", ".join(f"{n} {c}" for n, c in zip(names, counts, strict=True))
            words = f", {len(flat)} labels" if len(flat) > len(labels) else ""
            parts.append(f"{name} {len(labels)}{words} ({shares})")
    return "rows: " + "; ".join(parts)
