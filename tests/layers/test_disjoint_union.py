import keras
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import DisjointUnion, GraphAttention, SeparateGraphs

from ..backends import needs_tensorflow
from ..layer_test_case import randomize_weights
from .export_parity import assert_exports_agree

FEATURES = 3


@st.composite
def batches(draw):
    """Draws padded graphs, some empty, with anything finite in the padding."""
    graphs, size = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    num_edges = draw(st.integers(0, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    num_nodes = rng.integers(0, size + 1, graphs)
    edges = rng.integers(-2, size + 2, (graphs, num_edges, 2))
    features = rng.normal(size=(graphs, size, FEATURES)).astype("float32")
    return features, edges.astype("int32"), num_nodes.astype("int32")


def expected_union(features, edges, num_nodes):
    """One graph after another, node by node and edge by edge."""
    size = features.shape[1]
    nodes, joined = [], []
    for graph, count in enumerate(num_nodes):
        for node in range(size):
            nodes.append(features[graph, node] if node < count else np.zeros(FEATURES))
        for source, target in edges[graph]:
            is_edge = 0 <= source < count and 0 <= target < count
            joined.append([graph * size + source, graph * size + target] if is_edge else [-1, -1])
    return np.array(nodes), np.array(joined, "int32").reshape(-1, 2)


@given(batches())
def test_nodes_are_numbered_on_and_nothing_joins_two_graphs(batch):
    nodes, edges = DisjointUnion()(*batch)
    expected_nodes, expected_edges = expected_union(*batch)
    np.testing.assert_array_equal(nodes, expected_nodes)
    np.testing.assert_array_equal(edges, expected_edges)


@given(batches())
def test_the_nodes_come_back_to_their_graphs(batch):
    features, _, num_nodes = batch
    nodes, _ = DisjointUnion()(*batch)
    back = np.asarray(SeparateGraphs()(nodes, features))
    for graph, count in enumerate(num_nodes):
        np.testing.assert_array_equal(back[graph, :count], features[graph, :count])
        assert not back[graph, count:].any()


@given(batches())
def test_attention_over_the_union_is_attention_over_each_graph(batch):
    features, edges, num_nodes = batch
    layer = GraphAttention(2, num_heads=2)
    layer.build((None, FEATURES), (None, 2))
    randomize_weights(layer, scale=0.5)
    nodes, joined = DisjointUnion()(*batch)
    together = np.asarray(SeparateGraphs()(layer(nodes, joined), features))
    for graph, count in enumerate(num_nodes):
        if count:
            inside = ((edges[graph] >= 0) & (edges[graph] < count)).all(axis=-1)
            alone = layer(features[graph, :count], edges[graph, inside].reshape(-1, 2))
            np.testing.assert_allclose(together[graph, :count], alone, atol=1e-5)


def test_half_precision_is_kept_and_edges_stay_integers():
    layer = DisjointUnion(dtype="mixed_bfloat16")
    nodes, edges = layer(
        np.ones((1, 2, 1), "float32"), np.array([[[0, 1]]], "int32"), np.array([2], "int32")
    )
    assert keras.backend.standardize_dtype(nodes.dtype) == "bfloat16"
    assert keras.backend.standardize_dtype(edges.dtype) == "int32"


@needs_tensorflow
def test_exports_agree_for_any_sizes_also_without_edges(tmp_path):
    nodes = keras.Input((None, FEATURES), name="node_features")
    edges = keras.Input((None, 2), dtype="int32", name="edges")
    num_nodes = keras.Input((), dtype="int32", name="num_nodes")
    joined = DisjointUnion()(nodes, edges, num_nodes)
    model = keras.Model(
        [nodes, edges, num_nodes], SeparateGraphs()(GraphAttention(4)(*joined), nodes)
    )
    randomize_weights(model)
    rng = np.random.default_rng(0)
    feeds = [
        {
            "node_features": rng.normal(size=(graphs, size, FEATURES)).astype("float32"),
            "edges": rng.integers(-1, size + 1, (graphs, num_edges, 2)).astype("int32"),
            "num_nodes": rng.integers(0, size + 1, graphs).astype("int32"),
        }
        for graphs, size, num_edges in ((1, 1, 0), (3, 4, 0), (2, 5, 9))
    ]
    dimensions = {
        "node_features": ("graphs", "nodes", FEATURES),
        "edges": ("graphs", "edges", 2),
        "num_nodes": ("graphs",),
    }
    assert_exports_agree(model, dimensions, {"output_0": ("graphs", "nodes", 4)}, feeds, tmp_path)
