import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import GraphAttention

from ..backends import gradients, needs_tensorflow, weight_gradients
from ..layer_test_case import named_weights, randomize_weights
from . import references_kinds
from .calls import array, run, whole
from .export_parity import assert_exports_agree
from .gradient_check import assert_gradients_match_differences

FEATURES, UNITS, HEADS = 5, 4, 3
SCORES = ["gat", "gatv2", "dot"]


def vectors(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def make_layer(num_heads=HEADS, **kwargs):
    """A built layer with random weights."""
    layer = GraphAttention(UNITS, num_heads, **kwargs)
    layer.build((None, FEATURES), (None, 2))
    randomize_weights(layer, scale=0.5)
    return layer


def expected_outputs(layer, node_features, edges, weights=None):
    """What the reference gives for a layer with these weights, and the weight of each edge."""
    return references_kinds.graph_attention(
        node_features,
        edges,
        weights or named_weights(layer),
        layer.units,
        layer.num_heads,
        layer.score,
        layer.concat,
        layer.add_self_loops,
        layer.negative_slope,
    )


@st.composite
def graphs(draw):
    """Draws node features and edges: any order, doubles, self-loops, padding, isolated nodes."""
    nodes, edges = draw(st.integers(1, 7)), draw(st.integers(0, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pairs = rng.integers(0, nodes, (edges, 2))
    pairs[rng.random(edges) < 0.2] = -1
    return rng.normal(size=(nodes, FEATURES)).astype("float32"), pairs.astype("int32")


# Node 5 has no edge, 4 only leads away; 0 → 1 is there twice, 2 → 2 is a self-loop.
NODES = vectors(6, FEATURES)
EDGES = np.array([[3, 0], [0, 1], [2, 1], [0, 1], [2, 2], [-1, -1], [1, 3], [4, 3], [0, 3]])


# === The formula ===


@pytest.mark.parametrize("add_self_loops", [False, True], ids=["", "self-loops"])
@pytest.mark.parametrize("concat", [False, True], ids=["mean", "concat"])
@pytest.mark.parametrize("score", SCORES)
def test_outputs_and_weights_match_the_formula_in_float64(score, concat, add_self_loops):
    layer = make_layer(score=score, concat=concat, add_self_loops=add_self_loops)
    outputs, weights = run(layer, NODES, EDGES, return_attention_scores=True)
    expected, coefficients = expected_outputs(layer, NODES, EDGES)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=2e-6)
    np.testing.assert_allclose(run(layer, NODES, EDGES), expected, rtol=0, atol=2e-6)

    edges = [tuple(edge) for edge in EDGES]
    if add_self_loops:
        edges += [(i, i) for i in range(len(NODES))]
    assert weights.shape == (len(edges), HEADS)
    for number, edge in enumerate(edges):
        passed_over = min(edge) < 0 or (add_self_loops and number == edges.index((2, 2)))
        for head in range(HEADS):
            expected = 0.0 if passed_over else coefficients[head][edge]
            assert abs(weights[number, head] - expected) <= 2e-6


@given(graphs(), st.sampled_from(SCORES), st.booleans(), st.booleans(), st.integers(1, 3))
def test_outputs_match_the_formula_for_all_graphs(graph, score, concat, add_self_loops, heads):
    layer = make_layer(heads, score=score, concat=concat, add_self_loops=add_self_loops)
    expected, _ = expected_outputs(layer, *graph)
    np.testing.assert_allclose(run(layer, *graph), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("add_self_loops", [False, True], ids=["", "self-loops"])
@pytest.mark.parametrize("score", SCORES)
def test_gradients_match_differences_in_float64(score, add_self_loops):
    layer = make_layer(2, score=score, add_self_loops=add_self_loops)
    assert_gradients_match_differences(
        layer,
        lambda x: layer(x, EDGES),
        lambda x, weights: expected_outputs(layer, x, EDGES, weights)[0],
        NODES,
        target=vectors(6, 2 * UNITS, seed=1),
    )


def test_of_gat_and_gatv2_only_the_second_ranks_neighbours_by_who_asks():
    """Brody et al. 2022, definition 3.1: every query has the same favourite under `gat`."""
    # In a full graph, the favourite of each node in each head.
    edges = np.stack(np.meshgrid(range(6), range(6), indexing="ij"), axis=-1).reshape(-1, 2)
    favourites = {}
    for score in ("gat", "gatv2"):
        layer = make_layer(20, score=score, add_self_loops=False)
        _, weights = run(layer, NODES, edges, return_attention_scores=True)
        weights = weights.reshape(6, 6, 20)  # Source, target, head.
        favourites[score] = weights.argmax(axis=0)
    assert np.all(favourites["gat"] == favourites["gat"][:1])
    assert np.any(favourites["gatv2"] != favourites["gatv2"][:1])


# === Edges ===


@given(graphs(), st.sampled_from(SCORES), st.booleans(), st.integers(0, 100))
def test_the_order_of_edges_does_not_matter(graph, score, add_self_loops, seed):
    node_features, edges = graph
    layer = make_layer(score=score, add_self_loops=add_self_loops)
    shuffled = np.random.default_rng(seed).permutation(edges)
    np.testing.assert_allclose(
        run(layer, node_features, shuffled), run(layer, node_features, edges), atol=1e-6
    )


@given(graphs(), st.sampled_from(SCORES), st.booleans(), st.integers(0, 100))
def test_renumbered_nodes_give_renumbered_outputs(graph, score, add_self_loops, seed):
    node_features, edges = graph
    layer = make_layer(score=score, add_self_loops=add_self_loops)
    order = np.random.default_rng(seed).permutation(len(node_features))
    number = np.append(np.argsort(order), -1)  # Where each node went; padding stays padding.
    np.testing.assert_allclose(
        run(layer, node_features[order], number[edges]),
        run(layer, node_features, edges)[order],
        atol=1e-6,
    )


@given(graphs(), graphs(), st.sampled_from(SCORES), st.booleans())
def test_graphs_side_by_side_are_as_each_alone(first, second, score, add_self_loops):
    layer = make_layer(score=score, add_self_loops=add_self_loops)
    (nodes, edges), (other_nodes, other_edges) = first, second
    moved = np.where(other_edges < 0, -1, other_edges + len(nodes))
    together = run(layer, np.concatenate([nodes, other_nodes]), np.concatenate([edges, moved]))
    alone = [run(layer, *graph) for graph in (first, second)]
    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-6)


@given(graphs(), st.sampled_from(SCORES), st.booleans(), st.integers(1, 4))
def test_padded_edges_do_not_matter(graph, score, add_self_loops, extra):
    node_features, edges = graph
    layer = make_layer(score=score, add_self_loops=add_self_loops)
    real = edges[edges[:, 0] >= 0]
    for padding in ([-1, -1], [-1, 0], [0, -1]):
        padded = np.concatenate([edges, np.tile(padding, (extra, 1))])
        np.testing.assert_allclose(
            run(layer, node_features, padded), run(layer, node_features, real), atol=1e-6
        )


@pytest.mark.parametrize("score", SCORES)
def test_self_loops_that_are_there_are_not_doubled(score):
    layer = make_layer(score=score)
    with_loops = np.concatenate([EDGES, [[0, 0], [0, 0], [5, 5]]])
    np.testing.assert_allclose(run(layer, NODES, with_loops), run(layer, NODES, EDGES), atol=1e-6)
    kept = make_layer(score=score, add_self_loops=False)
    assert np.abs(run(kept, NODES, with_loops) - run(kept, NODES, EDGES)).max() > 0.01


@pytest.mark.parametrize("score", SCORES)
def test_an_isolated_node_gathers_itself_or_without_self_loops_zeros(score):
    weights = named_weights(make_layer(score=score, use_bias=False))
    outputs = run(make_layer(score=score, use_bias=False), NODES, EDGES)
    np.testing.assert_allclose(outputs[5], NODES[5] @ weights["value/kernel"], atol=1e-6)
    alone = make_layer(score=score, use_bias=False, add_self_loops=False)
    outputs, weights = run(alone, NODES, EDGES, return_attention_scores=True)
    assert np.all(outputs[[4, 5]] == 0.0)
    assert np.all(weights[5] == 0.0)  # The padded edge.


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(
    ("score", "add_self_loops"), [("gat", False), ("gatv2", True), ("dot", False)]
)
def test_padding_and_isolated_nodes_have_finite_gradients(score, add_self_loops, dtype):
    layer = make_layer(score=score, add_self_loops=add_self_loops, dtype=dtype)
    for edges in (EDGES, np.zeros((0, 2), "int32")):

        def loss(node_features=NODES, edges=edges):
            return keras.ops.sum(keras.ops.cast(layer(node_features, edges), "float32") ** 2)

        assert np.isfinite(run(layer, NODES, edges)).all()
        found = gradients(whole(loss), [NODES]) + weight_gradients(loss, layer.trainable_weights)
        for gradient in found:
            assert np.isfinite(gradient).all()


@pytest.mark.parametrize("score", SCORES)
def test_scores_of_any_size_keep_the_softmax_stable(score):
    layer = make_layer(score=score, add_self_loops=False)
    for scale in (1e3, 1e6):
        _, weights = run(layer, scale * NODES, EDGES, return_attention_scores=True)
        sums = np.zeros((6, HEADS))
        np.add.at(sums, EDGES[:, 1], weights)
        np.testing.assert_allclose(sums[[0, 1, 2, 3]], 1.0, atol=1e-5)


def test_a_node_of_many_edges_adds_up_in_float32():
    node_features = np.ones((3000, FEATURES), "float32")
    edges = np.stack([np.arange(3000), np.zeros(3000, int)], axis=1)
    outputs = [
        run(make_layer(dtype=dtype, use_bias=False), node_features, edges)[0]
        for dtype in ("mixed_float16", "mixed_bfloat16", "float32")
    ]
    np.testing.assert_allclose(outputs[0], outputs[2], rtol=5e-3, atol=5e-3)
    np.testing.assert_allclose(outputs[1], outputs[2], rtol=3e-2, atol=3e-2)


# === Options ===


def test_edges_and_features_are_dropped_in_training_only():
    nodes = vectors(60, FEATURES)
    edges = np.random.default_rng(0).integers(0, 60, (500, 2))
    layer = make_layer(edge_dropout=0.5, add_self_loops=False)
    kept = array(layer(nodes, edges, return_attention_scores=True)[1])
    dropped = array(layer(nodes, edges, return_attention_scores=True, training=True)[1])
    assert np.all(kept > 0.0)
    assert 0.4 < np.mean(dropped == 0.0) < 0.6
    np.testing.assert_allclose(dropped[dropped > 0], 2 * kept[dropped > 0], rtol=1e-5)

    layer = make_layer(feature_dropout=0.5, add_self_loops=False)
    np.testing.assert_array_equal(array(layer(nodes, edges)), array(layer(nodes, edges)))
    with_dropout = array(layer(nodes, edges, training=True))
    assert np.abs(with_dropout - array(layer(nodes, edges))).max() > 0.01


def test_the_activation_comes_last():
    plain, activated = make_layer(), make_layer(activation="relu")
    expected = np.maximum(run(plain, NODES, EDGES), 0)
    np.testing.assert_allclose(run(activated, NODES, EDGES), expected, atol=1e-6)


@pytest.mark.parametrize("score", SCORES)
def test_attention_scores_can_be_an_output_of_a_functional_model(score):
    nodes, edges = keras.Input((FEATURES,)), keras.Input((2,), dtype="int32")
    layer = make_layer(score=score)
    model = keras.Model([nodes, edges], layer(nodes, edges, return_attention_scores=True))
    outputs, weights = model([NODES, EDGES])
    expected, expected_weights = layer(NODES, EDGES, return_attention_scores=True)
    np.testing.assert_allclose(array(outputs), array(expected), atol=1e-6)
    np.testing.assert_allclose(array(weights), array(expected_weights), atol=1e-6)


def test_arguments_without_meaning_are_refused():
    with pytest.raises(ValueError, match="`units`, expected a positive integer"):
        GraphAttention(0)
    with pytest.raises(ValueError, match="`num_heads`, expected a positive integer"):
        GraphAttention(4, num_heads=0)
    with pytest.raises(ValueError, match=r"`score`, expected one of .*'gatv2'.*score='gat3'"):
        GraphAttention(4, score="gat3")
    with pytest.raises(ValueError, match=r"`negative_slope`, expected a number in \[0, 1\]"):
        GraphAttention(4, negative_slope=-1)
    with pytest.raises(ValueError, match="`rate`"):
        GraphAttention(4, edge_dropout=1.5)


def test_a_batch_of_graphs_that_is_not_joined_is_refused():
    with pytest.raises(ValueError, match="join the graphs of a batch into one"):
        GraphAttention(4)(vectors(2, 6, FEATURES), np.zeros((2, 3, 2), "int32"))
    with pytest.raises(ValueError, match=r"edges \(edges, 2\)"):
        GraphAttention(4)(NODES, np.zeros((2, 9), "int32"))


# === Export ===


@needs_tensorflow
@pytest.mark.parametrize("score", SCORES)
def test_both_exports_agree_for_any_number_of_nodes_and_edges(score, tmp_path):
    nodes = keras.Input((FEATURES,), name="node_features")
    edges = keras.Input((2,), dtype="int32", name="edges")
    layer = make_layer(score=score, add_self_loops=score != "gat")
    model = keras.Model([nodes, edges], list(layer(nodes, edges, return_attention_scores=True)))
    rng = np.random.default_rng(0)
    feeds = []
    for count, num_edges in ((1, 0), (5, 9), (40, 200)):
        pairs = rng.integers(0, count, (num_edges, 2))
        pairs[rng.random(num_edges) < 0.2] = -1
        feeds.append({"node_features": vectors(count, FEATURES), "edges": pairs.astype("int32")})
    assert_exports_agree(
        model,
        {"node_features": ("nodes", FEATURES), "edges": ("edges", 2)},
        {"output_0": ("nodes", HEADS * UNITS), "output_1": ("weights", HEADS)},
        feeds,
        tmp_path,
        atol=1e-5,
    )
