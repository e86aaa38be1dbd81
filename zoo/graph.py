"""A graph as a pipeline takes it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes with features, and edges between them.

    What is no array becomes one, so that lists may be given.

    Args:
        node_features: Numbers `(nodes, features)`.
        edges: Integers `(edges, 2)`: each edge's source and target, counted from 0. A node attends
            to the sources of the edges that lead to it; list an edge both ways if it has no
            direction. An empty list is a graph without edges.

    Raises:
        ValueError: If shapes or types are others, a feature is not finite, or an edge leads to or
            from a node that does not exist.

    Example:
    >>> Graph([[1.0, 0.0], [0.0, 1.0]], edges=[[0, 1], [1, 0]])
    Graph(2 nodes of 2 features, 2 edges)
    """

    node_features: np.ndarray
    edges: np.ndarray

    def __post_init__(self):
        features = _as_array(self.node_features, "numbers", "node_features")
        if features.ndim != 2 or 0 in features.shape or features.dtype.kind not in "fiub":
            raise ValueError(
                "Expected node features to be numbers (nodes, features), of one node and one "
                f"feature at least. Received: shape {features.shape} of {features.dtype}"
            )
        features = features.astype("float32")
        wrong = np.argwhere(~np.isfinite(features))
        if len(wrong):
            node, feature = wrong[0].tolist()
            raise ValueError(
                "Expected every node feature to be a finite number. Received: "
                f"{features[node, feature]} in feature {feature} of node {node}"
            )
        edges = _as_array(self.edges, "integers", "edges")
        if edges.size == 0:
            edges = np.zeros((0, 2), "int32")
        if edges.ndim != 2 or edges.shape[1] != 2 or edges.dtype.kind not in "iu":
            raise ValueError(
                "Expected edges to be integers (edges, 2), each a source and a target. Received: "
                f"shape {edges.shape} of {edges.dtype}"
            )
        outside = np.flatnonzero(((edges < 0) | (edges >= len(features))).any(axis=1))
        if len(outside):
            raise ValueError(
                f"Expected edges between the nodes 0 to {len(features) - 1}. Received: "
                f"{edges[outside[0]].tolist()} as edge {outside[0]}"
            )
        object.__setattr__(self, "node_features", features)
        object.__setattr__(self, "edges", edges.astype("int32"))

    def __len__(self):
        """Number of nodes and edges together: what a graph costs."""
        return len(self.node_features) + len(self.edges)

    def __repr__(self):
        nodes, features = self.node_features.shape
        return f"Graph({nodes} nodes of {features} features, {len(self.edges)} edges)"


def _as_array(values, kind, name):
    try:
        return np.asarray(values)
    except ValueError as error:  # Rows of different lengths.
        raise ValueError(
            f"Expected `{name}` to be {kind} in rows of one length. Received: {values!r:.80}"
        ) from error
