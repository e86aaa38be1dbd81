"""Sums, maxima and softmax over the edges that lead to each node.

Written with `scatter_update`, whose ONNX form is right and fast; `ops.scatter` adds up entries of
one index wrongly there, and the segment operations are slower.
"""

import keras
from keras import ops

# Below any score, yet finite: -inf would give NaN where no edge leads.
_LOWEST = -3.4e38


def with_self_loops(edges, num_nodes, add_self_loops):
    """Returns edges as sources, targets, and whether they count.

    Args:
        edges: Integers `(edges, 2)`, source and target; negative for padding.
        num_nodes: Number of nodes.
        add_self_loops: Whether to append an edge from each node to itself, in place of those that
            are there.

    Returns:
        Sources, targets and a boolean, each `(edges,)` or `(edges + nodes,)`. Padding points to
        node 0, so that it can be looked up, and does not count.
    """
    edges = ops.cast(edges, "int32")
    source, target = edges[:, 0], edges[:, 1]
    is_real = ops.logical_and(source >= 0, target >= 0)
    source, target = ops.maximum(source, 0), ops.maximum(target, 0)
    if add_self_loops:
        is_real = ops.logical_and(is_real, source != target)
        nodes = ops.arange(num_nodes, dtype="int32")
        source, target = ops.concatenate([source, nodes]), ops.concatenate([target, nodes])
        is_real = ops.concatenate([is_real, nodes >= 0])
    return source, target, is_real


def attention_over_edges(scores, target, is_real, num_nodes):
    """Returns the softmax of scores over the edges that lead to the same node.

    Args:
        scores: `(edges, heads)`.
        target: Node that each edge leads to, `(edges,)`.
        is_real: Whether each edge counts, `(edges,)`.
        num_nodes: Number of nodes.

    Returns:
        Weights of the shape and dtype of `scores`, computed in float32 at least; zero for edges
        that do not count.
    """
    dtype = keras.backend.result_type(scores.dtype, "float32")
    is_real = is_real[:, None]
    logits = ops.where(is_real, ops.cast(scores, dtype), _LOWEST)
    largest = ops.full((num_nodes, scores.shape[-1]), _LOWEST, dtype)
    largest = ops.scatter_update(
        largest, target[:, None], ops.stop_gradient(logits), reduction="max"
    )
    # An edge that does not count is compared with itself: its exponential, though unused, must be
    # finite for the gradient to be.
    shifted = ops.where(is_real, logits - ops.take(largest, target, axis=0), 0)
    exponentials = ops.where(is_real, ops.exp(shifted), 0)
    totals = sum_over_edges(exponentials, target, num_nodes)
    totals = ops.where(totals > 0, totals, 1)
    return ops.cast(exponentials / ops.take(totals, target, axis=0), scores.dtype)


def sum_over_edges(messages, target, num_nodes):
    """Returns the sum of messages `(edges, ...)` for each node, `(nodes, ...)`.

    Added up in float32 at least and returned in the dtype of the messages.
    """
    dtype = keras.backend.result_type(messages.dtype, "float32")
    sums = ops.zeros((num_nodes, *messages.shape[1:]), dtype)
    sums = ops.scatter_update(sums, target[:, None], ops.cast(messages, dtype), reduction="add")
    return ops.cast(sums, messages.dtype)
