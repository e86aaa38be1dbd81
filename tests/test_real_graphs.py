"""Cora, PROTEINS and the karate club as others published them; runs where the shared data are."""

from pathlib import Path

import numpy as np
import pytest

from attnzoo import training

DATA = Path(__file__).parents[2] / "shared" / "data"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"there is no {DATA}"),
]


def load(name, **kwargs):
    return training.load_data(DATA / name, "graph_classification", verbose=False, **kwargs)


def test_cora_has_the_published_nodes_links_and_split():
    data = load("planetoid_cora")
    graph = next(data.train.inputs())
    assert graph.node_features.shape == (2708, 1433)
    assert len(graph.edges) == 2 * 5278
    assert set(np.unique(graph.node_features)) == {0, 1}
    splits = (data.train, data.validation, data.test)
    assert [len(split.flat_labels) for split in splits] == [140, 500, 1000]
    assert np.bincount(data.train.flat_labels).tolist() == [20] * 7


def test_proteins_has_the_published_graphs():
    split = training.load_split(DATA / "tu_proteins", ["1", "2"], task="graph_classification")
    graphs = list(split.inputs())
    assert np.bincount(split.labels).tolist() == [663, 450]
    assert sum(len(graph.node_features) for graph in graphs) == 43471
    assert sum(len(graph.edges) for graph in graphs) == 162088
    for graph in graphs:
        assert (graph.node_features[:, :3].sum(axis=1) == 1).all()


def test_the_demo_is_the_karate_club_that_others_have():
    theirs = next(load("karate_club").train.inputs())
    ours = next(training.load_data("demo", "graph_classification", verbose=False).train.inputs())
    np.testing.assert_array_equal(ours.edges, theirs.edges)
