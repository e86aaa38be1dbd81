"""attnzoo predict: from arguments, files and standard input, by a run or an exported file."""

import json
import subprocess
import sys

import pytest

from attnzoo import zoo

from .conftest import LABELS, TEXTS


def answers_of(lines):
    """`[(label, probability, text)]` of the lines printed."""
    rows = [line.split("\t") for line in lines]
    return [(label, float(probability), text) for label, probability, text in rows]


@pytest.fixture(scope="session")
def expected(trained):
    """The pipeline's own predictions."""
    return zoo.load(trained.folder)(TEXTS)


def check(answers, expected):
    assert [label for label, _, _ in answers] == [p.label for p in expected]
    for (_, probability, _), prediction in zip(answers, expected, strict=True):
        assert probability == pytest.approx(prediction.probability, abs=1e-4)


def test_texts_of_the_command_line(attnzoo, model_path, expected):
    result = attnzoo("predict", model_path, *TEXTS)
    assert result.code == 0, result.err
    answers = answers_of(result.lines)
    check(answers, expected)
    assert [text for _, _, text in answers] == [" ".join(text.split()) for text in TEXTS]


def test_an_answer_as_json_holds_everything(attnzoo, model_path, expected):
    result = attnzoo("predict", "--json", model_path, *TEXTS)
    assert result.code == 0, result.err
    answers = [json.loads(line) for line in result.lines]
    assert [answer["text"] for answer in answers] == TEXTS
    assert [answer["label"] for answer in answers] == [p.label for p in expected]
    for answer, prediction in zip(answers, expected, strict=True):
        assert answer["probabilities"] == pytest.approx(prediction.probabilities, abs=1e-5)
        assert list(answer["probabilities"]) == LABELS


@pytest.mark.parametrize("options", [["--json"], ["--batch-size", "2"]], ids=" ".join)
def test_options_may_stand_between_model_and_texts(attnzoo, exported, options):
    result = attnzoo("predict", exported, *options, "a fine film", "a dull film")
    assert result.code == 0, result.err
    assert len(result.lines) == 2


# === Files ===


@pytest.fixture
def texts():
    return ["a fine film", "rude staff, cold soup", "", "naïve café 東京"]


def by_arguments(attnzoo, exported, texts):
    return answers_of(attnzoo("predict", exported, *texts).lines)


