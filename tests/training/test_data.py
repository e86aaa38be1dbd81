import tracemalloc
from collections import Counter

import numpy as np
import pytest

from attnzoo import training
from attnzoo.training.held_out import stratified_selection

from .test_files import write
from .toy_data import toy_reviews, write_rows, write_toy_reviews


def load(*args, **kwargs):
    return training.load_data(*args, verbose=False, **kwargs)


def pairs(split, data):
    labels = [data.label_names[index] for index in split.labels]
    return list(zip(split.inputs(), labels, strict=True))


# === Splits ===


def test_a_folder_of_files_has_its_splits(tmp_path):
    rows = {"train": toy_reviews(20), "dev": toy_reviews(6, 1), "test": toy_reviews(8, 2)}
    write_rows(tmp_path / "train.tsv", rows["train"])
    write(tmp_path / "dev.csv", "text,label\n" + "".join(f"{t},{k}\n" for t, k in rows["dev"]))
    write_rows(tmp_path / "TEST.tsv", rows["test"], header=None)
    write(tmp_path / "README.md", "not data")
    data = load(tmp_path)
    assert data.label_names == ["bad", "good"]
    assert pairs(data.train, data) == rows["train"]
    assert pairs(data.validation, data) == rows["dev"]
    assert pairs(data.test, data) == rows["test"]
    assert [len(data.split(name)) for name in ("train", "validation", "test")] == [20, 6, 8]
    assert repr(data.test) == "Split('test', 8 rows)"


@pytest.mark.parametrize("name", ["dev", "valid", "val", "validation", "Dev"])
def test_a_split_column_tells_the_splits(tmp_path, name):
    rows = [(t, k, ("train", name, "test")[i % 3]) for i, (t, k) in enumerate(toy_reviews(30))]
    data = load(write_rows(tmp_path / "a.tsv", rows, ("text", "label", "split")))
    for split, column in ((data.train, "train"), (data.validation, name), (data.test, "test")):
        assert pairs(split, data) == [(t, k) for t, k, s in rows if s == column]


def test_a_split_that_is_not_there_is_refused(tmp_path):
    data = load(write_toy_reviews(tmp_path / "a.tsv"))
    assert data.test is None
    for name in ("test", "dev", "spec"):
        with pytest.raises(training.DataError, match=f"Expected a split '{name}'"):
            data.split(name)


def test_without_a_validation_split_a_part_of_the_training_rows_becomes_one(tmp_path):
    rows = [(f"{text} {index}", label) for index, (text, label) in enumerate(toy_reviews(100))]
    path = write_rows(tmp_path / "a.tsv", rows)
    data = load(path, validation_split=0.2, seed=3)
    train, validation = pairs(data.train, data), pairs(data.validation, data)
    assert sorted(train + validation) == sorted(rows)
    assert Counter(label for _, label in validation) == {"bad": 10, "good": 10}
    assert train == [row for row in rows if row in set(train)], "the order is kept"
    again, other = load(path, validation_split=0.2, seed=3), load(path, validation_split=0.2)
    assert list(again.validation.inputs()) == list(data.validation.inputs())
    assert list(other.validation.inputs()) != list(data.validation.inputs())
    assert any("20 of 100 training rows are held out" in line for line in data.understood)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 2])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(training.DataError, match=r"`validation_split` in \(0, 1\)"):
        stratified_selection(np.array([0, 1] * 5), share)


def test_a_label_with_one_row_cannot_be_held_out():
    with pytest.raises(training.DataError, match="one row of label 2"):
        stratified_selection(np.array([0, 0, 1, 1, 2]), 0.1)


def test_every_label_gives_its_share_and_at_least_one_row():
    labels = np.repeat([0, 1, 2], [1000, 100, 2])
    selection = stratified_selection(labels, 0.1, seed=5)
    assert np.bincount(labels[selection]).tolist() == [100, 10, 1]
    assert selection.dtype == bool
    np.testing.assert_array_equal(selection, stratified_selection(labels, 0.1, seed=5))
    assert (selection != stratified_selection(labels, 0.1, seed=6)).any()


# === Labels ===


def test_labels_are_in_alphabetical_order(tmp_path):
    data = load(write_rows(tmp_path / "a.tsv", [(t, k) for k in "cabbca" for t in ("x", "y")]))
    assert data.label_names == ["a", "b", "c"]


def test_numbers_are_in_numerical_order(tmp_path):
    labels = ["10", "9", "-1", "2"]
    rows = [(f"text {label}", label) for label in labels * 3]
    data = load(write_rows(tmp_path / "a.tsv", rows))
    assert data.label_names == ["-1", "2", "9", "10"]
    assert all(text == f"text {label}" for text, label in pairs(data.train, data))


def test_labels_get_readable_names_in_their_order(tmp_path):
    rows = [(f"text {i % 2}", str(i % 2)) for i in range(20)]
    data = load(write_rows(tmp_path / "a.tsv", rows), label_names=["negative", "positive"])
    assert data.label_names == ["negative", "positive"]
    assert set(pairs(data.train, data)) == {("text 0", "negative"), ("text 1", "positive")}


@pytest.mark.parametrize("names", [["one"], ["one", "two", "three"], ["same", "same"], []])
def test_names_that_do_not_fit_the_labels_are_refused(tmp_path, names):
    with pytest.raises(training.DataError, match=r"2 different names.*\['bad', 'good'\]"):
        load(write_toy_reviews(tmp_path / "a.tsv"), label_names=names)


