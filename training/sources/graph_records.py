"""Graphs from a `.jsonl` file, one on each line."""

from pathlib import Path

from ...zoo.graph import Graph
from .records import read_records
from .rows import DataError, Row

_LABEL_KEYS = ("label", "labels")


class GraphFile:
    """The graphs of one file, each time read anew, so that it may be larger than memory.

    A line is an object with `node_features` and `edges`, as `zoo.Graph` takes them, and either
    `label`, of the graph, or `labels`, one for each node, of which some may be null.

    Args:
        path: The file.
        labelled: Whether graphs must have labels. Defaults to True.

    Raises:
        DataError: If there is no file.
    """

    def __init__(self, path, labelled=True):
        self.path = Path(path)
        self.labelled = labelled
        if not self.path.is_file():
            raise DataError(f"Expected a file at {self.path}; there is none.")

    def __iter__(self):
        """Yields every row.

        Raises:
            DataError: At a line that is no graph, or has no label, or other labels than nodes.
        """
        for line, record in read_records(self.path):
            origin = f"{self.path}, line {line}"
            missing = {"node_features", "edges"} - set(record)
            if missing:
                raise DataError(f"Expected {sorted(missing)} in {origin}.")
            try:
                graph = Graph(record["node_features"], record["edges"])
            except ValueError as error:
                raise DataError(f"{origin}: {error}") from error
            yield Row(graph, self._label(record, graph, origin), origin)

    def _label(self, record, graph, origin):
        if not self.labelled:
            return None
        given = [key for key in _LABEL_KEYS if record.get(key) is not None]
        if len(given) != 1:
            raise DataError(
                "Expected either `label`, of the graph, or `labels`, of its nodes, in "
                f"{origin}. Received: {given}"
            )
        value = record[given[0]]
        if given == ["label"]:
            return _as_label(value, origin)
        if not isinstance(value, list) or len(value) != len(graph.node_features):
            raise DataError(
                f"Expected a list of {len(graph.node_features)} labels, one for each node, in "
                f"{origin}. Received: {value!r:.80}"
            )
        return [None if label is None else _as_label(label, origin) for label in value]


def _as_label(value, origin):
    if isinstance(value, (dict, list)) or not str(value).strip():
        raise DataError(f"Expected a plain label in {origin}. Received: {value!r:.80}")
    return str(value).strip()
