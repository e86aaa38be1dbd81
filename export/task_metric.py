"""The task's own metric of each variant on labelled data, beside that of the Keras model."""

from dataclasses import dataclass
from typing import NamedTuple

from ..training.evaluate import evaluate
from ..training.transcripts import TranscriptEvaluation
from ..zoo import Pipeline
from .checking import check
from .comparison import Failure
from .fingerprint import fingerprint_of
from .predictor import load
from .served_model import ServedModel

# How much worse a variant may be, in parts of 1.
TOLERANCE = 0.01


class Metric(NamedTuple):
    """One number that says how good answers are.

    Args:
        name: `"accuracy"`, `"F1 of entities"` or `"WER"`.
        value: In parts of 1.
        rows: Labelled examples that it is of.
        best: 1 if more is better, -1 if less is.
    """

    name: str
    value: float
    rows: int
    best: int


def metric_of(evaluation):
    """Returns the `Metric` by which an evaluation of `training.evaluate` is judged."""
    if isinstance(evaluation, TranscriptEvaluation):
        return Metric("WER", evaluation.wer, evaluation.rows, -1)
    if evaluation.entities is not None:
        return Metric("F1 of entities", evaluation.entities["all"]["f1"], evaluation.rows, 1)
    return Metric("accuracy", evaluation.accuracy, evaluation.rows, 1)


@dataclass(frozen=True)
class TaskMetric:
    """Labelled data, and the metric of the Keras model on them.

    Args:
        split: `training.Split`.
        keras: `Metric` of the Keras model.
        fingerprint: The model's, see `fingerprint_of`.
        tolerance: How much worse a variant may be, in parts of 1. Defaults to `TOLERANCE`.
    """

    split: object
    keras: Metric
    fingerprint: str
    tolerance: float = TOLERANCE

    @classmethod
    def of(cls, pipeline, split, tolerance=TOLERANCE, served=None):
        """Measures the Keras model.

        Args:
            pipeline: `zoo.Pipeline`.
            split: `training.Split`, labelled as the pipeline is.
            tolerance: How much worse a variant may be, in parts of 1. Defaults to `TOLERANCE`.
            served: `ServedModel` of the pipeline. Defaults to None (made here).

        Raises:
            ValueError: If it is a bare model, or `tolerance` is negative.
        """
        if not isinstance(pipeline, Pipeline):
            raise ValueError(
                "Expected a pipeline, which makes tensors of labelled data, to measure "
                f"the task's metric. Received: {type(pipeline).__name__}"
            )
        if not tolerance >= 0:
            raise ValueError(
                "Received an invalid value for argument `tolerance`, expected a part of 1 that is "
                f"not negative. Received: tolerance={tolerance!r}"
            )
        served = served or ServedModel(pipeline)
        keras = metric_of(evaluate(pipeline, split))
        return cls(split, keras, fingerprint_of(served), tolerance)

    def check_is_of(self, artefact):
        """Raises ValueError unless it was measured on the model that was exported."""
        if artefact.manifest["fingerprint"] != self.fingerprint:
            raise ValueError(
                f"Expected the very model that {artefact.path} was exported from, to compare its "
                "metric with; received another one."
            )

    def checks(self, artefact, names):
        """Yields the check of each of these variants that takes whole inputs."""
        for name in names:
            if "streaming" not in artefact.variants[name]:
                what = f"{self.keras.name} on {self.split.name} data"
                yield check(name, what, lambda n=name: self._compare(artefact, n))

    def _compare(self, artefact, name):
        metric = metric_of(evaluate(load(artefact.path / name), self.split))
        found = f"{metric.value:.2%}, Keras {self.keras.value:.2%}, {metric.rows} rows"
        # Written so that a NaN fails.
        if not metric.best * (self.keras.value - metric.value) <= self.tolerance:
            raise Failure(f"expected to lose at most {self.tolerance:.2%}, received {found}")
        return found