def test_lines_of_a_file(attnzoo, exported, texts, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_bytes("\r\n".join(texts).encode())
    result = attnzoo("predict", exported, "--input", path)
    assert result.code == 0
    assert answers_of(result.lines) == by_arguments(attnzoo, exported, texts)


@pytest.mark.parametrize("column", [[], ["--text-column", "text"], ["--text-column", "1"]], ids=str)
def test_a_column_of_a_csv_file(attnzoo, exported, texts, tmp_path, column):
    path = tmp_path / "texts.csv"
    path.write_text("id,text\n" + "".join(f'{i},"{text}"\n' for i, text in enumerate(texts)))
    result = attnzoo("predict", exported, "--input", path, *column)
    assert result.code == 0, result.err
    assert answers_of(result.lines) == by_arguments(attnzoo, exported, texts)


def test_another_column_of_a_tsv_and_a_jsonl_file(attnzoo, exported, texts, tmp_path):
    expected = by_arguments(attnzoo, exported, texts)
    tsv, jsonl = tmp_path / "texts.tsv", tmp_path / "texts.jsonl"
    tsv.write_text("id\tremark\n" + "".join(f"{i}\t{text}\n" for i, text in enumerate(texts)))
    jsonl.write_text("".join(json.dumps({"id": 1, "remark": text}) + "\n" for text in texts))
    for path in (tsv, jsonl):
        result = attnzoo("predict", exported, "--input", path, "--text-column", "remark")
        assert result.code == 0, result.err
        assert answers_of(result.lines) == expected


def test_a_column_that_is_not_there_is_named(attnzoo, exported, tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("id,label,note\n1,a,b\n")
    for more in ([], ["--text-column", "texts"]):
        result = attnzoo("predict", exported, "--input", path, *more)
        assert result.code == 1
        assert "['id', 'label', 'note']" in result.err


def test_a_file_that_is_not_there_is_named(attnzoo, exported, tmp_path):
    result = attnzoo("predict", exported, "--input", tmp_path / "no.txt")
    assert result.code == 1
    assert f"{tmp_path / 'no.txt'}; there is none" in result.err


def test_texts_and_a_file_are_too_much(attnzoo, exported, tmp_path):
    result = attnzoo("predict", exported, "text", "--input", tmp_path)
    assert result.code == 1
    assert "Received: both" in result.err


# === Standard input ===


@pytest.mark.parametrize("more", [[], ["--input", "-"]], ids=["nothing", "-"])
def test_lines_of_standard_input(attnzoo, exported, texts, more):
    result = attnzoo("predict", exported, *more, stdin="\n".join(texts).encode())
    assert result.code == 0, result.err
    assert answers_of(result.lines) == by_arguments(attnzoo, exported, texts)


def test_an_empty_standard_input_has_no_answers(attnzoo, exported):
    result = attnzoo("predict", exported, stdin=b"")
    assert (result.code, result.out, result.err) == (0, "", "")


def test_a_byte_order_mark_is_no_text(attnzoo, exported):
    marked = attnzoo("predict", exported, stdin=b"\xef\xbb\xbfa fine film\n")
    assert marked.out == attnzoo("predict", exported, stdin=b"a fine film\n").out


def test_a_line_that_is_no_utf8_is_named(attnzoo, exported, tmp_path):
    content = b"a fine film\ncaf\xe9\n"
    result = attnzoo("predict", exported, stdin=content)
    assert result.code == 1
    assert "standard input, line 2" in result.err
    assert "byte 0xe9 at column 4" in result.err
    path = tmp_path / "latin1.txt"
    path.write_bytes(content)
    result = attnzoo("predict", exported, "--input", path)
    assert result.code == 1
    assert f"{path}, line 2" in result.err


def test_a_terminal_without_texts_is_told_what_is_expected(attnzoo, exported, monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    result = attnzoo("predict", exported)
    assert result.code == 1
    assert "Expected texts, `--input FILE`, or lines on standard input." in result.err


def test_many_lines_are_answered_in_order(attnzoo, exported):
    lines = [f"{number} fine films" + " and more" * (number % 7) for number in range(1200)]
    result = attnzoo("predict", exported, "--batch-size", "3", stdin="\n".join(lines).encode())
    assert [line.split("\t")[2] for line in result.lines] == lines


@pytest.mark.parametrize("size", ["0", "-1", "x", "1.5"])
def test_a_batch_size_that_is_no_positive_integer_is_refused(attnzoo, exported, size):
    result = attnzoo("predict", exported, "--batch-size", size, stdin=b"a\nb\n")
    assert result.code in (1, 2)
    assert "batch" in result.err
    assert result.out == ""


def test_a_reader_that_has_gone_is_no_error_to_talk_about(exported, tmp_path):
    path = tmp_path / "many.txt"
    path.write_text("a fine film\n" * 700)
    process = subprocess.Popen(
        [sys.executable, "-m", "attnzoo.cli", "predict", str(exported), "--input", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    process.wait()
    assert first.endswith("a fine film\n")
    # TensorFlow may talk of missing GPU drivers there.
    assert "attnzoo" not in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("source", ["arguments", "standard input", "lines"])
def test_a_column_is_refused_where_there_are_none(attnzoo, exported, tmp_path, source):
    path = tmp_path / "texts.txt"
    path.write_text("a fine film\n")
    where = {
        "arguments": ["a fine film"],
        "standard input": ["--input", "-"],
        "lines": ["--input", path],
    }[source]
    result = attnzoo("predict", exported, "--text-column", "text", *where)
    assert result.code == 1
    assert "column" in result.err
    assert not result.out
