"""Metrics of a predictor on a split: of labels accuracy, F1 and confusions; of transcripts WER."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..zoo.symbols import is_ctc, text_of
from .entities import is_entity_scheme, score_entities
from .transcripts import count_errors


@dataclass(frozen=True)
class Evaluation:
    """How well predictions agree with labels.

    Args:
        rows: Number of labelled examples, where each word or node has its own, of these.
        accuracy: Share of right predictions, in [0, 1].
        macro_f1: Mean over labels of the harmonic mean of precision and recall, in [0, 1].
        labels: Names of the labels.
        per_label: Dict from label to `precision`, `recall`, `f1` and `support`.
        confusion: Count of each (true, predicted) pair, int `(labels, labels)`.
        entities: Where the labels mark entities, dict from each type, and `"all"`, to
            `precision`, `recall`, `f1` and `support` (see `score_entities`). Defaults to None.
    """

    rows: int
    accuracy: float
    macro_f1: float
    labels: list[str]
    per_label: dict[str, dict[str, float]]
    confusion: np.ndarray
    entities: dict[str, dict[str, float]] | None = None

    def to_dict(self):
        """Returns a JSON-like dict."""
        return {**self.__dict__, "confusion": self.confusion.tolist()}


def evaluate(predictor, split, batch_size=64):
    """Evaluates a pipeline, or what `export.load` gives, on a split.

    Args:
        predictor: `zoo.Pipeline` or another `Predictor`.
        split: A `Split` of `load_data`, with the predictor's labels.
        batch_size: Rows that go through the model at once. Defaults to 64.

    Returns:
        `Evaluation`, or `TranscriptEvaluation` where recordings have transcripts.
    """
    if is_ctc(predictor.labels):
        said = [text_of(row) for row in split.row_labels()]
        heard = [answer.text for answer in predictor.stream(split.inputs(), batch_size)]
        return count_errors(said, heard)
    index = {label: position for position, label in enumerate(predictor.labels)}
    predictions = predictor.stream(split.inputs(), batch_size)
    predicted = [
        # What has no label in this split is not asked for.
        np.array([index[label] for label in prediction.labels], "int32")[np.atleast_1d(row) >= 0]
        for prediction, row in zip(predictions, split.labels, strict=True)
    ]
    evaluation = score(split.flat_labels, np.concatenate(predicted), predictor.labels)
    if not is_entity_scheme(predictor.labels):
        return evaluation
    names = np.array(predictor.labels)
    true, guessed = ([names[row].tolist() for row in rows] for rows in (split.labels, predicted))
    return dataclasses.replace(evaluation, entities=score_entities(true, guessed))


def score(labels, predicted, label_names):
    """Compares predicted with true label indices, by scikit-learn.

    Args:
        labels: True indices `(rows,)`.
        predicted: Predicted indices `(rows,)`.
        label_names: Names of the labels.

    Example:
    >>> evaluation = score(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]), ["no", "yes"])
    >>> evaluation.accuracy, round(evaluation.macro_f1, 3), evaluation.confusion.tolist()
    (0.75, 0.733, [[2, 0], [1, 1]])
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    indices = list(range(len(label_names)))
    columns = precision_recall_fscore_support(labels, predicted, labels=indices, zero_division=0)
    names = ("precision", "recall", "f1", "support")
    return Evaluation(
        rows=len(labels),
        accuracy=float(np.mean(labels == predicted)),
        macro_f1=float(np.mean(columns[2])),
        labels=list(label_names),
        per_label={
            label: {name: float(column[i]) for name, column in zip(names, columns, strict=True)}
            for i, label in enumerate(label_names)
        },
        confusion=confusion_matrix(labels, predicted, labels=indices),
    )
