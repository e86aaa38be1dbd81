import numpy as np
import pytest

from attnzoo.zoo import Prediction
from attnzoo.zoo.predictor import Predictor
from attnzoo.zoo.tasks import get_task

from .pipelines import MAX_LENGTH, TEXTS, small_pipeline, small_preprocessor


class CountingPredictor(Predictor):
    """Answers with the number of tokens in a row; remembers the batches it met."""

    def __init__(self):
        super().__init__(get_task("text_classification"), small_preprocessor(), ["short", "long"])
        self.shapes = []

    def run(self, batch):
        self.shapes.append(batch["token_ids"].shape)
        lengths = batch["padding_mask"].sum(axis=1)
        return np.stack([np.zeros(len(lengths)), lengths - 6.0], axis=-1)


@pytest.fixture
def predictor():
    return CountingPredictor()


@pytest.fixture(scope="module")
def pipeline():
    return small_pipeline()


def texts_of_lengths(lengths):
    return ["good " * (length - 2) for length in lengths]


def test_predictions_come_in_the_order_of_the_inputs(predictor):
    lengths = np.random.default_rng(0).integers(2, MAX_LENGTH + 1, 200)
    logits = predictor.logits(texts_of_lengths(lengths), batch_size=16)
    np.testing.assert_array_equal(logits[:, 1], lengths - 6.0)
    predictions = predictor(texts_of_lengths(lengths), batch_size=16)
    assert [p.label for p in predictions] == ["long" if n > 6 else "short" for n in lengths]


def test_batches_hold_like_lengths_in_few_shapes(predictor):
    lengths = np.random.default_rng(0).integers(2, MAX_LENGTH + 1, 200)
    predictor.logits(texts_of_lengths(lengths), batch_size=16)
    assert sum(batch for batch, _ in predictor.shapes) == 200
    assert max(batch for batch, _ in predictor.shapes) == 16
    assert {length for _, length in predictor.shapes} == {8, 16}


def test_no_batch_is_longer_than_the_model_takes(predictor):
    predictor.preprocessor = small_preprocessor(max_sequence_length=11)
    predictor.logits(["good " * 100])
    assert predictor.shapes == [(1, 11)]


def test_nothing_in_gives_nothing_out(predictor):
    assert predictor([]) == []
    assert list(predictor.stream([])) == []
    assert predictor.logits([]).shape == (0, 2)
    assert predictor.shapes == []


def test_a_single_text_counts_as_a_list_of_one(pipeline):
    assert pipeline("a good film") == pipeline(["a good film"])


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_the_batch_size_changes_no_answer(pipeline, batch_size):
    expected = pipeline.logits(TEXTS)
    np.testing.assert_allclose(pipeline.logits(TEXTS, batch_size), expected, atol=2e-6)


def test_answers_are_the_softmax_of_the_model(pipeline):
    batch = pipeline.preprocessor.collate(pipeline.preprocessor.encode(TEXTS))
    logits = np.asarray(pipeline.model(batch), "float64")
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    for prediction, row in zip(pipeline(TEXTS), probabilities, strict=True):
        assert isinstance(prediction, Prediction)
        assert prediction.label == pipeline.labels[row.argmax()]
        assert prediction.probability == pytest.approx(row.max(), abs=1e-6)
        assert list(prediction.probabilities) == pipeline.labels
        assert list(prediction.probabilities.values()) == pytest.approx(list(row), abs=1e-6)
        assert sum(prediction.probabilities.values()) == pytest.approx(1.0)


def test_huge_logits_do_not_overflow():
    task = get_task("text_classification")
    (prediction,) = task.predictions(["text"], np.array([[1e4, -1e4]], "float32"), ["no", "yes"])
    assert prediction == Prediction("no", 1.0, {"no": 1.0, "yes": 0.0})
    assert str(prediction) == "no (100.0%)"


@pytest.mark.parametrize("count", [1, 31, 32, 33, 100])
def test_a_stream_gives_what_a_list_gives(predictor, count):
    texts = texts_of_lengths(np.random.default_rng(0).integers(2, MAX_LENGTH + 1, count))
    assert list(predictor.stream(iter(texts), batch_size=2)) == predictor(texts)


def test_a_stream_holds_few_inputs_at_once(predictor):
    taken = given = most_held = 0

    def endless():
        nonlocal taken, most_held
        while True:
            taken += 1
            most_held = max(most_held, taken - given)
            yield "good film"

    for prediction in predictor.stream(endless(), batch_size=4):
        assert prediction.label == "short"
        given += 1
        if given == 2000:
            break
    assert most_held <= 16 * 4


@pytest.mark.parametrize("wrong", [None, 3, b"good"])
def test_an_input_that_is_not_a_string_is_refused(pipeline, wrong):
    with pytest.raises(ValueError, match=f"one of type {type(wrong).__name__}"):
        pipeline(["good", wrong])


def test_a_predictor_must_say_how_it_runs(predictor):
    bare = Predictor(predictor.task, predictor.preprocessor, predictor.labels)
    with pytest.raises(NotImplementedError):
        bare(["good"])
