"""Training of graph classifiers: labels of nodes or of graphs, a penalty on weights."""

from typing import ClassVar

import numpy as np

from ...zoo.graph_preprocessor import GraphPreprocessor
from ..examples import GraphExamples
from ..held_out import random_selection, stratified_selection
from ..recipe import GraphRecipe
from ..sources import DataError, open_graphs, read_graphs
from ..weight_penalty import with_weight_penalty
from .interface import Training


class GraphClassificationTraining(Training):
    """One label for each node, or for each graph."""

    name = "graph_classification"
    source_options = ("label_column",)
    held_out_of = "labels"
    recipes: ClassVar = {
        "scratch": GraphRecipe(),
        # A label for some nodes of one graph, as in the paper of GAT: one step is an epoch.
        "nodes": GraphRecipe(
            epochs=1000,
            learning_rate=5e-3,
            warmup=0.0,
            weight_decay=0.0,
            weight_penalty=5e-4,
            label_smoothing=0.0,
            ema_momentum=None,
            patience=100,
        ),
        "demo": GraphRecipe(epochs=60, learning_rate=1e-2, ema_momentum=None, patience=60),
    }

    def open_sources(self, spec, label_column=None):
        """Returns rows by split and the lines that say how they are read, see `open_graphs`."""
        return open_graphs(spec, label_column)

    def read_inputs(self, path, text_column=None):
        """Yields the graphs of a file or a folder without labels, see `read_graphs`."""
        if text_column is not None:
            raise DataError(
                f"Expected no `text_column` for graphs. Received: text_column={text_column!r}"
            )
        return read_graphs(path)

    def checked(self, source):
        """Yields the rows of a source; raises where a graph has other features than the first."""
        first = None
        for row in source:
            first = first or row
            width, expected = (r.input.node_features.shape[1] for r in (row, first))
            if width != expected:
                raise DataError(
                    f"Expected {expected} features for each node, as at {first.origin}. "
                    f"Received: {width} at {row.origin}"
                )
            yield row

    def held_out(self, labels, share, seed):
        """Chooses what to hold out for validation.

        Returns:
            Bool `(rows,)` for graphs; a list of one bool array `(nodes,)` for the nodes of the only
            graph.
        """
        if not isinstance(labels, list):
            return stratified_selection(labels, share, seed)
        if len(labels) > 1:
            return random_selection(len(labels), share, seed)
        (nodes,) = labels
        chosen = np.zeros(len(nodes), bool)
        chosen[nodes >= 0] = stratified_selection(nodes[nodes >= 0], share, seed)
        return [chosen]

    def learn(self, data, config):
        """Looks how many features there are, and whether nodes or graphs have labels.

        Args:
            data: `Data`.
            config: The configuration that the model is to have.

        Returns:
            The preprocessor, and the fields of the configuration that follow from the data.

        Raises:
            DataError: If graphs have labels and the configuration has no readout, or nodes have
                labels and it has one.
        """
        of_nodes = isinstance(data.train.labels, list)
        if of_nodes and config.readout is not None:
            raise DataError(
                "Expected `readout=None` for labels of nodes. "
                f"Received: readout={config.readout!r}, and {data.spec} labels nodes"
            )
        if not of_nodes and config.readout is None:
            raise DataError(
                "Expected a `readout` for labels of graphs, such as `readout='mean'` "
                f"(`--set readout=mean`). Received: readout=None, and {data.spec} labels graphs"
            )
        graph = next(iter(data.train.inputs()))
        num_features = graph.node_features.shape[1]
        return GraphPreprocessor(num_features), {"num_features": num_features}

    def examples(self, preprocessor, split):
        """Returns the `GraphExamples` of a split."""
        return GraphExamples(preprocessor.encode(split.inputs()), split.labels, preprocessor)

    def training_model(self, model, recipe):
        """Returns the model that `fit` trains, of the same layers as the one that is kept."""
        if not recipe.weight_penalty:
            return model
        return with_weight_penalty(model, recipe.weight_penalty)
