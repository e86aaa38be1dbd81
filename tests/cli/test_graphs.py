"""The verbs on a graph, from training to the exported file."""

import json

import pytest

from ..training.graph_files import toy_graphs, write_records
from .conftest import Made, captured


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphs") / "run"
    arguments = ("train", "graph_classifier/tiny", "--data", "demo", "--recipe", "demo")
    return Made(folder, captured(*arguments, "--out", folder, "--set", "epochs=2"))


@pytest.fixture(scope="module")
def dist(run):
    folder = run.folder.with_name("dist")
    return Made(folder, captured("export", run, "--out", folder))


@pytest.fixture
def club(tmp_path):
    """The karate club as a line of JSON without labels."""
    from attnzoo import training

    data = training.load_data("demo", "graph_classification", verbose=False)
    graph = next(data.train.inputs())
    record = {"node_features": graph.node_features.tolist(), "edges": graph.edges.tolist()}
    return write_records(tmp_path / "club.jsonl", [record])


def test_training_says_what_to_do_next(run):
    assert run.result.code == 0, run.result.err
    assert f"predict {run} --input graphs.jsonl" in run.result.out


def test_the_export_is_verified(attnzoo, dist):
    assert dist.result.code == 0, dist.result.err
    assert attnzoo("verify", dist).code == 0
    names = {
        tensor["name"] for tensor in json.loads(attnzoo("describe", dist, "--json").out)["inputs"]
    }
    assert names == {"node_features", "edges", "num_nodes"}


def test_every_form_of_the_model_labels_the_same_nodes(attnzoo, run, dist, club):
    forms = (run, dist, dist.folder / "savedmodel" / "1")
    answers = [attnzoo("predict", form, "--input", club) for form in forms]
    assert [answer.code for answer in answers] == [0, 0, 0]
    assert len(answers[0].lines) == 34 + 1
    labels = [[line.split("\t")[:2] for line in answer.lines[:-1]] for answer in answers]
    assert labels[0] == labels[1] == labels[2]
    assert [index for index, _ in labels[0]] == [str(node) for node in range(34)]


def test_json_has_every_probability(attnzoo, dist, club):
    (line,) = attnzoo("predict", dist, "--input", club, "--json").lines
    nodes = json.loads(line)["nodes"]
    assert len(nodes) == 34
    for node in nodes:
        assert sum(node["probabilities"].values()) == pytest.approx(1.0)


def test_the_test_nodes_are_evaluated(attnzoo, run, dist):
    found = [
        json.loads(attnzoo("evaluate", m, "--data", "demo", "--json").out) for m in (run, dist)
    ]
    assert found[0]["rows"] == 18
    assert found[0]["confusion"] == found[1]["confusion"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a text"], "to be a `zoo.Graph`"),
        (["--input", "rings.jsonl"], "with 34 features for each node"),
        (["--input", "nothing.jsonl"], "nothing is there"),
        (["--input", "broken.jsonl"], "broken.jsonl, line 1"),
    ],
)
def test_what_is_no_graph_of_its_kind_is_an_error(
    attnzoo, run, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "rings.jsonl", toy_graphs(2))
    write_records(tmp_path / "broken.jsonl", [{"node_features": [[1.0]], "edges": [[0, 9]]}])
    result = attnzoo("predict", run, *arguments)
    assert result.code == 1
    assert message in result.err


def test_labels_of_graphs_need_a_readout_and_the_error_says_how(attnzoo, tmp_path):
    data = write_records(tmp_path / "rings.jsonl", toy_graphs(20))
    arguments = ("train", "graph_classifier/tiny", "--data", data, "--out", tmp_path / "run")
    result = attnzoo(*arguments)
    assert result.code == 1
    assert "--set readout=mean" in result.err
    settings = ("--set", "readout=mean", "--set", "epochs=1")
    assert attnzoo(*arguments, *settings).code == 0
    answer = attnzoo("predict", tmp_path / "run", "--input", data)
    assert len(answer.lines) == 20
    assert answer.lines[0].split("\t")[2].startswith("Graph(")