# === What is said ===


def test_it_says_what_was_understood(tmp_path, capsys):
    path = write_toy_reviews(tmp_path / "a.tsv", rows=20)
    training.load_data(path)
    said = capsys.readouterr().out
    assert f"{path}: text in column 'text', label in column 'label', first line is a header" in said
    assert "2 of 20 training rows are held out" in said
    assert "rows: train 18 (bad 9, good 9); validation 2 (bad 1, good 1)" in said
    load(path)
    assert capsys.readouterr().out == ""


def test_the_demo_is_complete():
    data = load("demo")
    assert data.label_names == ["negative", "positive"]
    assert [len(data.train), len(data.validation), len(data.test)] == [576, 64, 160]
    texts = [text for name in ("train", "validation", "test") for text in data.split(name).inputs()]
    assert len(set(texts)) == 800, "no text is in two splits"
    for name in ("train", "validation", "test"):
        counts = np.bincount(data.split(name).labels)
        assert counts[0] == counts[1]


# === load_split ===


@pytest.fixture
def two_files(tmp_path):
    rows = toy_reviews(12)
    write_rows(tmp_path / "train.tsv", rows)
    write_rows(tmp_path / "test.tsv", rows[:6])
    return tmp_path


def test_the_test_split_is_taken_where_there_is_one(two_files):
    split = training.load_split(two_files, ["bad", "good"])
    assert (split.name, len(split)) == ("test", 6)
    assert len(training.load_split(two_files, ["bad", "good"], split="train")) == 12


def test_all_rows_of_a_file_without_splits_are_taken(two_files):
    split = training.load_split(two_files / "train.tsv", ["bad", "good"])
    assert len(split) == 12
    assert split.labels.tolist() == [0, 1] * 6
    assert list(split.inputs()) == [text for text, _ in toy_reviews(12)]


def test_labels_are_matched_to_those_of_the_model(two_files):
    split = training.load_split(two_files, ["good", "other", "bad"])
    assert split.labels.tolist() == [2, 0] * 3


def test_a_split_may_lack_labels_of_the_model(tmp_path):
    path = write_rows(tmp_path / "a.tsv", [("x", "good"), ("y", "good")])
    assert training.load_split(path, ["bad", "good"]).labels.tolist() == [1, 1]


def test_numbers_are_indices_of_the_models_labels(tmp_path):
    path = write_rows(tmp_path / "a.tsv", [("x", "1"), ("y", "0"), ("z", "1")])
    assert training.load_split(path, ["bad", "good"]).labels.tolist() == [1, 0, 1]
    # Unless they are the labels themselves.
    assert training.load_split(path, ["1", "0"]).labels.tolist() == [0, 1, 0]


def test_names_say_which_label_of_the_model_a_value_is(tmp_path):
    path = write_rows(tmp_path / "a.tsv", [("x", "neg"), ("y", "pos")])
    split = training.load_split(path, ["good", "bad"], label_names=["bad", "good"])
    assert split.labels.tolist() == [1, 0]


@pytest.mark.parametrize("label", ["2", "awful"])
def test_a_label_that_is_not_the_models_is_refused(tmp_path, label):
    path = write_rows(tmp_path / "a.tsv", [("x", "1"), ("y", label)])
    with pytest.raises(training.DataError, match=r"\['bad', 'good'\]; other values are named"):
        training.load_split(path, ["bad", "good"])


def test_a_name_that_is_not_the_models_is_refused(tmp_path):
    path = write_rows(tmp_path / "a.tsv", [("x", "0"), ("y", "1")])
    with pytest.raises(training.DataError, match=r"label '1' in .*a\.tsv, line 3"):
        training.load_split(path, ["bad", "good"], label_names=["bad", "fine"])


@pytest.mark.parametrize("split", ["validation", "holdout"])
def test_a_split_that_cannot_be_loaded_is_refused(two_files, split):
    with pytest.raises(training.DataError, match=rf"\['test', 'train'\].*Received: {split}"):
        training.load_split(two_files, ["bad", "good"], split=split)


# === Memory ===


def test_a_large_file_is_read_and_not_held(tmp_path):
    """20 MB of text, of which only labels and a few rows are ever in memory."""
    words = "some words that fill the row " * 69
    with open(tmp_path / "large.tsv", "w", encoding="utf-8") as file:
        for index in range(10_000):
            file.write(f"{words}{index}\t{'ab'[index % 2]}\n")
    size = (tmp_path / "large.tsv").stat().st_size
    assert size > 20e6
    tracemalloc.start()
    try:
        data = load(tmp_path / "large.tsv")
        rows = sum(1 for _ in data.train.inputs())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows == 9000
    assert peak < size / 2


def test_a_source_is_read_again_for_each_pass(tmp_path, monkeypatch):
    from attnzoo.training.sources import files

    opened = []
    original = files.read_records
    monkeypatch.setattr(files, "read_records", lambda path: opened.append(path) or original(path))
    data = load(write_toy_reviews(tmp_path / "a.tsv"))
    passes = len(opened)
    texts = data.train.inputs()
    assert len(opened) == passes, "nothing is read ahead"
    next(texts)
    list(data.train.inputs())
    assert len(opened) == passes + 2
