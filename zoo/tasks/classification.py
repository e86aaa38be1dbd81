"""What all tasks share in which one input gets one label."""

import numpy as np

from ..prediction import Prediction
from .interface import TensorSpec, softmax


class Classification:
    """The logits `(batch, num_classes)` become the most probable label."""

    def outputs(self, config):
        """Returns the tensors that an artefact returns (`label`: an index into the labels)."""
        if config.num_classes == 0:
            return (TensorSpec("embedding", "float32", ("batch", _pooled_dim(config))),)
        return (
            TensorSpec("logits", "float32", ("batch", config.num_classes)),
            TensorSpec("probabilities", "float32", ("batch", config.num_classes)),
            TensorSpec("label", "int64", ("batch",), "index into `labels.txt`"),
        )

    def named_outputs(self, outputs, labels, tensors):
        """Returns what a raw signature says in place of indices: the name of each label."""
        return {"label": np.array(labels)[outputs["label"]]}

    def raw_outputs(self, inputs):
        """Returns what a raw signature says of the inputs themselves: nothing."""
        return {}

    def collect(self, inputs, rows, num_classes):
        """Returns the rows' logits as one array `(inputs, num_classes)`."""
        return np.array(rows, "float32").reshape(len(rows), num_classes)

    def predictions(self, inputs, logits, labels):
        """Returns a list of `Prediction`, one for each row of logits `(inputs, num_classes)`."""
        return [prediction_from_probabilities(row, labels) for row in softmax(logits)]


def _pooled_dim(config):
    return getattr(config, "pooled_dim", config.hidden_dim)


def prediction_from_probabilities(probabilities, labels):
    """Returns the `Prediction` of one row of probabilities."""
    best = int(np.argmax(probabilities))
    return Prediction(
        label=labels[best],
        probability=float(probabilities[best]),
        probabilities={label: float(p) for label, p in zip(labels, probabilities, strict=True)},
    )
