"""Entities in BIO tags, scored as CoNLL-2003 does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo import training
from attnzoo.training.entities import checked_entities, is_entity_scheme, score_entities
from attnzoo.training.sources import Row


def spans(labels):
    """Entities of valid BIO labels, read by hand: `(type, begin, end)`."""
    found, begin = set(), None
    for index, label in enumerate([*labels, "O"]):
        if begin is not None and not label.startswith("I-"):
            found.add((labels[begin][2:], begin, index))
            begin = None
        if label.startswith("B-"):
            begin = index
    return found


def valid_bio(draws):
    """BIO labels of drawn `(type or None, length)`."""
    return [
        label
        for kind, length in draws
        for label in (["O"] if kind is None else [f"B-{kind}", *[f"I-{kind}"] * (length - 1)])
    ]


sentences = st.lists(
    st.tuples(st.sampled_from([None, "x", "y"]), st.integers(1, 3)), min_size=1, max_size=6
).map(valid_bio)


@given(st.lists(st.tuples(sentences, sentences), min_size=1, max_size=5))
def test_scores_are_those_of_spans_counted_by_hand(pairs):
    pairs = [(true[: len(guess)], guess[: len(true)]) for true, guess in pairs]
    true, guessed = map(list, zip(*pairs, strict=True))
    counted = [(spans(one), spans(other)) for one, other in pairs]
    right = sum(len(one & other) for one, other in counted)
    all_true = sum(len(one) for one, _ in counted)
    all_guessed = sum(len(other) for _, other in counted)
    if not all_true:
        return  # seqeval reports nothing then.
    scores = score_entities(true, guessed)["all"]
    assert scores["support"] == all_true
    assert scores["recall"] == pytest.approx(right / all_true)
    assert scores["precision"] == pytest.approx(right / all_guessed if all_guessed else 0.0)
    assert scores["f1"] == pytest.approx(2 * right / (all_true + all_guessed))


def test_a_predicted_entity_that_does_not_begin_counts_for_nothing():
    scores = score_entities([["B-x", "I-x"]], [["I-x", "I-x"]])
    assert scores["all"]["f1"] == 0.0


def test_bioes_is_scored_by_its_own_scheme():
    true = [["B-x", "E-x", "O", "S-y"]]
    assert score_entities(true, true)["all"]["f1"] == 1.0
    assert score_entities(true, [["B-x", "I-x", "O", "S-y"]])["x"]["f1"] == 0.0


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["O", "B-x", "I-x"], True),
        (["O", "I-x"], True),
        (["O", "S-x", "B-x", "E-x"], True),
        (["NOUN", "VERB"], False),
        (["O", "NOUN"], False),
        (["B-x", "I-x"], False),
        (["O"], False),
    ],
)
def test_a_scheme_of_entities_is_known_by_its_labels(labels, expected):
    assert is_entity_scheme(labels) is expected


def rows(*labels):
    return [Row([f"w{i}" for i in range(len(of))], of, f"line {n}") for n, of in enumerate(labels)]


@pytest.mark.parametrize("wrong", [["O", "I-x"], ["B-y", "I-x"], ["I-x"], ["B-x", "O", "I-x"]])
def test_an_entity_that_goes_on_before_it_begins_is_named(wrong):
    with pytest.raises(training.DataError, match=r"begin with B-x.*'I-x' after.*line 1"):
        list(checked_entities(rows(["B-x", "I-x", "O"], wrong)))


@pytest.mark.parametrize(
    "labels", [["I-x", "I-x", "O"], ["NOUN", "I-x"], ["B-x", "I-x", "E-x", "S-x"]], ids=str
)
def test_other_schemes_pass(labels):
    assert [row.label for row in checked_entities(rows(labels))] == [labels]


def test_evaluation_scores_entities_of_a_tagger(tagger, tagged_data):
    evaluation = training.evaluate(tagger, tagged_data.test)
    assert evaluation.rows == len(tagged_data.test.flat_labels)
    names = np.array(tagged_data.label_names)
    true = [names[row].tolist() for row in tagged_data.test.labels]
    guessed = [list(p.labels) for p in tagger(list(tagged_data.test.inputs()))]
    assert evaluation.entities == score_entities(true, guessed)
    right = np.concatenate(true) == np.concatenate(guessed)
    assert evaluation.accuracy == pytest.approx(right.mean())


def test_training_on_entities_is_judged_by_those_found_and_not_by_words(tmp_path):
    sentences = ["Ann\tB-person\nLee\tI-person\nsings\tO\n", "it\tO\nrains\tO\n"]
    (tmp_path / "train.conll").write_text("\n".join(sentences * 6))
    (tmp_path / "dev.conll").write_text("\n".join(sentences))
    data = training.load_data(str(tmp_path), "token_classification")
    history = training.fit("sequence_tagger/tiny", data, recipe="scratch", seed=0, verbose=0)
    assert history.monitor == "val_f1"
    evaluation = training.evaluate(history.pipeline, data.validation)
    best = max(history.history["val_f1"])
    assert best == pytest.approx(evaluation.entities["all"]["f1"])
