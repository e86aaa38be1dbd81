"""Graphs to padded batches (imports no TensorFlow)."""

from collections.abc import Mapping

import numpy as np

from .graph import Graph


class GraphPreprocessor:
    """Checks graphs and pads them to batches; it has learned nothing, so nothing of it is saved.

    Args:
        num_features: Number of features that the model takes.

    Example:
    >>> preprocessor = GraphPreprocessor(num_features=1)
    >>> batch = preprocessor.collate(preprocessor.encode([Graph([[1.0]], []), Graph([[2.0]], [])]))
    >>> {name: array.shape for name, array in batch.items()}
    {'edges': (2, 0, 2), 'node_features': (2, 1, 1), 'num_nodes': (2,)}
    """

    def __init__(self, num_features):
        self.num_features = num_features

    def checked(self, graphs):
        """Returns the inputs as a list of `Graph`.

        Raises:
            ValueError: If one is neither a `Graph` nor a dict of `node_features` and `edges`, or
                has another number of features than the model takes.
        """
        return [self._graph(graph) for graph in graphs]

    def _graph(self, graph):
        if isinstance(graph, Mapping) and set(graph) == {"node_features", "edges"}:
            graph = Graph(**graph)
        if not isinstance(graph, Graph):
            raise ValueError(
                "Expected every input to be a `zoo.Graph`, or a dict of `node_features` and "
                f"`edges`. Received: one of type {type(graph).__name__}: {graph!r:.80}"
            )
        if graph.node_features.shape[1] != self.num_features:
            raise ValueError(
                f"Expected graphs with {self.num_features} features for each node, as the model "
                f"was trained on. Received: {graph}"
            )
        return graph

    def encode(self, graphs):
        """Returns the graphs as a list of `Graph`, without padding."""
        return self.checked(graphs)

    def padded_length(self, lengths):
        """Returns None: nodes and edges are padded each to its own longest, by `collate`."""
        return None

    def collate(self, graphs, length=None):
        """Pads graphs to one batch.

        Args:
            graphs: List of `Graph`.
            length: Not heeded. Defaults to None.

        Returns:
            Dict `node_features (graphs, nodes, features)` float32, `edges (graphs, edges, 2)`
            int32, padded with -1, and `num_nodes (graphs,)` int32.
        """
        num_nodes = np.array([len(graph.node_features) for graph in graphs], "int32")
        num_edges = [len(graph.edges) for graph in graphs]
        features = np.zeros(
            (len(graphs), max(1, num_nodes.max(initial=0)), self.num_features), "float32"
        )
        edges = np.full((len(graphs), max(num_edges, default=0), 2), -1, "int32")
        for row, graph in enumerate(graphs):
            features[row, : num_nodes[row]] = graph.node_features
            edges[row, : num_edges[row]] = graph.edges
        return {"edges": edges, "node_features": features, "num_nodes": num_nodes}

    def description(self):
        """Returns all that decides what it makes of a graph, as one string."""
        return str(self.num_features)

    def save(self, folder):
        """Writes nothing: the model's configuration has the number of features."""
