"""Small data sets of graphs, written as others write them."""

import collections
import json
import pickle

import numpy as np
from scipy.sparse import csr_matrix

# 8 known nodes of 3 features, 4 of them to learn from, 600 to fill up, and 3 test nodes.
KNOWN, TRAIN, TEST = 600, 4, [601, 600, 602]


def write_planetoid(folder, name="toy", replaced=()):
    """Writes `ind.toy.x` and the others; returns the features, labels and links they hold."""
    folder.mkdir(exist_ok=True)
    generator = np.random.default_rng(0)
    count = KNOWN + len(TEST)
    features = (generator.random((count, 3)) < 0.5).astype("float32")
    labels = generator.integers(0, 2, count)
    one_hot = np.eye(2, dtype="int32")[labels]
    links = generator.integers(0, count, (900, 2))
    neighbours = collections.defaultdict(list)
    for node, other in links.tolist():
        neighbours[node].append(other)
    parts = {
        "x": csr_matrix(features[:TRAIN]),
        "y": one_hot[:TRAIN],
        "allx": csr_matrix(features[:KNOWN]),
        "ally": one_hot[:KNOWN],
        "tx": csr_matrix(features[TEST]),
        "ty": one_hot[TEST],
        "graph": neighbours,
        **dict(replaced),
    }
    for part, value in parts.items():
        (folder / f"ind.{name}.{part}").write_bytes(pickle.dumps(value, protocol=4))
    (folder / f"ind.{name}.test.index").write_text("".join(f"{node}\n" for node in TEST))
    return features, labels, links


TU_FILES = {
    # Two graphs: a triangle of three nodes, and two nodes with one edge.
    "A": "1, 2\n2, 1\n2, 3\n3, 2\n4, 5\n5, 4\n",
    "graph_indicator": "1\n1\n1\n2\n2\n",
    "graph_labels": "1\n-1\n",
    "node_labels": "0\n2\n2\n0\n5\n",
    "node_attributes": "0.5, 1\n0, 0\n1, 2\n3, 4\n5, 6\n",
}


def write_tu(folder, **replaced):
    """Writes `TOY_A.txt` and the others; None leaves a file out."""
    folder.mkdir(exist_ok=True)
    for part, text in {**TU_FILES, **replaced}.items():
        if text is not None:
            (folder / f"TOY_{part}.txt").write_text(text)
    return folder


NODES = "name,colour,label,size\na,1,x,0.5\nb,0,y,1\nc,0,x,2\nd,1,y,3\n"
EDGES = "from,to\na,b\nb,c\nb,a\n"


def write_tables(folder, nodes=NODES, edges=EDGES):
    """Writes `nodes.csv` and `edges.csv`."""
    folder.mkdir(exist_ok=True)
    (folder / "nodes.csv").write_text(nodes)
    (folder / "edges.csv").write_text(edges)
    return folder


def toy_graphs(count=60, seed=0):
    """Rings and stars of several sizes, whose only feature is the number of neighbours."""
    generator = np.random.default_rng(seed)
    records = []
    for index in range(count):
        size = int(generator.integers(4, 10))
        ring = index % 2 == 0
        pairs = [(node, (node + 1) % size) if ring else (0, node) for node in range(not ring, size)]
        edges = [[int(a), int(b)] for a, b in pairs] + [[int(b), int(a)] for a, b in pairs]
        degree = np.bincount([target for _, target in edges], minlength=size)
        records.append(
            {
                "node_features": degree[:, None].astype(float).tolist(),
                "edges": edges,
                "label": "ring" if ring else "star",
            }
        )
    return records


def write_records(path, records):
    """Writes one JSON object a line, and returns the path."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path
