"""Readout: the nodes of a graph in, one vector out."""

import keras
from keras import ops

from .normalizers import softmax

READOUTS = ("mean", "sum", "log_sum", "max", "attention")
# Below any state, yet finite.
_LOWEST = -3.4e38


@keras.saving.register_keras_serializable("attnzoo")
class GraphReadout(keras.layers.Layer):
    """Reduces the nodes of each graph to one vector, whatever their order.

    `"attention"` is `Σ_i α_i h_i` with `α = softmax(w · h_i)` over the nodes of a graph and a
    learned `w`.

    Args:
        readout: `"mean"`; `"sum"`, which tells large graphs from small ones; `"log_sum"`, which is
            `sign(s) log(1 + |s|)` of the sum `s`, where sizes differ by orders of magnitude;
            `"max"` (of each dimension by itself); or `"attention"`. Defaults to `"mean"`.

    Call arguments:
        inputs: `(graphs, nodes, hidden_dim)`.
        num_nodes: `(graphs,)`, integers: how many of the nodes are real.

    Returns:
        `(graphs, hidden_dim)`; zeros for a graph without nodes.

    Raises:
        ValueError: If `readout` is unknown.

    Example:
    >>> import numpy as np
    >>> nodes, two = np.array([[[1.0], [3.0], [9.0]]], "float32"), np.array([2])
    >>> [np.asarray(GraphReadout(r)(nodes, two)).item() for r in ("mean", "sum", "max")]
    [2.0, 4.0, 3.0]

    References:
        Xu et al., 2019, "How powerful are graph neural networks?", section 5 (sum, mean and max).
        Li et al., 2016, "Gated graph sequence neural networks", equation 7 (attention).
    """

    def __init__(self, readout="mean", **kwargs):
        super().__init__(**kwargs)
        if readout not in READOUTS:
            raise ValueError(
                f"Received an invalid value for argument `readout`, expected one of {READOUTS}. "
                f"Received: readout={readout!r}"
            )
        self.readout = readout

    def build(self, inputs_shape, num_nodes_shape=None):
        """Creates the vector that weighs nodes, if they are to be weighed."""
        if self.readout == "attention":
            self.score = self.add_weight(
                shape=(inputs_shape[-1], 1), initializer="glorot_uniform", name="score"
            )

    def call(self, inputs, num_nodes):
        """Returns one vector for each graph."""
        num_nodes = ops.cast(num_nodes, "int32")[:, None]
        is_node = ops.arange(ops.shape(inputs)[1], dtype="int32")[None, :] < num_nodes
        # In float32 at least: the sum over a large graph would overflow float16.
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        states, weights = ops.cast(inputs, dtype), ops.cast(is_node, dtype)
        if self.readout == "max":
            largest = ops.max(ops.where(is_node[:, :, None], states, _LOWEST), axis=1)
            pooled = ops.where(num_nodes > 0, largest, 0.0)
        else:
            if self.readout == "mean":
                weights = weights / ops.maximum(ops.cast(num_nodes, dtype), 1.0)
            elif self.readout == "attention":
                scores = ops.matmul(states, ops.cast(self.score, dtype))[:, None, None, :, 0]
                weights = softmax(scores, is_node[:, None, None, :])[:, 0, 0]
            pooled = ops.sum(states * weights[:, :, None], axis=1)
            if self.readout == "log_sum":
                pooled = ops.sign(pooled) * ops.log(1.0 + ops.abs(pooled))
        return ops.cast(pooled, inputs.dtype)

    def compute_output_shape(self, inputs_shape, num_nodes_shape=None):
        """Shape of the outputs: that of the inputs without the nodes."""
        return (inputs_shape[0], inputs_shape[-1])

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "readout": self.readout}
