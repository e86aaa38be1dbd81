"""Graph classification: a graph in, one label for each of its nodes or for the whole out."""

from typing import ClassVar

import numpy as np

from ..prediction import LabelledNodes
from .classification import prediction_from_probabilities
from .interface import BATCH_SIZES, LENGTHS, SampleInputs, TensorSpec, softmax

_LARGEST = 40
# Edges for each node in random graphs.
_DEGREE = 3


class GraphClassification:
    """Nodes and edges go in as they are; the logits become a label a node, or one a graph."""

    name = "graph_classification"
    raw_input = "graph"
    # A graph is tensors already, so no signature is there for anything rawer.
    served_kind = None
    # Everything that the preprocessor needs is in the configuration.
    preprocessor_files = ()
    command_example = "--input graphs.jsonl"
    # How a client without our code makes an artefact's tensors of one graph.
    client_example = (
        "import numpy",
        "_, _, features = session.get_inputs()[0].shape",
        'node_features = numpy.ones((1, 3, features), "float32")',
        'edges = numpy.array([[[0, 1], [1, 0], [1, 2]]], "int32")',
        'num_nodes = numpy.array([3], "int32")',
    )
    masks: ClassVar = {}

    def raw_samples(self, config):
        """Returns none, as a graph is tensors already."""
        return ()

    def inputs(self, config):
        """Returns the tensors that an artefact takes."""
        return (
            TensorSpec(
                "node_features",
                "float32",
                ("graphs", "nodes", config.num_features),
                "features of each node, padded",
            ),
            TensorSpec(
                "edges",
                "int32",
                ("graphs", "edges", 2),
                "source and target of each edge; -1 = no edge",
                padding=-1,
            ),
            TensorSpec("num_nodes", "int32", ("graphs",), "number of real nodes of each graph"),
        )

    def outputs(self, config):
        """Returns the tensors that an artefact returns (`label`: an index into the labels)."""
        labelled = ("graphs",) if config.readout else ("graphs", "nodes")
        if config.num_classes == 0:
            return (TensorSpec("embedding", "float32", (*labelled, config.hidden_dim)),)
        return (
            TensorSpec("logits", "float32", (*labelled, config.num_classes)),
            TensorSpec("probabilities", "float32", (*labelled, config.num_classes)),
            TensorSpec("label", "int64", labelled, "index into `labels.txt`"),
        )

    def sample(self, config, lengths, seed=0, length=None, num_edges=None):
        """Returns random graphs of these numbers of nodes, padded with zeros and -1.

        Self-loops and edges that are there twice are among the edges.

        Args:
            config: The model's configuration.
            lengths: Number of nodes of each graph; 0 makes a graph that is all padding.
            seed: Seed of features and edges. Defaults to 0.
            length: Padded number of nodes. Defaults to None (the largest graph's, at least 1).
            num_edges: Padded number of edges. Defaults to None (three for each node).

        Returns:
            Dict `node_features (graphs, nodes, features)` float32, `edges (graphs, edges, 2)` and
            `num_nodes (graphs,)`, both int32.
        """
        generator = np.random.default_rng(seed)
        num_nodes = np.asarray(lengths, "int32")
        length = length or max(1, int(num_nodes.max(initial=0)))
        num_edges = _DEGREE * length if num_edges is None else num_edges
        is_node = np.arange(length) < num_nodes[:, None]
        features = generator.random((*is_node.shape, config.num_features), "float32")
        edges = generator.integers(
            0, np.maximum(num_nodes, 1)[:, None, None], (len(num_nodes), num_edges, 2)
        )
        is_edge = np.arange(num_edges) < _DEGREE * num_nodes[:, None]
        return {
            "node_features": features * is_node[:, :, None],
            "edges": np.where(is_edge[:, :, None], edges, -1).astype("int32"),
            "num_nodes": num_nodes,
        }

    def fill_padding(self, config, inputs, generator):
        """Returns a copy whose padding holds any finite numbers, which must change nothing.

        A padded edge keeps one negative number, which makes it one, or leads to a node that its
        graph does not have.
        """
        features, edges = inputs["node_features"].copy(), inputs["edges"].copy()
        num_nodes = inputs["num_nodes"][:, None]
        padding = np.arange(features.shape[1]) >= num_nodes
        features[padding] = 1e9 * generator.normal(size=(padding.sum(), features.shape[2]))
        no_edge = (edges < 0).any(axis=-1)
        ends = generator.integers(-3, features.shape[1] + 3, edges.shape)
        away = np.where(generator.random(no_edge.shape) < 0.5, -1, num_nodes)
        which = generator.integers(0, 2, no_edge.shape)
        np.put_along_axis(ends, which[..., None], away[..., None], axis=-1)
        edges[no_edge] = ends[no_edge]
        return {**inputs, "node_features": features, "edges": edges}

    def samples(self, config, generator):
        """Yields the `SampleInputs` that an artefact is verified by.

        Every number of graphs with every number of nodes, without edges and with them; with graphs
        of other sizes beside, one of them all padding.
        """
        for graphs in BATCH_SIZES:
            for nodes in (*LENGTHS, self.longest(config)):
                for num_edges in (0, None):
                    full = self.sample(config, [nodes] * graphs, nodes, num_edges=num_edges)
                    edges = full["edges"].shape[1]
                    name = f"graphs{graphs}_nodes{nodes}_edges{edges}"
                    yield SampleInputs(name, full, full)
                sizes = generator.integers(0, nodes + 1, graphs)
                sizes[-1] = 0
                clean = self.sample(config, sizes, nodes, length=nodes)
                sent = self.fill_padding(config, clean, generator)
                yield SampleInputs(f"graphs{graphs}_nodes{nodes}_padded", clean, sent)

    def tensors(self, batch):
        """Returns an artefact's inputs for a batch of `GraphPreprocessor.collate`: the same."""
        return {name: batch[name] for name in ("node_features", "edges", "num_nodes")}

    def longest(self, config):
        """Returns the number of nodes that an artefact is verified up to; there is no limit."""
        return _LARGEST

    def load_preprocessor(self, folder, config):
        """Returns the preprocessor, all of which is in the configuration."""
        from ..graph_preprocessor import GraphPreprocessor

        return GraphPreprocessor(config.num_features)

    def collect(self, graphs, rows, num_classes):
        """Returns the logits `(graphs, num_classes)`, or a list of `(nodes, num_classes)`."""
        if rows and rows[0].ndim == 2:
            return [
                row[: len(graph.node_features)] for graph, row in zip(graphs, rows, strict=True)
            ]
        return np.array(rows, "float32").reshape(len(rows), num_classes)

    def predictions(self, graphs, logits, labels):
        """Returns a `Prediction` for each graph, or `LabelledNodes` where nodes are labelled."""

        def prediction(probabilities):
            if probabilities.ndim == 1:
                return prediction_from_probabilities(probabilities, labels)
            return LabelledNodes(tuple(map(prediction, probabilities)))

        return [prediction(softmax(row)) for row in logits]
