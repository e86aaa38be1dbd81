"""What is particular to graphs; the rest is in `test_every_model`."""

import keras
import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.zoo.tasks import get_task

from .small_models import logits_of, sample, small_model

READOUTS = [None, "mean", "sum", "log_sum", "max", "attention"]
SIZES = [5, 3, 1, 0]


@pytest.fixture(scope="module")
def models():
    """A small model with each readout, not changed by any test."""
    return {readout: small_model("graph_classifier", readout=readout) for readout in READOUTS}


each_readout = pytest.mark.parametrize("readout", READOUTS)


@each_readout
def test_a_label_for_each_node_or_for_each_graph(models, readout):
    tensors = sample(models[readout], SIZES)
    expected = (4, 5, 2) if readout is None else (4, 2)
    assert logits_of(models[readout], tensors).shape == expected


@each_readout
def test_padded_nodes_and_edges_change_nothing(models, readout):
    model = models[readout]
    tensors = sample(model, SIZES)
    task, config = get_task("graph_classification"), zoo.config_of(model)
    filled = task.fill_padding(config, tensors, np.random.default_rng(0))
    assert (filled["edges"] != tensors["edges"]).any()
    assert (filled["node_features"] != tensors["node_features"]).any()
    np.testing.assert_array_equal(logits_of(model, filled), logits_of(model, tensors))


@each_readout
def test_an_edge_does_not_reach_into_the_next_graph(models, readout):
    tensors = sample(models[readout], [3, 3])
    expected = logits_of(models[readout], tensors)
    more = np.array([[[4, 0], [1, 3]], [[-3, 0], [0, 7]]], "int32")
    tensors["edges"] = np.concatenate([tensors["edges"], more], axis=1)
    np.testing.assert_allclose(logits_of(models[readout], tensors), expected, atol=1e-6)


@each_readout
def test_renumbered_nodes_give_renumbered_or_the_same_answers(models, readout):
    model = models[readout]
    tensors = sample(model, [7])
    order = np.random.default_rng(0).permutation(7)
    renumbered = {
        "node_features": tensors["node_features"][:, order],
        "edges": np.argsort(order)[tensors["edges"]].astype("int32"),
        "num_nodes": tensors["num_nodes"],
    }
    expected = logits_of(model, tensors)
    expected = expected[:, order] if readout is None else expected
    np.testing.assert_allclose(logits_of(model, renumbered), expected, atol=1e-5)


@each_readout
def test_graphs_without_edges_and_with_doubles_and_self_loops_are_answered(models, readout):
    model = models[readout]
    bare = sample(model, [4], num_edges=0)
    assert bare["edges"].shape == (1, 0, 2)
    loops = {**bare, "edges": np.array([[[0, 0], [3, 3], [3, 3]]], "int32")}
    np.testing.assert_allclose(logits_of(model, loops), logits_of(model, bare), atol=1e-6)
    doubled = {**bare, "edges": np.array([[[0, 1], [0, 1]]], "int32")}
    assert np.isfinite(logits_of(model, doubled)).all()
    assert not np.allclose(logits_of(model, doubled), logits_of(model, bare))


def test_a_node_hears_of_others_only_along_edges():
    model = small_model("graph_classifier", num_layers=1)
    tensors = sample(model, [4], num_edges=0)
    tensors["edges"] = np.array([[[0, 1], [1, 2], [2, 3]]], "int32")
    changed = {**tensors, "node_features": tensors["node_features"].copy()}
    changed["node_features"][0, 0] += 1
    moved = np.abs(logits_of(model, changed) - logits_of(model, tensors)).max(-1)[0] > 1e-6
    # One layer and the one that gives the logits: two steps along the edges.
    assert moved.tolist() == [True, True, True, False]


def test_features_may_be_given_as_counts():
    model = small_model("graph_classifier", normalize_features=True)
    tensors = sample(model, [3])
    scaled = {**tensors, "node_features": 100 * tensors["node_features"]}
    np.testing.assert_allclose(logits_of(model, scaled), logits_of(model, tensors), atol=1e-5)


