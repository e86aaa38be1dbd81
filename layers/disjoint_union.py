"""A batch of padded graphs as one graph, and back: attention over edges knows no batch."""

import keras
from keras import ops

from .masks import zeros_for_padding


@keras.saving.register_keras_serializable("attnzoo")
class DisjointUnion(keras.layers.Layer):
    """Joins the graphs of a batch into one graph whose parts no edge joins.

    Node `i` of graph `g` becomes node `g * nodes + i`. Padded nodes stay, with features of zero
    and no edges, so that shapes follow from those of the inputs alone.

    Call arguments:
        node_features: `(graphs, nodes, features)`, any finite numbers in the padding.
        edges: `(graphs, edges, 2)`, integers: each edge's source and target within its graph. An
            edge with a negative number is padding; so is one to a node that its graph does not
            have.
        num_nodes: `(graphs,)`, integers: how many of the nodes are real.

    Returns:
        `(graphs * nodes, features)` and `(graphs * edges, 2)`, where -1 is padding.

    Example:
    >>> import numpy as np
    >>> features = np.ones((2, 3, 1), "float32")
    >>> edges = np.array([[[0, 2], [2, 1]], [[0, 1], [-1, -1]]])
    >>> nodes, joined = DisjointUnion()(features, edges, np.array([3, 2]))
    >>> np.asarray(nodes).ravel().tolist(), np.asarray(joined).tolist()
    ([1.0, 1.0, 1.0, 1.0, 1.0, 0.0], [[0, 2], [2, 1], [3, 4], [-1, -1]])
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, node_features_shape, edges_shape=None, num_nodes_shape=None):
        """Has no weights; marks the layer as built."""
        self.built = True

    def call(self, node_features, edges, num_nodes):
        """Returns the features of all nodes, and all edges between them."""
        num_graphs, size = ops.shape(node_features)[0], ops.shape(node_features)[1]
        num_nodes = ops.cast(num_nodes, "int32")[:, None]
        is_node = ops.arange(size, dtype="int32")[None, :] < num_nodes
        nodes = zeros_for_padding(node_features, is_node)
        edges = ops.cast(edges, "int32")
        is_edge = ops.logical_and(edges >= 0, edges < num_nodes[:, :, None])
        first = ops.arange(num_graphs, dtype="int32") * ops.cast(size, "int32")
        joined = ops.where(
            ops.all(is_edge, axis=-1, keepdims=True), edges + first[:, None, None], -1
        )
        return ops.reshape(nodes, (-1, node_features.shape[-1])), ops.reshape(joined, (-1, 2))

    def compute_output_spec(self, node_features, edges, num_nodes):
        """Symbolic outputs: float features and integer edges."""
        shapes = self.compute_output_shape(node_features.shape, edges.shape, num_nodes.shape)
        return (
            keras.KerasTensor(shapes[0], dtype=self.compute_dtype),
            keras.KerasTensor(shapes[1], dtype="int32"),
        )

    def compute_output_shape(self, node_features_shape, edges_shape, num_nodes_shape=None):
        """Shapes of the outputs: all nodes, and all edges."""
        return (
            (_product(node_features_shape[:2]), node_features_shape[-1]),
            (_product(edges_shape[:2]), 2),
        )


@keras.saving.register_keras_serializable("attnzoo")
class SeparateGraphs(keras.layers.Layer):
    """Gives the nodes of a `DisjointUnion` back to their graphs.

    Call arguments:
        inputs: `(graphs * nodes, hidden_dim)`.
        node_features: What was joined, `(graphs, nodes, features)`; only its shape is read.

    Returns:
        `(graphs, nodes, hidden_dim)`.

    Example:
    >>> import numpy as np
    >>> tuple(SeparateGraphs()(np.zeros((6, 4)), np.zeros((2, 3, 1))).shape)
    (2, 3, 4)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, inputs_shape, node_features_shape=None):
        """Has no weights; marks the layer as built."""
        self.built = True

    def call(self, inputs, node_features):
        """Returns the nodes of each graph."""
        graphs, size = ops.shape(node_features)[0], ops.shape(node_features)[1]
        return ops.reshape(inputs, (graphs, size, inputs.shape[-1]))

    def compute_output_shape(self, inputs_shape, node_features_shape):
        """Shape of the outputs: a vector for each node of each graph."""
        return (*node_features_shape[:2], inputs_shape[-1])


def _product(sizes):
    return None if None in sizes else sizes[0] * sizes[1]
