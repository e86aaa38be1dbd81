"""A tagger by the command line alone, from a `.conll` file to tagged sentences."""

import json

import pytest

from .conftest import Made, captured, train_arguments

SENTENCES = (
    (("Anna", "B-person"), ("slept", "O"), ("in", "O"), ("Rome", "B-place"), (".", "O")),
    (("Rome", "B-place"), ("saw", "O"), ("Anna", "B-person"), ("Maria", "I-person")),
)
SETTINGS = ("epochs=6", "num_layers=1", "vocabulary_size=90", "batch_size=8", "learning_rate=0.01")


@pytest.fixture(scope="module")
def tagged_file(tmp_path_factory):
    lines = ["\n".join("\t".join(pair) for pair in words) + "\n\n" for words in SENTENCES]
    path = tmp_path_factory.mktemp("tagged") / "names.conll"
    path.write_text("".join(lines) * 20, "utf-8")
    return path


@pytest.fixture(scope="module")
def run(tagged_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "names"
    arguments = train_arguments(tagged_file, folder, settings=SETTINGS)
    arguments[1] = "sequence_tagger/tiny"
    return Made(folder, captured(*arguments))


def test_it_trains_and_says_how_the_file_was_read(run, tagged_file):
    assert run.result.code == 0, run.result.err
    assert f"{tagged_file}: a word on each line, its label is the last field" in run.result.out


def test_a_sentence_comes_back_a_word_on_each_line(attnzoo, run):
    result = attnzoo("predict", run, "Anna slept in Rome.", "Rome saw Anna")
    assert result.code == 0, result.err
    rows = [line.split("\t") for line in result.lines]
    words = [row[0] for row in rows]
    assert words == ["Anna", "slept", "in", "Rome", ".", "", "Rome", "saw", "Anna", ""]
    assert all(len(row) == 3 and 0 < float(row[2]) <= 1 for row in rows if row != [""])


def test_words_of_a_tagged_file_are_kept_as_they_are(attnzoo, run, tmp_path):
    path = tmp_path / "words.conll"
    path.write_text("me@rome.it\nslept\n\nAnna\n", "utf-8")
    result = attnzoo("predict", run, "--input", path, "--json")
    assert result.code == 0, result.err
    answers = [json.loads(line) for line in result.lines]
    assert [answer["text"] for answer in answers] == ["me@rome.it slept", "Anna"]
    assert [[w["word"] for w in answer["words"]] for answer in answers] == [
        ["me@rome.it", "slept"],
        ["Anna"],
    ]
    word = answers[0]["words"][1]
    assert answers[0]["text"][word["start"] : word["end"]] == "slept"


def test_evaluation_shows_words_and_entities(attnzoo, run, tagged_file):
    result = attnzoo("evaluate", run, "--data", tagged_file)
    assert result.code == 0, result.err
    assert "180 rows" in result.out
    assert "entities, strict" in result.out
    answer = json.loads(attnzoo("evaluate", run, "--data", tagged_file, "--json").out)
    assert answer["entities"]["all"]["support"] == 80
    assert answer["entities"].keys() == {"all", "person", "place"}


def test_the_attention_of_a_tagger_is_drawn(attnzoo, run, tmp_path):
    result = attnzoo("attention", run, "Anna slept", "--out", tmp_path / "map.html")
    assert result.code == 0, result.err
    page = (tmp_path / "map.html").read_text("utf-8")
    assert "Anna/" in page
    assert "slept/" in page


def test_a_wrong_tag_is_an_error_of_one_line_and_nothing_is_left(attnzoo, tmp_path):
    path = tmp_path / "wrong.conll"
    path.write_text("Anna B-person\nslept O\n\nRome O\nMaria I-person\n", "utf-8")
    result = attnzoo("train", "sequence_tagger/tiny", "--data", path, "--out", tmp_path / "run")
    assert result.code == 1
    (line,) = [line for line in result.err.splitlines() if line.startswith("attnzoo:")]
    assert "Expected an entity to begin with B-person" in line
    assert f"{path}, line 4" in line
    assert not (tmp_path / "run").exists()
