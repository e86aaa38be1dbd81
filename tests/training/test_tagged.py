"""Files of tagged sentences: what is read, and what is refused with file and line."""

import gzip

import pytest

from attnzoo import training
from attnzoo.training.sources import TaggedFile, read_words

CONLLU = """\
# sent_id = 1
# text = Don't go.
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\tVB\t_\t3\taux\t_\t_
2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_
3\tgo\tgo\tVERB\tVB\t_\t0\troot\t_\t_
3.1\tgone\tgo\tVERB\tVBN\t_\t_\t_\t_\t_
4\t.\t.\tPUNCT\t.\t_\t3\tpunct\t_\t_

1\tNew York\tNew York\tPROPN\tNNP\t_\t0\troot\t_\t_

"""
CONLL = "-DOCSTART- -X- O O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n\nGerman JJ B-NP B-MISC\n"


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def rows_of(path, label_column=None):
    return [(row.input, row.label) for row in TaggedFile(path, label_column)]


def test_conllu_gives_words_and_upos_without_multiword_tokens_and_empty_nodes(tmp_path):
    path = write(tmp_path / "a.conllu", CONLLU)
    assert rows_of(path) == [
        (["Do", "n't", "go", "."], ["AUX", "PART", "VERB", "PUNCT"]),
        (["New York"], ["PROPN"]),
    ]
    assert rows_of(path, "XPOS")[0][1] == ["VB", "RB", "VB", "."]


def test_conll_gives_the_last_column_or_the_one_that_is_asked_for(tmp_path):
    path = write(tmp_path / "a.conll", CONLL)
    assert rows_of(path) == [(["EU", "rejects"], ["B-ORG", "O"]), (["German"], ["B-MISC"])]
    assert [label for _, label in rows_of(path, 1)] == [["NNP", "VBZ"], ["JJ"]]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_tabs_spaces_and_line_ends_of_all_kinds_part_fields(tmp_path, ending):
    text = "New York\tB-place\nrocks\tO\n\nyes O\n".replace("\n", ending)
    path = write(tmp_path / "a.bio", text)
    assert rows_of(path) == [(["New York", "rocks"], ["B-place", "O"]), (["yes"], ["O"])]


def test_a_gzipped_file_is_read_as_it_is(tmp_path):
    path = write(tmp_path / "a.conllu.gz", gzip.compress(CONLLU.encode()))
    assert len(rows_of(path)) == 2


def test_a_row_knows_its_line(tmp_path):
    path = write(tmp_path / "a.conll", CONLL)
    assert [row.origin for row in TaggedFile(path)] == [f"{path}, line 3", f"{path}, line 7"]


def test_words_alone_can_be_read_to_be_tagged(tmp_path):
    path = write(tmp_path / "a.conll", "EU\nrejects\n\nGerman\n")
    assert list(read_words(path)) == [["EU", "rejects"], ["German"]]
    assert next(read_words(write(tmp_path / "a.conllu", CONLLU))) == ["Do", "n't", "go", "."]


BAD_FILES = {
    "too few columns": ("a.conllu", CONLLU + "1\tx\tNOUN\n", ["line 12", "10 fields"]),
    "no label": ("a.conll", "EU NNP\nalone\n", ["line 2", "a word and its label", "'alone'"]),
    "an empty label": ("a.conll", "EU\tO\nit\t\n", ["line 2", "a word and its label"]),
    "an empty word": ("a.conll", "EU\tO\n\tO\n", ["line 2", "a word and its label"]),
    "not UTF-8": ("a.conll", b"EU O\ncaf\xe9 O\n", ["line 2", "UTF-8", "0xe9"]),
    "a broken gzip": ("a.conll.gz", gzip.compress(b"EU O\n" * 900)[:-20], ["whole gzip file"]),
    "no gzip at all": ("a.conll.gz", b"EU O\n", ["whole gzip file"]),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_named_with_its_line(tmp_path, name):
    file, text, parts = BAD_FILES[name]
    path = write(tmp_path / file, text)
    with pytest.raises(training.DataError) as error:
        list(TaggedFile(path))
    for part in (str(path), *parts):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("file", "column", "message"),
    [
        ("a.txt", None, r"ends in one of .*\.conllu.*a\.txt"),
        ("missing.conll", None, r"Expected a file at .*missing\.conll"),
        ("a.conllu", "lemma", r"a label column of \['upos', 'xpos'\].*'lemma'"),
        ("a.conll", "ner", r"the index of a label column.*'ner'"),
    ],
)
def test_what_cannot_be_opened_is_refused(tmp_path, file, column, message):
    if not file.startswith("missing"):
        write(tmp_path / file, CONLL)
    with pytest.raises(training.DataError, match=message):
        TaggedFile(tmp_path / file, column)


# === As data ===


def load(spec, **kwargs):
    return training.load_data(spec, "token_classification", verbose=False, **kwargs)


def test_a_folder_gives_its_splits_by_name(tmp_path):
    for name in ("en-train.conll", "en-dev.conll", "en-test.conll", "notes.txt", "other.conll"):
        write(tmp_path / name, "a DET\nfilm NOUN\n\nfilms NOUN\n")
    data = load(tmp_path)
    assert data.label_names == ["DET", "NOUN"]
    for split in (data.train, data.validation, data.test):
        assert list(split.inputs()) == [["a", "film"], ["films"]]
        assert [labels.tolist() for labels in split.labels] == [[0, 1], [1]]
    assert split.flat_labels.tolist() == [0, 1, 1]


def test_two_files_for_one_split_are_refused(tmp_path):
    for name in ("train.conll", "train-more.conll"):
        write(tmp_path / name, "a DET\nfilm NOUN\n")
    with pytest.raises(training.DataError, match="one file for each split"):
        load(tmp_path)


def test_a_folder_without_training_sentences_is_refused(tmp_path):
    write(tmp_path / "dev.conll", "a DET\n")
    with pytest.raises(training.DataError, match="`train` in its name"):
        load(tmp_path)


def test_sentences_are_held_out_where_no_file_is_for_it(tmp_path):
    path = write(tmp_path / "all.conll", "a DET\nfilm NOUN\n\n" * 40)
    data = load(path)
    assert (len(data.train), len(data.validation)) == (36, 4)
    assert (
        "8 of 80 training words are held out for it, in sentences chosen at random (seed 0)"
        in " ".join(data.understood)
    )


def test_a_label_that_only_the_test_file_has_is_named(tmp_path):
    write(tmp_path / "train.conll", "a DET\nfilm NOUN\n\n" * 9)
    write(tmp_path / "test.conll", "a DET\n\ngo VERB\n")
    with pytest.raises(training.DataError, match=r"label 'VERB' in .*test\.conll, line 3"):
        load(tmp_path)


def test_a_text_column_means_nothing_here(tmp_path):
    with pytest.raises(training.DataError, match="no `text_column` for the task"):
        load("demo", text_column="text")


def test_the_demo_sentences_are_of_all_tags_and_none_is_in_both_files():
    data = load("demo")
    assert len(data.label_names) == 17
    assert len(data.train) + len(data.validation) >= 250
    train = {tuple(words) for split in (data.train, data.validation) for words in split.inputs()}
    test = {tuple(words) for words in data.test.inputs()}
    assert not train & test
    assert len(set(data.test.flat_labels)) == 17
