import io

import pytest

from attnzoo.training.sources import DataError
from attnzoo.training.sources.texts import read_lines, read_texts

from .test_files import write

TEXTS = ["a good film", "", "bad , really"]


@pytest.mark.parametrize(
    ("name", "content"),
    {
        "lines": ("a.txt", "a good film\n\nbad , really\n"),
        "lines without a last end": ("a", "a good film\n\nbad , really"),
        "lines of Windows": ("a.txt", "a good film\r\n\r\nbad , really\r\n"),
        "lines with byte order mark": ("a.txt", "\ufeffa good film\n\nbad , really\n"),
        "csv with header": ("a.csv", 'id,text\n1,a good film\n2,\n3,"bad , really"\n'),
        "csv of one column": ("a.csv", 'a good film\n""\n"bad , really"\n'),
        "tsv with header": ("a.tsv", "review\tstars\na good film\t5\n\t3\nbad , really\t1\n"),
        "jsonl": (
            "a.jsonl",
            '{"text": "a good film"}\n{"id": 2, "text": ""}\n{"text": "bad , really"}\n',
        ),
    }.values(),
)
def test_texts_are_found(tmp_path, name, content):
    assert list(read_texts(write(tmp_path / name, content))) == TEXTS


def test_the_column_can_be_named_or_counted(tmp_path):
    path = write(tmp_path / "a.csv", "said,meant\nyes,no\n")
    assert list(read_texts(path, "meant")) == ["no"]
    path = write(tmp_path / "b.csv", "yes,no\nfine,bad\n")
    assert list(read_texts(path, 1)) == ["no", "bad"]
    assert list(read_texts(path, "1")) == ["no", "bad"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "yes,no\n", r"name it by `text_column`.*columns \[0, 1\]"),
        ("a.csv", "id,text\n1,fine\n2\n", r"field 1 of .*a\.csv, line 3"),
        ("a.jsonl", '{"text": "a"}\n{"label": "b"}\n', r"field 'text' of .*a\.jsonl, line 2"),
        ("a.jsonl", '{"text": "a"}\n{"text": 5}\n', r"field 'text' of .*a\.jsonl, line 2"),
        ("a.txt", b"fine\n\xe9\n", r"UTF-8 text in .*a\.txt, line 2"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        list(read_texts(write(tmp_path / name, content)))


def test_a_column_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a column 'body' of texts.*\['id', 'text'\]"):
        list(read_texts(write(tmp_path / "a.csv", "id,text\n1,fine\n"), "body"))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a file of texts at .*gone\.txt"):
        list(read_texts(tmp_path / "gone.txt"))


def test_lines_come_one_by_one():
    taken = []

    class Pipe(io.RawIOBase):
        def __iter__(self):
            for index in range(5):
                taken.append(index)
                yield f"line {index}\r\n".encode()

    lines = read_lines(Pipe(), "standard input")
    assert next(lines) == "line 0"
    assert taken == [0]
    assert list(lines) == ["line 1", "line 2", "line 3", "line 4"]


def test_a_line_of_a_pipe_that_is_not_utf8_is_named():
    with pytest.raises(DataError, match="standard input, line 2"):
        list(read_lines(io.BytesIO(b"fine\n\xff\n"), "standard input"))
