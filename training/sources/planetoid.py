"""The files of Planetoid (Cora, Citeseer, Pubmed): one graph with a fixed split of its nodes.

They are pickles of Python 2. A pickle can name any function to be called, so only those few classes
are let in that these files need.
"""

import collections
import pickle

import numpy as np

from ...zoo.graph import Graph
from .graph_files import read_integers, undirected
from .rows import DataError, Row

_PARTS = ("x", "y", "tx", "ty", "allx", "ally", "graph", "test.index")
# Number of nodes to choose by; they follow on those to learn from.
_VALIDATION = 500


def is_planetoid(folder):
    """Returns whether a folder holds files such as `ind.cora.graph`."""
    return bool(_names(folder))


def _names(folder):
    return sorted(path.name.split(".")[1] for path in folder.glob("ind.*.graph"))


def read_planetoid(folder):
    """Reads the graph of a folder with its fixed split, as everyone uses it.

    The first nodes are the train split, the next 500 the validation split, those that `test.index`
    names the test split; the rest has no label that counts. Links go both ways, once each.

    Args:
        folder: `Path` of a folder with `ind.NAME.x` and seven more files.

    Returns:
        Dict from split to a list of one `Row`: the graph, and a label for each node, None where the
        node is not of the split.

    Raises:
        DataError: If a file is missing, damaged or disagrees with another, or a pickle asks for
            anything but arrays.

    References:
        Yang et al., 2016, "Revisiting semi-supervised learning with graph embeddings", section 5.
    """
    names = _names(folder)
    if len(names) != 1:
        raise DataError(f"Expected the files of one data set in {folder}. Received: {names}")
    files = {part: folder / f"ind.{names[0]}.{part}" for part in _PARTS}
    missing = [file.name for file in files.values() if not file.is_file()]
    if missing:
        raise DataError(f"Expected {', '.join(missing)} in {folder}, as Planetoid has.")
    test = read_integers(files["test.index"], columns=1)[:, 0]
    arrays = {part: _array(files[part]) for part in ("x", "y", "tx", "ty", "allx", "ally")}
    if len(arrays["allx"]) != len(arrays["ally"]):
        raise DataError(
            f"Expected as many labels as nodes in {folder}. Received: "
            f"{len(arrays['ally'])} labels, {len(arrays['allx'])} nodes"
        )
    features = _joined(arrays["allx"], arrays["tx"], test, files["tx"])
    labels = _joined(arrays["ally"], arrays["ty"], test, files["ty"])
    num_train = len(arrays["y"])
    if num_train + _VALIDATION > len(arrays["ally"]):
        raise DataError(
            f"Expected {num_train + _VALIDATION} nodes at least in {files['ally']}. "
            f"Received: {len(arrays['ally'])}"
        )
    graph = Graph(features, _edges(files["graph"], len(features)))
    parts = {
        "train": range(num_train),
        "validation": range(num_train, num_train + _VALIDATION),
        "test": test,
    }
    return {
        split: [Row(graph, _labels(labels, nodes, folder), str(files["graph"]))]
        for split, nodes in parts.items()
    }


def _joined(known, test, index, file):
    """Puts the rows of the test nodes, which the file has in the order of `index`, in their place.

    Nodes that are in neither, as some of Citeseer, have rows of zeros.
    """
    if len(test) != len(index) or test.shape[1] != known.shape[1] or index.min() < len(known):
        raise DataError(
            f"Expected a row in {file} for each of {len(index)} test nodes behind {len(known)} "
            f"others, {known.shape[1]} wide. Received: shape {test.shape}, first test node "
            f"{index.min()}"
        )
    rows = np.zeros((max(index) + 1, known.shape[1]), "float32")
    rows[: len(known)] = known
    rows[index] = test
    return rows


def _labels(one_hot, nodes, folder):
    labels = [None] * len(one_hot)
    for node in nodes:
        if one_hot[node].sum() != 1:
            raise DataError(
                f"Expected one label for node {node} in {folder}, which is in a split. "
                f"Received: {one_hot[node].tolist()}"
            )
        labels[node] = str(one_hot[node].argmax())
    return labels


def _edges(file, num_nodes):
    neighbours = _unpickle(file)
    if not isinstance(neighbours, dict):
        raise DataError(f"Expected a dict from node to its neighbours in {file}.")
    links = [(node, other) for node, others in neighbours.items() for other in others]
    for link in links:
        if not all(isinstance(node, int) and 0 <= node < num_nodes for node in link):
            raise DataError(
                f"Expected links between the nodes 0 to {num_nodes - 1} in {file}. Received: {link}"
            )
    return undirected(np.array(links, "int64").reshape(-1, 2))


# === Pickles ===


class _SparseRows:
    """Takes the place of SciPy's `csr_matrix`, of which only the arrays are wanted."""

    def to_array(self):
        """Returns the matrix, zeros and all."""
        state = self.__dict__
        rows, columns = state["_shape"]
        dense = np.zeros((rows, columns), "float32")
        row = np.repeat(np.arange(rows), np.diff(state["indptr"]))
        dense[row, state["indices"]] = state["data"]
        return dense


# Module and name in a pickle -> what it may make.
_ALLOWED = {
    ("__builtin__", "list"): list,
    ("builtins", "list"): list,
    ("collections", "defaultdict"): collections.defaultdict,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,
    ("scipy.sparse.csr", "csr_matrix"): _SparseRows,
    ("scipy.sparse._csr", "csr_matrix"): _SparseRows,
}


class _ArraysOnly(pickle.Unpickler):
    """Refuses every class and function that is not on the list."""

    def find_class(self, module, name):
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _ALLOWED[module, name]


def _unpickle(file):
    try:
        with open(file, "rb") as stream:
            return _ArraysOnly(stream, encoding="latin1").load()
    except Exception as error:  # A damaged pickle raises whatever its bytes happen to mean.
        raise DataError(
            f"Expected a pickle of arrays in {file}, and of nothing that runs code. "
            f"Received: one that cannot be read so ({error})"
        ) from error


def _array(file):
    value = _unpickle(file)
    try:
        array = value.to_array() if isinstance(value, _SparseRows) else np.asarray(value, "float32")
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DataError(f"Expected a matrix of numbers in {file}: {error}") from error
    if array.ndim != 2 or not len(array):
        raise DataError(f"Expected a matrix in {file}. Received: shape {array.shape}")
    return array
