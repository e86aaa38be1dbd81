"""Files of labelled texts that are read, in all the ways people write them."""

import json

import pytest

from attnzoo.training.sources import FileSource

ROWS = [("a good film", "good"), ("a bad one", "bad"), ("fine , really", "good")]


def rows_of(source):
    return [(row.input, row.label) for row in source]


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def as_csv(rows):
    return "".join(f'"{text}",{label}\n' for text, label in rows)


def as_tsv(rows):
    return "".join(f"{text}\t{label}\n" for text, label in rows)


def as_jsonl(rows, text="text", label="label"):
    return "".join(json.dumps({label: row[1], text: row[0]}) + "\n" for row in rows)


GOOD_FILES = {
    "csv without header": ("a.csv", as_csv(ROWS)),
    "csv with header": ("a.csv", "text,label\n" + as_csv(ROWS)),
    "csv, label first": ("a.csv", "".join(f'{label},"{text}"\n' for text, label in ROWS)),
    "csv, other usual names": ("a.csv", "Sentence,Sentiment\n" + as_csv(ROWS)),
    "csv, spaces around names": ("a.csv", " text , label \n" + as_csv(ROWS)),
    "csv with byte order mark": ("a.csv", "\ufefftext,label\n" + as_csv(ROWS)),
    "csv of Windows": ("a.csv", "text,label\r\n" + as_csv(ROWS).replace("\n", "\r\n")),
    "csv with blank lines": ("a.csv", "text,label\n\n" + as_csv(ROWS).replace("\n", "\n\n")),
    "csv without last line end": ("a.csv", as_csv(ROWS).rstrip("\n")),
    "csv with a column to leave alone": (
        "a.csv",
        "id,text,label\n" + "".join(f'{i},"{t}",{k}\n' for i, (t, k) in enumerate(ROWS)),
    ),
    "suffix in capitals": ("A.CSV", as_csv(ROWS)),
    "tsv without header": ("a.tsv", as_tsv(ROWS)),
    "tsv with header": ("a.tsv", "text\tlabel\n" + as_tsv(ROWS)),
    "tsv with byte order mark": ("a.tsv", "\ufeff" + as_tsv(ROWS)),
    "tsv of Windows": ("a.tsv", as_tsv(ROWS).replace("\n", "\r\n")),
    "jsonl": ("a.jsonl", as_jsonl(ROWS)),
    "jsonl, other usual names": ("a.jsonl", as_jsonl(ROWS, "review", "category")),
    "jsonl, names to be found out": ("a.jsonl", as_jsonl(ROWS, "phrase", "mood")),
    "jsonl with blank lines": ("a.jsonl", "\n" + as_jsonl(ROWS).replace("\n", "\n  \n")),
    "jsonl with byte order mark": ("a.jsonl", "\ufeff" + as_jsonl(ROWS)),
    "jsonl of Windows": ("a.jsonl", as_jsonl(ROWS).replace("\n", "\r\n")),
}


@pytest.mark.parametrize("case", GOOD_FILES)
def test_texts_and_labels_are_found(case, tmp_path):
    name, content = GOOD_FILES[case]
    source = FileSource(write(tmp_path / name, content))
    assert rows_of(source) == ROWS
    assert rows_of(source) == ROWS, "it is read anew"


def test_fields_in_quotes_hold_commas_quotes_and_line_ends(tmp_path):
    content = 'text,label\n"one, ""two""\nthree",good\nplain,bad\n'
    source = FileSource(write(tmp_path / "a.csv", content))
    assert rows_of(source) == [('one, "two"\nthree', "good"), ("plain", "bad")]
    assert [row.origin for row in source][1] == f"{tmp_path / 'a.csv'}, line 4"


def test_tsv_knows_no_quotes(tmp_path):
    content = '"Oh, he said\tgood\nit is 5" long\tbad\n""\tbad\n'
    source = FileSource(write(tmp_path / "a.tsv", content))
    assert rows_of(source) == [('"Oh, he said', "good"), ('it is 5" long', "bad"), ('""', "bad")]


def test_an_empty_text_is_a_text(tmp_path):
    source = FileSource(write(tmp_path / "a.tsv", "text\tlabel\n\tgood\nfine\tgood\nno\tbad\n"))
    assert rows_of(source) == [("", "good"), ("fine", "good"), ("no", "bad")]


def test_space_around_labels_is_dropped_and_inside_is_one(tmp_path):
    source = FileSource(write(tmp_path / "a.tsv", "text\tlabel\nfine\t very  good \nno\tbad\n"))
    assert [row.label for row in source] == ["very good", "bad"]


def test_labels_of_json_may_be_numbers(tmp_path):
    lines = ['{"text": "a", "label": 1}', '{"text": "b", "label": 0}', '{"text": "c", "label": -2}']
    source = FileSource(write(tmp_path / "a.jsonl", "\n".join(lines)))
    assert [row.label for row in source] == ["1", "0", "-2"]


def test_texts_are_not_touched(tmp_path):
    text = "  Ünïcode 日本語 😀\u2028 spaces  \u00a0"
    source = FileSource(write(tmp_path / "a.tsv", f"text\tlabel\n{text}\tx\nother\ty\n"))
    assert next(iter(source)).input == text


COLUMNS = "id,phrase,tone,mood\n1,a good film,calm,good\n2,a bad one,calm,bad\n"


@pytest.mark.parametrize(
    ("text_column", "label_column"),
    [("phrase", "mood"), (1, 3), ("1", "3"), ("phrase", 3), (1, "mood")],
)
def test_columns_can_be_named_or_counted(tmp_path, text_column, label_column):
    path = write(tmp_path / "a.csv", COLUMNS)
    # A column that is named tells the header; otherwise the first line looks like any other.
    named = (isinstance(text_column, str) and text_column == "phrase") or label_column == "mood"
    content = ROWS[:2] if named else [("phrase", "mood"), *ROWS[:2]]
    assert rows_of(FileSource(path, text_column, label_column)) == content


def test_columns_can_be_counted_below_a_usual_header(tmp_path):
    path = write(tmp_path / "a.csv", "text,label,body\nx,y,a good film\nz,w,a bad one\n")
    assert rows_of(FileSource(path, 2, 0)) == [("a good film", "x"), ("a bad one", "z")]


def test_columns_of_json_can_be_named(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": "no", "said": "yes", "label": "a", "mood": "b"}\n')
    assert rows_of(FileSource(path, "said", "mood")) == [("yes", "b")]


def test_columns_without_names_are_told_by_what_they_hold(tmp_path):
    rows = [f"{i}\tsome words of length {i}\t{'ab'[i % 2]}\t{i * 7}\n" for i in range(30)]
    source = FileSource(write(tmp_path / "a.tsv", "".join(rows)))
    assert (source.text_column, source.label_column, source.header) == (1, 2, False)
    assert rows_of(source)[3] == ("some words of length 3", "b")


def test_it_says_how_a_file_is_understood(tmp_path):
    path = write(tmp_path / "a.csv", COLUMNS.replace("phrase", "text"))
    assert FileSource(path, label_column="mood").understood == (
        f"{path}: text in column 'text', label in column 'mood', first line is a header"
    )
    path = write(tmp_path / "b.tsv", as_tsv(ROWS))
    assert FileSource(path).understood == f"{path}: text in column 0, label in column 1"
