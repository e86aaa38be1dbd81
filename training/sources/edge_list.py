"""One graph from two tables: its nodes, and the links between them."""

from importlib import resources
from pathlib import Path

import numpy as np

from ...zoo.graph import Graph
from .graph_files import undirected
from .records import LABEL_NAMES, SPLIT_NAMES, find_column, read_records
from .rows import DataError, Row
from .spec import SPLITS, split_name

_SUFFIXES = (".csv", ".tsv")


def is_edge_list(folder):
    """Returns whether a folder holds `nodes` and `edges`, each a `.csv` or `.tsv` file."""
    return all(_file(folder, stem) is not None for stem in ("nodes", "edges"))


def _file(folder, stem):
    found = (folder / f"{stem}{suffix}" for suffix in _SUFFIXES)
    return next((path for path in found if path.is_file()), None)


def read_edge_list(folder, label_column=None, labelled=True):
    """Reads the graph of a folder, see `read_tables`."""
    return read_tables(_file(folder, "nodes"), _file(folder, "edges"), label_column, labelled)


def read_karate_club():
    """Reads the built-in graph: 34 members of a karate club, and which side each took."""
    folder = Path(str(resources.files("attnzoo.training.demo")))
    return read_tables(folder / "karate_nodes.csv", folder / "karate_edges.csv", "club")


def read_tables(nodes_file, edges_file, label_column=None, labelled=True):
    """Reads a graph of two tables with headers.

    Args:
        nodes_file: `Path`. Its first column names each node; one has the labels, and one, `split`,
            may say of which split a node is. The rest are features, numbers all. Without features,
            each node has one of its own.
        edges_file: `Path`. Its first two columns name the nodes that each link joins, both ways.
        label_column: Name of the labels' column. Defaults to None (one with a usual name, or the
            only one that holds something else than numbers).
        labelled: Whether nodes must have labels. Defaults to True: all of them, or, if there are
            splits, all that are of one.

    Returns:
        Dict from split to a list of one `Row`: the graph, and a label for each node, None where it
        is not of the split. Without a column of splits, all is `"train"`.

    Raises:
        DataError: If a node is there twice or has no label, a feature is no number, a link names a
            node that does not exist, or a column is missing.
    """
    names, records = _table(nodes_file)
    if not records:
        raise DataError(f"Expected nodes below the header of {nodes_file}; there are none.")
    label, split, features = _columns(nodes_file, names, records, label_column, labelled)
    index, labels, splits, rows = {}, [], [], []
    for line, record in records:
        origin = f"{nodes_file}, line {line}"
        node = record[0].strip()
        if node in index:
            raise DataError(f"Expected every node once. Received: {node!r} again in {origin}")
        index[node] = len(index)
        name = None if split is None else record[split].strip()
        splits.append("train" if split is None else split_name(name, origin) if name else None)
        labels.append(None if label is None else record[label].strip() or None)
        if labelled and splits[-1] is not None and labels[-1] is None:
            raise DataError(f"Expected a label for node {node!r} in {origin}; the field is empty.")
        rows.append([_number(record[column], names[column], origin) for column in features])
    values = np.array(rows, "float32") if features else np.eye(len(index), dtype="float32")
    graph = Graph(values, _edges(edges_file, index))
    found = [name for name in SPLITS if name in splits] if labelled else ["train"]

    def labels_in(name):
        if not labelled:
            return None
        return [value if of == name else None for value, of in zip(labels, splits, strict=True)]

    return {name: [Row(graph, labels_in(name), str(nodes_file))] for name in found}


def _table(file):
    """Returns the names of the columns, and the lines below them with their numbers."""
    records = list(read_records(file))
    if not records:
        raise DataError(f"Expected a header that names the columns in {file}; the file is empty.")
    names = [name.strip() for name in records[0][1]]
    for line, record in records[1:]:
        if len(record) != len(names):
            raise DataError(
                f"Expected {len(names)} fields in each row. Received: {len(record)} fields in "
                f"{file}, line {line}"
            )
    return names, records[1:]


def _columns(file, names, records, label_column, labelled):
    """Returns the indices of labels, splits (None if there are none) and features."""
    label = find_column(file, names, label_column, LABEL_NAMES, "label")
    split = find_column(file, names, None, SPLIT_NAMES, "split")
    others = [name for name in names[1:] if name not in (label, split)]
    if label is None:
        words = [name for name in others if not _is_numeric(records, names.index(name))]
        if len(words) == 1:
            label = words[0]
            others.remove(label)
        elif labelled:
            raise DataError(
                f"Expected a column of labels in {file}; name it by `label_column` "
                f"(`--label-column`). Received: columns {names}"
            )
    return (
        None if label is None else names.index(label),
        None if split is None else names.index(split),
        [names.index(name) for name in others],
    )


def _is_numeric(records, column):
    try:
        [float(record[column]) for _, record in records]
    except ValueError:
        return False
    return True


def _number(text, column, origin):
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise DataError(
            f"Expected a number in column {column!r} of {origin}, as features are. "
            f"Received: {text!r:.80}"
        )
    return value


def _edges(file, index):
    names, records = _table(file)
    if len(names) < 2:
        raise DataError(f"Expected two columns at least in {file}. Received: {names}")
    links = []
    for line, record in records:
        ends = [name.strip() for name in record[:2]]
        for node in ends:
            if node not in index:
                raise DataError(
                    f"Expected links between nodes that exist. Received: node {node!r} in {file}, "
                    f"line {line}"
                )
        links.append([index[node] for node in ends])
    return undirected(np.array(links, "int64").reshape(-1, 2))
