"""The TU format of data sets of graphs (PROTEINS, MUTAG, ...): one label for each graph."""

import numpy as np

from ...zoo.graph import Graph
from .graph_files import read_integers, read_numbers
from .rows import DataError, Row


def is_tu(folder):
    """Returns whether a folder holds a file such as `MUTAG_A.txt` or `MUTAG_A.txt.gz`."""
    return bool(_names(folder))


def _names(folder):
    return sorted(path.name.partition("_A.txt")[0] for path in folder.glob("*_A.txt*"))


def read_tu(folder, labelled=True):
    """Reads all graphs of a folder.

    A node's features are its label, one-hot over all labels of the folder, its attributes if there
    are any, and the number of its neighbours, which attention, an average over them, cannot count.

    Args:
        folder: `Path` of a folder with `NAME_A.txt`, `NAME_graph_indicator.txt`,
            `NAME_graph_labels.txt` and, if the data set has them, `NAME_node_labels.txt` and
            `NAME_node_attributes.txt`, plain or gzipped.
        labelled: Whether graphs must have labels. Defaults to True.

    Returns:
        List of `Row`: a graph, its label, and the line of its label. The label is None if they need
        none.

    Raises:
        DataError: If a file is missing, a line is not of its format, files disagree, or an edge
            leads to a node that does not exist or is of another graph.

    References:
        Morris et al., 2020, "TUDataset: a collection of benchmark datasets for learning with
        graphs".
    """
    names = _names(folder)
    if len(names) != 1:
        raise DataError(f"Expected the files of one data set in {folder}. Received: {names}")

    def file(part, required=True):
        for ending in (".txt", ".txt.gz"):
            path = folder / f"{names[0]}_{part}{ending}"
            if path.is_file():
                return path
        if required:
            raise DataError(f"Expected {names[0]}_{part}.txt in {folder}, as the TU format has.")
        return None

    graph_of = _graph_of_node(file("graph_indicator"))
    edges_file = file("A")
    edges = read_integers(edges_file, columns=2) - 1
    _check_edges(edges, graph_of, edges_file)
    features = _features(file, edges, len(graph_of))
    labels_file = file("graph_labels", required=labelled)
    num_graphs = graph_of[-1] + 1
    labels = [None] * num_graphs
    if labelled:
        labels = list(map(str, read_integers(labels_file, columns=1)[:, 0]))
        _check_count(labels_file, len(labels), num_graphs, "graph")
    # Nodes of a graph stand together; its edges are brought together here.
    edges = edges[np.argsort(graph_of[edges[:, 0]], kind="stable")]
    first_node = np.searchsorted(graph_of, np.arange(num_graphs + 1))
    first_edge = np.searchsorted(graph_of[edges[:, 0]], np.arange(num_graphs + 1))
    return [
        Row(
            Graph(
                features[first_node[index] : first_node[index + 1]],
                edges[first_edge[index] : first_edge[index + 1]] - first_node[index],
            ),
            labels[index],
            f"{labels_file or edges_file}, line {index + 1}" if labelled else f"graph {index + 1}",
        )
        for index in range(num_graphs)
    ]


def _graph_of_node(file):
    graph_of = read_integers(file, columns=1)[:, 0] - 1
    steps = np.diff(graph_of, prepend=-1)
    wrong = np.flatnonzero(
        (steps < 0) | (steps > 1) | ((np.arange(len(steps)) == 0) & (steps == 0))
    )
    if len(wrong):
        raise DataError(
            f"Expected the nodes of graph 1, then those of graph 2 and so on in {file}. "
            f"Received: {graph_of[wrong[0]] + 1} in line {wrong[0] + 1}"
        )
    return graph_of


def _check_edges(edges, graph_of, file):
    outside = np.flatnonzero(((edges < 0) | (edges >= len(graph_of))).any(axis=1))
    if len(outside):
        raise DataError(
            f"Expected edges between the nodes 1 to {len(graph_of)}. Received: "
            f"{(edges[outside[0]] + 1).tolist()} in {file}, line {outside[0] + 1}"
        )
    across = np.flatnonzero(graph_of[edges[:, 0]] != graph_of[edges[:, 1]])
    if len(across):
        source, target = edges[across[0]]
        raise DataError(
            f"Expected edges within a graph. Received: one from graph {graph_of[source] + 1} to "
            f"graph {graph_of[target] + 1} in {file}, line {across[0] + 1}"
        )


def _features(file, edges, num_nodes):
    parts = []
    if (labels_file := file("node_labels", required=False)) is not None:
        labels = read_integers(labels_file, columns=1)
        _check_count(labels_file, len(labels), num_nodes, "node")
        parts.append(labels == np.unique(labels))
    if (attributes_file := file("node_attributes", required=False)) is not None:
        attributes = read_numbers(attributes_file)
        _check_count(attributes_file, len(attributes), num_nodes, "node")
        parts.append(attributes)
    parts.append(np.bincount(edges[:, 1], minlength=num_nodes)[:, None])
    return np.concatenate(parts, axis=1).astype("float32")


def _check_count(file, received, expected, what):
    if received != expected:
        raise DataError(
            f"Expected {expected} lines in {file}, one for each {what}. Received: {received}"
        )