@pytest.mark.parametrize("score", ["gat", "gatv2", "dot"])
@pytest.mark.parametrize("residual", [False, True])
def test_every_score_builds_with_and_without_residual(score, residual):
    model = small_model("graph_classifier", score=score, residual=residual)
    assert np.isfinite(logits_of(model, sample(model, SIZES))).all()


@pytest.mark.parametrize("wrong", [{"score": "additive"}, {"readout": "median"}], ids=str)
def test_unknown_kinds_are_refused(wrong):
    with pytest.raises(ValueError, match="expected one of"):
        zoo.get_config("graph_classifier").replace(**wrong)


# === Graphs and pipelines ===


def graph(nodes=3, edges=((0, 1), (1, 2)), features=16):
    return zoo.Graph(np.random.default_rng(nodes).normal(size=(nodes, features)), edges)


def pipeline_of(readout):
    task = get_task("graph_classification")
    model = small_model("graph_classifier", readout=readout)
    return zoo.Pipeline(model, task.load_preprocessor(None, zoo.config_of(model)), ["no", "yes"])


@pytest.mark.parametrize(
    ("features", "edges", "message"),
    [
        ([[1.0]], [[0, 1]], r"between the nodes 0 to 0\. Received: \[0, 1\] as edge 0"),
        ([[1.0], [2.0]], [[0, 1], [-1, -1]], r"Received: \[-1, -1\] as edge 1"),
        ([[1.0], [np.nan]], [], "finite number.*feature 0 of node 1"),
        ([["a"]], [], "to be numbers"),
        ([[1.0], [1.0, 2.0]], [], "rows of one length"),
        ([], [], "of one node and one feature at least"),
        ([1.0, 2.0], [], r"Received: shape \(2,\)"),
        ([[1.0]], [[0, 0, 0]], "each a source and a target"),
        ([[1.0]], [[0.0, 0.0]], "to be integers"),
    ],
)
def test_what_is_no_graph_is_refused(features, edges, message):
    with pytest.raises(ValueError, match=message):
        zoo.Graph(features, edges)


def test_nodes_or_graphs_are_labelled_in_their_order():
    graphs = [graph(nodes) for nodes in (9, 3, 30, 4)] * 5
    of_nodes = pipeline_of(None)
    answers = of_nodes(graphs, batch_size=3)
    assert [len(answer.nodes) for answer in answers] == [9, 3, 30, 4] * 5
    for single, answer in zip(graphs, answers, strict=True):
        (alone,) = of_nodes(single)
        assert alone.labels == answer.labels
        expected = [node.probability for node in alone.nodes]
        assert [n.probability for n in answer.nodes] == pytest.approx(expected, abs=1e-5)
    assert all(isinstance(answer, zoo.Prediction) for answer in pipeline_of("mean")(graphs))


def test_a_graph_may_be_given_as_a_dict():
    pipeline, one = pipeline_of("sum"), graph()
    as_dict = {"node_features": one.node_features.tolist(), "edges": one.edges.tolist()}
    assert pipeline(as_dict) == pipeline([one])


@pytest.mark.parametrize("wrong", ["text", 3, {"node_features": [[1.0]]}], ids=repr)
def test_what_is_no_graph_is_named(wrong):
    with pytest.raises(ValueError, match=r"to be a `zoo\.Graph`"):
        pipeline_of(None)([wrong])


def test_another_number_of_features_is_refused():
    with pytest.raises(ValueError, match=r"with 16 features.*of 3 features"):
        pipeline_of(None)([graph(features=3)])


@pytest.mark.parametrize("readout", [None, "attention"])
def test_a_saved_pipeline_answers_as_before(tmp_path, readout):
    pipeline = pipeline_of(readout)
    pipeline.save(tmp_path / "run")
    assert not (tmp_path / "run" / "tokenizer.json").exists()
    assert zoo.load(tmp_path / "run")([graph()]) == pipeline([graph()])


def test_other_labels_get_a_new_head_and_keep_the_rest():
    from attnzoo.zoo.builder import rebuild

    model = small_model("graph_classifier")
    renewed = rebuild(model, new_head=True)
    for old, new in zip(model.layers, renewed.layers, strict=True):
        for weight, other in zip(old.get_weights(), new.get_weights(), strict=True):
            assert np.array_equal(weight, other) == (old.name != "logits")
    keras.backend.clear_session()
