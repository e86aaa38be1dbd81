"""Graphs from the files of others, and the errors that name what is wrong in them."""

import collections
import os
import pickle

import numpy as np
import pytest

from attnzoo import training, zoo

from . import graph_files
from .graph_files import NODES, write_planetoid, write_records, write_tables, write_tu


def load(spec, **kwargs):
    return training.load_data(spec, "graph_classification", verbose=False, **kwargs)


def only_graph(split):
    (graph,) = split.inputs()
    return graph


def pairs(graph):
    return set(map(tuple, graph.edges.tolist()))


# === The karate club ===


def test_the_demo_is_the_karate_club():
    data = load("demo")
    graph = only_graph(data.train)
    assert graph.node_features.shape == (34, 34)
    assert len(graph.edges) == 2 * 78
    assert data.label_names == ["Mr. Hi", "Officer"]
    splits = (data.train, data.validation, data.test)
    assert [len(split.flat_labels) for split in splits] == [8, 8, 18]
    labelled = np.stack([split.labels[0] >= 0 for split in splits])
    assert (labelled.sum(axis=0) == 1).all(), "every member is of one split"
    # The instructor is member 1, the administrator member 34 (Zachary, 1977, table 3).
    side = np.max([split.labels[0] for split in splits], axis=0)
    assert (side[0], side[33]) == (0, 1)
    degrees = np.bincount(graph.edges[:, 1])
    assert (degrees[0], degrees[33]) == (16, 17)


# === Planetoid ===


def test_planetoid_is_read_with_its_fixed_split(tmp_path):
    features, labels, links = write_planetoid(tmp_path)
    data = load(tmp_path)
    graph = only_graph(data.train)
    np.testing.assert_array_equal(graph.node_features, features)
    both_ways = {(int(a), int(b)) for a, b in links} | {(int(b), int(a)) for a, b in links}
    assert pairs(graph) == both_ways
    assert len(graph.edges) == len(both_ways), "each once"
    rows = {"train": range(4), "validation": range(4, 504), "test": [600, 601, 602]}
    for split, nodes in rows.items():
        expected = np.full(603, -1)
        expected[list(nodes)] = labels[list(nodes)]
        np.testing.assert_array_equal(data.split(split).labels[0], expected)


