"""Graph attention: every node attends to the nodes whose edges lead to it."""

import keras
from keras import ops

from .checks import check_positive
from .edges import attention_over_edges, sum_over_edges, with_self_loops

_SCORES = ("gat", "gatv2", "dot")


@keras.saving.register_keras_serializable("attnzoo")
class GraphAttention(keras.layers.Layer):
    """Attention along the edges of a graph, or of several graphs side by side.

    `output_i = Σ_j α_ij v_j` over the edges `j → i`, with `α_ij = softmax_j(e_ij)` and, in each
    head, one of the scores

    - `"gat"`: `e_ij = LeakyReLU(a_q · q_i + a_k · k_j)` with `q = k = v = W h`;
    - `"gatv2"`: `e_ij = a · LeakyReLU(q_i + k_j)` with `q = W_q h` and `k = v = W h`, so that which
      neighbour is most relevant may differ from node to node;
    - `"dot"`: `e_ij = q_i · k_j / sqrt(units)`, each of q, k and v with a matrix of its own.

    Nodes and edges have no batch: several graphs are one graph whose parts no edge joins, the nodes
    of the second numbered on from the first. The order of edges does not matter. An edge that is
    there twice counts twice, as in a sum over a list.

    Args:
        units: Size of each head's output.
        num_heads: Number of heads. Defaults to 1.
        score: `"gat"`, `"gatv2"` or `"dot"`. Defaults to `"gat"`.
        concat: Whether the heads stand side by side in the output, or their mean is it. Defaults to
            True.
        add_self_loops: Whether every node attends to itself as well. Self-loops among the edges are
            then passed over, so that each node has exactly one. Defaults to True.
        edge_dropout: Rate in [0, 1) at which attention weights are dropped in training. Defaults
            to 0.0.
        feature_dropout: Rate in [0, 1) at which input features are dropped in training, and, as
            in the code of the paper of GAT, values after the weights are known. Defaults to 0.0.
        negative_slope: Slope of the LeakyReLU below zero. Defaults to 0.2.
        use_bias: Whether a bias is added to the output. Defaults to True.
        activation: Activation of the output. Defaults to None.
        kernel_initializer: Initialiser of matrices and score vectors. Defaults to
            `"glorot_uniform"`.

    Call arguments:
        node_features: `(nodes, features)`.
        edges: `(edges, 2)`, integers: each edge's source and target. An edge with a negative number
            is padding and counts for nothing.
        training: Whether dropout is active. Defaults to None (Keras decides).
        return_attention_scores: Whether to return the weights too. Defaults to False.

    Returns:
        `(nodes, num_heads * units)`, or `(nodes, units)` if not `concat`. A node that no edge leads
        to gathers zeros, to which the bias is added. On request also the weights `(edges, heads)`,
        zero for padding, followed by those of the self-loops, one for each node, if they are added.

    Raises:
        ValueError: If an argument is out of range, or inputs are of other ranks.

    Example:
    >>> import numpy as np
    >>> features = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    >>> edges = np.array([[0, 1], [2, 1], [-1, -1]])
    >>> layer = GraphAttention(units=4, num_heads=2, add_self_loops=False)
    >>> outputs, weights = layer(features, edges, return_attention_scores=True)
    >>> tuple(outputs.shape), np.asarray(weights).sum(axis=0).round(4).tolist()
    ((3, 8), [1.0, 1.0])

    References:
        Veličković et al., 2018, "Graph attention networks", equations 1 to 6.
        Brody et al., 2022, "How attentive are graph attention networks?", equation 7 (gatv2).
        Vaswani et al., 2017, "Attention is all you need", equation 1 (dot).
    """

    def __init__(
        self,
        units,
        num_heads=1,
        score="gat",
        concat=True,
        add_self_loops=True,
        edge_dropout=0.0,
        feature_dropout=0.0,
        negative_slope=0.2,
        use_bias=True,
        activation=None,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive(units=units, num_heads=num_heads)
        if score not in _SCORES:
            raise ValueError(
                f"Received an invalid value for argument `score`, expected one of {_SCORES}. "
                f"Received: score={score!r}"
            )
        if not 0 <= negative_slope <= 1:
            raise ValueError(
                "Received an invalid value for argument `negative_slope`, expected a number in "
                f"[0, 1]. Received: negative_slope={negative_slope}"
            )
        self.units = units
        self.num_heads = num_heads
        self.score = score
        self.concat = concat
        self.add_self_loops = add_self_loops
        self.edge_dropout = edge_dropout
        self.feature_dropout = feature_dropout
        self.negative_slope = negative_slope
        self.use_bias = use_bias
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.edge_dropout_layer = keras.layers.Dropout(
            edge_dropout, dtype=self.dtype_policy, name="edge_dropout"
        )
        self.feature_dropout_layer = keras.layers.Dropout(
            feature_dropout, dtype=self.dtype_policy, name="feature_dropout"
        )

    def build(self, node_features_shape, edges_shape):
        """Creates and builds what the score needs: projections, and vectors that weigh them."""
        if len(node_features_shape) != 2 or len(edges_shape) != 2 or edges_shape[-1] != 2:
            raise ValueError(
                "Expected node features (nodes, features) and edges (edges, 2); join the graphs of "
                "a batch into one, the nodes numbered on. "
                f"Received: shapes {tuple(node_features_shape)} and {tuple(edges_shape)}"
            )
        # Query of an edge's target, key and value of its source; where the paper has one matrix
        # for several of them, it goes by the last of their names.
        names = {"gat": ("value",), "gatv2": ("query", "value"), "dot": ("query", "key", "value")}
        self.projections = {name: self._projection(name) for name in names[self.score]}
        for projection in self.projections.values():
            projection.build((None, node_features_shape[-1]))
        if self.score == "gat":
            self.query_score = self._score_vector("query_score")
            self.key_score = self._score_vector("key_score")
        elif self.score == "gatv2":
            self.edge_score = self._score_vector("edge_score")
        if self.use_bias:
            width = self.compute_output_shape(node_features_shape, edges_shape)[-1]
            self.bias = self.add_weight(shape=(width,), initializer="zeros", name="bias")

    def _projection(self, name):
        return keras.layers.Dense(
            self.num_heads * self.units,
            use_bias=False,
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name=name,
        )

    def _score_vector(self, name):
        return self.add_weight(
            shape=(self.num_heads, self.units),
            initializer=self.kernel_initializer.clone(),
            name=name,
        )

    def call(self, node_features, edges, training=None, return_attention_scores=False):
        """Returns what each node has gathered, with the weights of the edges on request."""
        node_features = self.feature_dropout_layer(node_features, training=training)
        num_nodes = ops.shape(node_features)[0]
        source, target, is_real = with_self_loops(edges, num_nodes, self.add_self_loops)

        states = {
            name: ops.reshape(dense(node_features), (-1, self.num_heads, self.units))
            for name, dense in self.projections.items()
        }
        scores = self._scores(states, source, target)
        weights = attention_over_edges(scores, target, is_real, num_nodes)
        weights = self.edge_dropout_layer(weights, training=training)
        values = self.feature_dropout_layer(states["value"], training=training)
        messages = weights[:, :, None] * ops.take(values, source, axis=0)
        outputs = sum_over_edges(messages, target, num_nodes)
        if self.concat:
            outputs = ops.reshape(outputs, (-1, self.num_heads * self.units))
        else:
            outputs = ops.mean(outputs, axis=1)
        if self.use_bias:
            outputs = outputs + self.bias
        outputs = self.activation(outputs)
        return (outputs, weights) if return_attention_scores else outputs

    def _scores(self, states, source, target):
        """The relevance of each edge's source to its target, `(edges, heads)`."""
        value = states["value"]
        if self.score == "gat":
            # The sum over units is taken node by node: there are more edges than nodes.
            of_target = ops.sum(value * self.query_score, axis=-1)
            of_source = ops.sum(value * self.key_score, axis=-1)
            scores = ops.take(of_target, target, axis=0) + ops.take(of_source, source, axis=0)
            return ops.leaky_relu(scores, self.negative_slope)
        query = ops.take(states["query"], target, axis=0)
        key = ops.take(states.get("key", value), source, axis=0)
        if self.score == "gatv2":
            return ops.sum(
                ops.leaky_relu(query + key, self.negative_slope) * self.edge_score, axis=-1
            )
        return ops.sum(query * self.units**-0.5 * key, axis=-1)

    def compute_output_spec(
        self, node_features, edges, training=None, return_attention_scores=False
    ):
        """Symbolic outputs, with the weights on request."""
        shape = self.compute_output_shape(node_features.shape, edges.shape)
        outputs = keras.KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return outputs
        num_nodes, num_edges = node_features.shape[0], edges.shape[0]
        if self.add_self_loops:
            known = num_nodes is not None and num_edges is not None
            num_edges = num_nodes + num_edges if known else None
        weights = keras.KerasTensor((num_edges, self.num_heads), dtype=self.compute_dtype)
        return outputs, weights

    def compute_output_shape(self, node_features_shape, edges_shape=None):
        """Shape of the outputs: the nodes, and the heads side by side or their mean."""
        width = self.num_heads * self.units if self.concat else self.units
        return (node_features_shape[0], width)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "num_heads": self.num_heads,
            "score": self.score,
            "concat": self.concat,
            "add_self_loops": self.add_self_loops,
            "edge_dropout": self.edge_dropout,
            "feature_dropout": self.feature_dropout,
            "negative_slope": self.negative_slope,
            "use_bias": self.use_bias,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
