"""Files that cannot be read as labelled texts: the message names file and line, and the mend."""

import pytest

from attnzoo import training

from .test_files import write

GOOD = "text,label\na good film,good\na bad one,bad\n"

# File name, content, and what the message must hold besides the file's name.
BAD_FILES = {
    "empty": ("a.csv", "", ["the file is empty"]),
    "only blank lines": ("a.csv", "\n\n\n", ["the file is empty"]),
    "empty jsonl": ("a.jsonl", "\n", ["the file is empty"]),
    "header only": ("a.csv", "text,label\n", ["rows below the header", "there are none"]),
    "unknown suffix": ("a.txt", GOOD, [".csv", ".tsv", ".jsonl"]),
    "no suffix": ("reviews", GOOD, [".csv", ".tsv", ".jsonl"]),
    "too few fields": ("a.csv", GOOD + "alone\n", ["line 4", "2 fields", "1 fields"]),
    "too many fields": ("a.csv", GOOD + "one,two,bad\n", ["line 4", "2 fields", "3 fields"]),
    "too many fields without header": ("a.tsv", "x\ta\ny\tb\tc\n", ["line 2", "3 fields"]),
    "empty label": ("a.csv", GOOD + "a film,\n", ["line 4", "Expected a label", "empty"]),
    "blank label": ("a.csv", GOOD + "a film,  \n", ["line 4", "Expected a label", "empty"]),
    "not UTF-8": (
        "a.csv",
        GOOD.encode() + "ein schöner Film,good\n".encode("latin-1"),
        ["line 4", "UTF-8", "byte 0xf6 at column 8", "iconv"],
    ),
    "not UTF-8 in jsonl": (
        "a.jsonl",
        b'{"text": "a", "label": "b"}\n{"text": "\xff", "label": "b"}\n',
        ["line 2", "UTF-8", "0xff"],
    ),
    "UTF-16": ("a.csv", GOOD.encode("utf-16"), ["line 1", "UTF-8"]),
    "a quote left open": ("a.csv", GOOD + '"a film,good\n', ["line 4", "unexpected end of data"]),
    "text after a quote": ("a.csv", GOOD + '"a film" x,good\n', ["line 4", "expected after"]),
    "not JSON": (
        "a.jsonl",
        '{"text": "a", "label": "x"}\n{"text": "b", label: 1}\n',
        ["line 2", "not JSON"],
    ),
    "JSON but no object": (
        "a.jsonl",
        '{"text": "a", "label": "x"}\n["b", "y"]\n',
        ["line 2", "a JSON object"],
    ),
    "JSON without the text": (
        "a.jsonl",
        '{"text": "a", "label": "x"}\n{"label": "y"}\n',
        ["line 2", "'text'", "missing"],
    ),
    "JSON with no label": (
        "a.jsonl",
        '{"text": "a", "label": "x"}\n{"text": "b", "label": null}\n',
        ["line 2", "'label'", "missing"],
    ),
    "JSON with a number for text": (
        "a.jsonl",
        '{"text": "a", "label": "x"}\n{"text": 5, "label": "y"}\n',
        ["line 2", "'text' of type int"],
    ),
    "JSON with a list for label": (
        "a.jsonl",
        '{"text": "a", "label": "x"}\n{"text": "b", "label": ["y"]}\n',
        ["line 2", "'label' of type list"],
    ),
    "one column": ("a.csv", "text\na good film\n", ["a column of texts and one of labels", "text"]),
    "one label only": ("a.csv", "text,label\na,good\nb,good\n", ["two labels", "good"]),
    "a split of another name": (
        "a.csv",
        "text,label,split\na,good,train\nb,bad,holdout\n",
        ["line 3", "'holdout'"],
    ),
    "an empty split": ("a.csv", "text,label,split\na,good,train\nb,bad,\n", ["line 3", "''"]),
    "no training rows": (
        "a.csv",
        "text,label,split\na,good,test\nb,bad,dev\n",
        ["'train'", "'test'", "'validation'"],
    ),
    "a label in test only": (
        "a.csv",
        "text,label,split\na,x,train\nb,y,train\nc,x,dev\nd,z,test\n",
        ["line 5", "label 'z'", "train split"],
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_where_it_is_bad(case, tmp_path):
    name, content, expected = BAD_FILES[case]
    path = write(tmp_path / name, content)
    with pytest.raises(training.DataError) as error:
        training.load_data(path, verbose=False)
    assert isinstance(error.value, ValueError)
    for part in (str(path), *expected):
        assert part in str(error.value)


@pytest.mark.parametrize("spec", ["nowhere.csv", "no/folder", "imdb_reviews"])
def test_a_file_that_is_not_there_is_refused(spec):
    with pytest.raises(training.DataError, match=f"'{spec}', and nothing is there"):
        training.load_data(spec, verbose=False)


def test_a_file_source_of_a_missing_file_is_refused(tmp_path):
    with pytest.raises(training.DataError, match=r"a file at .*gone\.csv; there is none"):
        training.sources.FileSource(tmp_path / "gone.csv")


@pytest.mark.parametrize("columns", [("body", None), (None, "mood"), (7, None), ("7", None)])
def test_a_column_that_is_not_there_is_refused(tmp_path, columns):
    path = write(tmp_path / "a.csv", GOOD)
    with pytest.raises(
        training.DataError, match=r"Expected a column.*\['text', 'label'\]"
    ) as error:
        training.load_data(path, text_column=columns[0], label_column=columns[1], verbose=False)
    assert str(path) in str(error.value)


def test_many_different_labels_are_taken_for_a_mistake(tmp_path):
    rows = "".join(f"text,{index}\n" for index in range(1001))
    with pytest.raises(training.DataError, match="1001 different values; is the label column"):
        training.load_data(write(tmp_path / "a.csv", "text,label\n" + rows), verbose=False)


def test_a_bad_row_far_below_is_found_before_training(tmp_path):
    rows = "a,x\nb,y\n" * 1000
    path = write(tmp_path / "a.csv", f"text,label\n{rows}c\n")
    with pytest.raises(training.DataError, match=r"1 fields in .*a\.csv, line 2002"):
        training.load_data(path, verbose=False)


def test_two_files_for_one_split_are_refused(tmp_path):
    for name in ("train.csv", "dev.csv", "validation.tsv"):
        write(tmp_path / name, GOOD.replace(",", "\t") if name.endswith("tsv") else GOOD)
    with pytest.raises(training.DataError, match=r"dev\.csv and validation\.tsv for 'validation'"):
        training.load_data(tmp_path, verbose=False)


def test_a_folder_without_training_rows_is_refused(tmp_path):
    write(tmp_path / "test.csv", GOOD)
    write(tmp_path / "notes.txt", "")
    with pytest.raises(training.DataError, match=r"train\.jsonl in .*\['notes\.txt', 'test\.csv'"):
        training.load_data(tmp_path, verbose=False)


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="unknown task"):
        training.load_data("demo", task="juggling", verbose=False)
