"""Pairs of texts: two columns of a file, two segments of a model, and back out again."""

import json

import numpy as np
import pytest

from attnzoo import export, training, zoo
from attnzoo.cli.main import main
from attnzoo.training.sources import DataError, read_texts

from ..pretrained.small_checkpoints import bert_pipeline
from ..pretrained.test_end_to_end import with_pairs

ROWS = [("a good film", "bad films", "no"), ("good film", "a good film", "yes")] * 8


def write(path, names=("text_a", "text_b", "label"), rows=ROWS):
    if path.suffix == ".jsonl":
        lines = [json.dumps(dict(zip(names, row, strict=True))) for row in rows]
    else:
        lines = ["\t".join(row) for row in (names, *rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def pairs(tmp_path):
    return write(tmp_path / "pairs.tsv")


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("pairs.tsv", ("text_a", "text_b", "label")),
        ("pairs.jsonl", ("text_a", "text_b", "label")),
        ("pairs.tsv", ("sentence1", "sentence2", "is_same")),
        ("pairs.jsonl", ("premise", "hypothesis", "label")),
    ],
)
def test_two_columns_are_read_as_pairs(tmp_path, name, names):
    path = write(tmp_path / name, names)
    data = training.load_data(path, verbose=False)
    assert set(data.train.inputs()) == {row[:2] for row in ROWS}
    assert data.label_names == ["no", "yes"]
    assert f"pairs of texts in columns {names[0]!r} and {names[1]!r}" in data.understood[0]
    assert list(read_texts(path)) == [row[:2] for row in ROWS]


def test_a_column_that_is_asked_for_is_single_texts(pairs):
    data = training.load_data(pairs, text_column="text_a", label_column="label", verbose=False)
    assert set(data.train.inputs()) == {row[0] for row in ROWS}
    assert list(read_texts(pairs, "text_b")) == [row[1] for row in ROWS]


def test_half_a_pair_is_refused_with_its_line(tmp_path):
    path = write(tmp_path / "pairs.jsonl", rows=[*ROWS, ("good", None, "yes")])
    with pytest.raises(DataError, match=f"'text_b' in .*line {len(ROWS) + 1}"):
        training.load_data(path, verbose=False)
    with pytest.raises(DataError, match=f"'text_b' of .*line {len(ROWS) + 1}"):
        list(read_texts(path))


def test_pairs_are_learned_answered_and_exported(pairs, tmp_path, capsys):
    with_pairs(bert_pipeline(num_classes=2)).save(tmp_path / "start")
    run, dist = str(tmp_path / "run"), tmp_path / "dist"
    settings = ("--set", "epochs=1", "--set", "batch_size=8", "--recipe", "finetune")
    start = str(tmp_path / "start")
    assert main(["train", start, "--data", str(pairs), "--out", run, *settings]) == 0
    trained = zoo.load(run)
    batch = next(
        iter(
            training.prepare(trained, training.load_data(pairs, verbose=False)).make_batches(
                training.load_data(pairs, verbose=False).train
            )
        )
    )
    assert batch[0]["segment_ids"].max() == 1
    expected = trained([row[:2] for row in ROWS])
    export.to_onnx(trained, dist)
    for folder in (run, str(dist / "onnx" / "model.onnx")):
        capsys.readouterr()
        assert main(["predict", folder, "--input", str(pairs), "--json"]) == 0
        answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert answers[0]["text"] == "\t".join(ROWS[0][:2])
        np.testing.assert_allclose(
            [answer["probability"] for answer in answers],
            [prediction.probability for prediction in expected],
            atol=1e-5,
        )
    assert main(["evaluate", run, "--data", str(pairs)]) == 0


def test_a_new_model_learns_its_vocabulary_of_both_texts(pairs):
    data = training.load_data(pairs, verbose=False)
    pipeline = training.prepare(
        "sentiment_classifier/tiny", data, num_segments=2, max_sequence_length=16
    )
    vocabulary = pipeline.preprocessor.tokenizer.get_vocab()
    assert {"film", "bad"} <= set(vocabulary)
    recipe = training.get_recipe("few", epochs=1)
    training.fit(pipeline, data, recipe, verbose=0)
    assert len(pipeline([("a good film", "bad films")])) == 1
