"""The task's own metric of each variant on labelled data, beside that of the Keras model."""

from types import SimpleNamespace

import numpy as np
import pytest

from attnzoo import export
from attnzoo.export import TaskMetric, task_metric
from attnzoo.export.task_metric import Metric, metric_of
from attnzoo.training import Split, count_errors, score

from .small_models import LABELS, SENTENCES, bag_of_words_of

VARIANTS = ["savedmodel/1", "onnx/model.onnx", "onnx/model.int8.onnx"]
WHAT = "accuracy on test data"


def split_of(texts, labels):
    """Labelled texts."""
    rows = [SimpleNamespace(input=text) for text in texts]
    return Split("test", rows, np.array(labels, "int32"), label_names=LABELS)


@pytest.fixture
def labelled(bag_of_words_pipeline):
    """Texts of which the pipeline knows all but two, and what it says of them."""
    texts = list(SENTENCES)
    said = [LABELS.index(prediction.label) for prediction in bag_of_words_pipeline(texts)]
    labels = [(label + 1) % 3 if row < 2 else label for row, label in enumerate(said)]
    return split_of(texts, labels)


def export_all(pipeline, folder, **options):
    return export.to_artefact(pipeline, folder, precisions=["float32", "int8"], **options)


def test_it_is_measured_for_every_variant_and_written_down(
    tmp_path, bag_of_words_pipeline, labelled
):
    report = export_all(bag_of_words_pipeline, tmp_path / "dist", eval_split=labelled)
    checks = {check.variant: check for check in report.checks if check.name == WHAT}
    assert list(checks) == VARIANTS
    for variant in VARIANTS[:2]:
        assert checks[variant].detail == "88.89%, Keras 88.89%, 18 rows"
    assert WHAT in (tmp_path / "dist" / "verify.json").read_text(encoding="utf-8")

    metric = TaskMetric.of(bag_of_words_pipeline, labelled)
    again = export.verify(tmp_path / "dist", metric=metric)
    assert [check.variant for check in again.checks if check.name == WHAT] == VARIANTS
    assert WHAT not in [check.name for check in export.verify(tmp_path / "dist").checks]


class Forgetful:
    """Predicts by a variant, and says the first label where the variant is the ONNX file."""

    def __init__(self, path):
        self._predictor, self._forgets = export.load(path), path.name == "model.onnx"
        self.labels = self._predictor.labels

    def stream(self, inputs, batch_size):
        for prediction in self._predictor.stream(inputs, batch_size):
            yield SimpleNamespace(labels=[self.labels[0]] if self._forgets else prediction.labels)


def test_a_variant_that_is_worse_fails_by_name_and_nothing_is_left(
    tmp_path, bag_of_words_pipeline, labelled, monkeypatch
):
    monkeypatch.setattr(task_metric, "load", Forgetful)
    with pytest.raises(export.VerificationError) as caught:
        export_all(bag_of_words_pipeline, tmp_path / "dist", eval_split=labelled)
    (check,) = caught.value.report.failures
    assert (check.variant, check.name) == ("onnx/model.onnx", WHAT)
    assert check.detail.startswith("expected to lose at most 1.00%, received ")
    assert not (tmp_path / "dist").exists()
    # A user may allow it.
    options = {"eval_split": labelled, "eval_tolerance": 1.0}
    assert export_all(bag_of_words_pipeline, tmp_path / "dist", **options).passed


@pytest.mark.parametrize(
    ("keras", "received", "passes"),
    [
        (Metric("accuracy", 0.90, 9, 1), 0.895, True),
        (Metric("accuracy", 0.90, 9, 1), 0.88, False),
        (Metric("accuracy", 0.90, 9, 1), 0.99, True),
        (Metric("accuracy", 0.90, 9, 1), np.nan, False),
        (Metric("WER", 0.10, 9, -1), 0.105, True),
        (Metric("WER", 0.10, 9, -1), 0.12, False),
        (Metric("WER", 0.10, 9, -1), 0.01, True),
    ],
)
def test_only_worse_is_worse(monkeypatch, tmp_path, keras, received, passes):
    monkeypatch.setattr(task_metric, "load", lambda path: None)
    monkeypatch.setattr(task_metric, "evaluate", lambda *_: None)
    monkeypatch.setattr(task_metric, "metric_of", lambda _: keras._replace(value=received))
    artefact = SimpleNamespace(path=tmp_path, variants={"onnx/model.onnx": {}})
    metric = TaskMetric(SimpleNamespace(name="test"), keras, "fingerprint")
    (check,) = metric.checks(artefact, ["onnx/model.onnx"])
    assert check.passed == passes


def test_each_task_is_judged_by_its_own_metric():
    assert metric_of(count_errors(["go on"], ["go"])) == ("WER", 0.5, 1, -1)
    labels = score(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]), ["no", "yes"])
    assert metric_of(labels) == ("accuracy", 0.75, 4, 1)
    entities = SimpleNamespace(rows=9, entities={"all": {"f1": 0.4}, "person": {"f1": 0.9}})
    assert metric_of(entities) == ("F1 of entities", 0.4, 9, 1)


def test_the_metric_of_another_model_is_refused(
    bag_of_words_artefact, bag_of_words_pipeline, labelled
):
    metric = TaskMetric.of(bag_of_words_pipeline, labelled)
    with pytest.raises(ValueError, match="Expected the very model that"):
        export.verify(bag_of_words_artefact, metric=metric)


def test_a_bare_model_has_no_tensors_for_data(bag_of_words_name, labelled, tmp_path):
    model = bag_of_words_of(bag_of_words_name)
    with pytest.raises(ValueError, match="Expected a pipeline, which makes tensors"):
        export.to_artefact(model, tmp_path / "dist", ["onnx"], eval_split=labelled)


@pytest.mark.parametrize("tolerance", [-0.01, float("nan")])
def test_a_tolerance_is_no_less_than_nothing(bag_of_words_pipeline, labelled, tolerance):
    with pytest.raises(ValueError, match="argument `tolerance`"):
        TaskMetric.of(bag_of_words_pipeline, labelled, tolerance)