class Attack:
    """Runs a command when it is unpickled by anyone who trusts pickles."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("part", ["x", "graph", "ally"])
def test_a_pickle_that_wants_to_run_code_is_refused_and_runs_nothing(tmp_path, part):
    marker = tmp_path / "was_here"
    attack = Attack(f"touch {marker}")
    pickle.loads(pickle.dumps(attack))
    assert marker.exists(), "the attack works on those who trust it"
    marker.unlink()
    folder = tmp_path / "data"
    write_planetoid(folder, replaced={part: attack})
    with pytest.raises(training.DataError, match=rf"ind\.toy\.{part}.*runs code.*system"):
        load(folder)
    assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [b"cbuiltins\neval\n(S'1'\ntR.", b"cos\nsystem\n.", b"", b"\x80\x02", b"not a pickle"],
    ids=["eval", "system", "empty", "cut", "text"],
)
def test_a_damaged_or_foreign_pickle_is_a_data_error_that_names_it(tmp_path, content):
    write_planetoid(tmp_path)
    (tmp_path / "ind.toy.tx").write_bytes(content)
    with pytest.raises(training.DataError, match=r"ind\.toy\.tx"):
        load(tmp_path)


def test_a_missing_file_of_planetoid_is_named(tmp_path):
    write_planetoid(tmp_path)
    (tmp_path / "ind.toy.ty").unlink()
    with pytest.raises(training.DataError, match=r"Expected ind\.toy\.ty in"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"graph": collections.defaultdict(list, {0: [603]})}, r"0 to 602 .*\(0, 603\)"),
        ({"graph": [1]}, "dict from node"),
        ({"y": np.zeros((4, 2)), "ally": np.zeros((600, 2))}, "one label for node 0"),
        ({"tx": np.zeros((2, 3))}, "each of 3 test nodes"),
        ({"allx": np.zeros((500, 3))}, "as many labels as nodes|test nodes"),
        ({"x": np.zeros(3)}, "a matrix"),
    ],
)
def test_files_of_planetoid_that_disagree_are_refused(tmp_path, replaced, message):
    write_planetoid(tmp_path, replaced=replaced)
    with pytest.raises(training.DataError, match=message):
        load(tmp_path)


# === TU ===


def test_tu_graphs_have_labels_attributes_and_degrees_for_features(tmp_path):
    write_tu(tmp_path)
    split = training.load_split(tmp_path, ["-1", "1"], task="graph_classification")
    first, second = split.inputs()
    assert split.labels.tolist() == [1, 0]
    assert first.node_features.tolist() == [
        [1, 0, 0, 0.5, 1, 1],
        [0, 1, 0, 0, 0, 2],
        [0, 1, 0, 1, 2, 1],
    ]
    assert pairs(first) == {(0, 1), (1, 0), (1, 2), (2, 1)}
    assert second.node_features.tolist() == [[1, 0, 0, 3, 4, 1], [0, 0, 1, 5, 6, 1]]
    assert pairs(second) == {(0, 1), (1, 0)}


def test_tu_graphs_without_labels_or_attributes_of_nodes_have_degrees(tmp_path):
    write_tu(tmp_path, node_labels=None, node_attributes=None)
    split = training.load_split(tmp_path, ["-1", "1"], task="graph_classification")
    assert next(split.inputs()).node_features.tolist() == [[1], [2], [1]]


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"A": "1, 2\n6, 1\n"}, r"nodes 1 to 5\. Received: \[6, 1\] in .*TOY_A\.txt, line 2"),
        ({"A": "1, 2\n0, 1\n"}, r"Received: \[0, 1\] in .*TOY_A\.txt, line 2"),
        ({"A": "1, 2\n3, 4\n"}, r"from graph 1 to graph 2 in .*TOY_A\.txt, line 2"),
        ({"A": "1, 2\n3\n"}, r"2 integers in .*TOY_A\.txt, line 2. Received: '3'"),
        ({"A": "1, x\n"}, r"TOY_A\.txt, line 1"),
        ({"A": ""}, "the file is empty"),
        ({"graph_indicator": "1\n1\n2\n1\n2\n"}, r"graph_indicator\.txt.*1 in line 4"),
        ({"graph_indicator": "1\n1\n1\n3\n3\n"}, "Received: 3 in line 4"),
        ({"graph_labels": "1\n"}, r"2 lines in .*TOY_graph_labels\.txt, one for each graph"),
        ({"graph_labels": None}, r"Expected TOY_graph_labels\.txt in"),
        ({"node_labels": "1\n"}, r"5 lines in .*node_labels\.txt, one for each node"),
        ({"node_attributes": "a\n"}, r"1 number in .*node_attributes\.txt, line 1.*'a'"),
    ],
)
def test_what_is_wrong_in_files_of_tu_is_named(tmp_path, replaced, message):
    write_tu(tmp_path, **replaced)
    with pytest.raises(training.DataError, match=message):
        load(tmp_path)


# === Tables of nodes and edges ===


def test_tables_give_one_graph_whose_links_go_both_ways(tmp_path):
    write_tables(tmp_path)
    split = training.load_split(tmp_path, ["x", "y"], task="graph_classification")
    graph = only_graph(split)
    assert graph.node_features.tolist() == [[1, 0.5], [0, 1], [0, 2], [1, 3]]
    assert pairs(graph) == {(0, 1), (1, 0), (1, 2), (2, 1)}
    assert split.labels[0].tolist() == [0, 1, 0, 1]


def test_without_features_each_node_has_one_of_its_own(tmp_path):
    write_tables(tmp_path, "name,label\na,x\nb,y\nc,x\nd,y\n")
    data = load(tmp_path, validation_split=0.4)
    assert only_graph(data.train).node_features.tolist() == np.eye(4).tolist()


def test_without_a_split_some_nodes_of_every_label_are_held_out(tmp_path):
    rows = "".join(f"{i},{'xy'[i % 2]}\n" for i in range(40))
    data = load(write_tables(tmp_path, f"name,label\n{rows}", "a,b\n0,1\n"))
    train, validation = data.train.labels[0], data.validation.labels[0]
    assert ((train >= 0) ^ (validation >= 0)).all()
    assert np.bincount(data.validation.flat_labels).tolist() == [2, 2]
    assert only_graph(data.train) is not None
    again = load(tmp_path)
    np.testing.assert_array_equal(again.validation.labels[0], validation)


def test_a_column_of_splits_decides_and_nodes_of_none_need_no_label(tmp_path):
    nodes = "name,label,split\na,x,train\nb,y,train\nc,x,dev\nd,,\n"
    data = load(write_tables(tmp_path, nodes))
    assert data.train.labels[0].tolist() == [0, 1, -1, -1]
    assert data.validation.labels[0].tolist() == [-1, -1, 0, -1]
    assert data.test is None


def test_edges_may_be_none(tmp_path):
    data = load(write_tables(tmp_path, edges="from,to\n"), validation_split=0.4)
    assert only_graph(data.train).edges.shape == (0, 2)


@pytest.mark.parametrize(
    ("nodes", "edges", "message"),
    [
        (NODES, "from,to\na,b\na,z\n", r"node 'z' in .*edges\.csv, line 3"),
        (NODES + "b,1,x,1\n", "f,t\na,b\n", r"'b' again in .*nodes\.csv, line 6"),
        (NODES + "e,1,,1\n", "f,t\na,b\n", r"label for node 'e' in .*nodes\.csv, line 6"),
        (NODES + "e,big,x,1\n", "f,t\na,b\n", r"column 'colour' of .*nodes\.csv, line 6.*'big'"),
        (NODES + "e,inf,x,1\n", "f,t\na,b\n", r"column 'colour'.*'inf'"),
        (NODES + "e,1,x\n", "f,t\na,b\n", r"3 fields in .*nodes\.csv, line 6"),
        (NODES, "from\na\n", r"two columns at least in .*edges\.csv"),
        ("name,size\na,1\nb,2\n", "f,t\na,b\n", "name it by `label_column`"),
        ("name,label\n", "f,t\n", r"nodes below the header of .*nodes\.csv"),
        ("", "f,t\n", "the file is empty"),
        ("name,label,split\na,x,third\n", "f,t\n", r"nodes\.csv, line 2.*'third'"),
    ],
)
def test_what_is_wrong_in_tables_is_named(tmp_path, nodes, edges, message):
    write_tables(tmp_path, nodes, edges)
    with pytest.raises(training.DataError, match=message):
        load(tmp_path)


# === One graph on each line ===


def test_graphs_on_lines_have_one_label_or_one_for_each_node(tmp_path):
    one = {"node_features": [[1.0], [2.0]], "edges": [[0, 1]]}
    path = write_records(
        tmp_path / "g.jsonl", [{**one, "labels": ["x", None]}, {**one, "labels": ["y", "x"]}] * 5
    )
    data = load(path)
    assert {len(split.labels) for split in (data.train, data.validation)} == {9, 1}
    assert sorted(data.train.flat_labels.tolist()) in ([0] * 9 + [1] * 5, [0] * 9 + [1] * 4)
    path = write_records(tmp_path / "g.jsonl", graph_files.toy_graphs(20))
    data = load(path)
    assert data.label_names == ["ring", "star"]
    assert np.bincount(data.validation.labels).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"node_features": [[1.0]], "label": "x"}, r"\['edges'\] in .*g\.jsonl, line 2"),
        ({"node_features": [[1.0]], "edges": [[0, 1]], "label": "x"}, r"line 2: Expected edges"),
        ({"node_features": [["a"]], "edges": [], "label": "x"}, r"line 2: .*numbers"),
        ({"node_features": [[1.0]], "edges": []}, r"either `label`.*line 2"),
        (
            {"node_features": [[1.0]], "edges": [], "labels": ["x", "y"]},
            r"list of 1 labels.*line 2",
        ),
        ({"node_features": [[1.0]], "edges": [], "label": {}}, "plain label"),
        ({"node_features": [[1.0, 2.0]], "edges": [], "label": "x"}, "1 features.*2 at .*line 2"),
    ],
)
def test_what_is_wrong_in_a_line_is_named(tmp_path, record, message):
    first = {"node_features": [[1.0]], "edges": [], "label": "y"}
    path = write_records(tmp_path / "g.jsonl", [first, record])
    with pytest.raises(training.DataError, match=message):
        load(path)


@pytest.mark.parametrize("name", ["nowhere", "empty", "notes.txt"])
def test_where_no_graphs_are_the_forms_are_listed(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("a")
    with pytest.raises(training.DataError, match=r'Expected "demo", a \.jsonl file'):
        load(tmp_path / name)


def test_graphs_are_read_without_labels_to_predict_on(tmp_path):
    from attnzoo.training.sources import read_graphs

    write_tu(tmp_path / "tu", graph_labels=None)
    write_tables(tmp_path / "tables", "name,size\na,1\nb,2\nc,3\n", "f,t\na,b\n")
    bare = {"node_features": [[1.0]], "edges": []}
    found = {
        "tu": list(read_graphs(tmp_path / "tu")),
        "tables": list(read_graphs(tmp_path / "tables")),
        "lines": list(read_graphs(write_records(tmp_path / "g.jsonl", [bare] * 3))),
    }
    assert {name: len(graphs) for name, graphs in found.items()} == {
        "tu": 2,
        "tables": 1,
        "lines": 3,
    }
    assert all(isinstance(graph, zoo.Graph) for graphs in found.values() for graph in graphs)
