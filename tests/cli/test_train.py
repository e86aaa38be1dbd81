"""attnzoo train and evaluate."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from attnzoo import zoo

from .conftest import LABELS, train_arguments


def tree(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# === Train ===


def test_training_says_what_it_understood_and_what_to_do_next(trained, reviews):
    assert trained.result.code == 0, trained.result.err
    out = trained.result.out
    assert "text in column 'sentence', label in column 'label'" in out
    assert "Best of 2 epochs" in out
    assert f"Saved to {trained}" in out
    for command in (
        f"attnzoo evaluate {trained} --data {reviews}",
        f"attnzoo predict {trained} 'your text here'",
        f"attnzoo export {trained} --to savedmodel,onnx",
    ):
        assert f"  {command}" in out


def test_the_run_is_a_pipeline_with_its_history(trained):
    assert {"manifest.json", "model.keras", "tokenizer.json", "history.csv", "run.json"} <= {
        path.name for path in trained.folder.iterdir()
    }
    assert not (trained.folder / "training_state").exists()
    pipeline = zoo.load(trained.folder)
    assert pipeline.labels == LABELS
    assert pipeline.config.hidden_dim == 32
    assert pipeline.config.num_layers == 1
    assert pipeline.config.vocabulary_size <= 200
    assert pipeline.training["recipe"]["epochs"] == 2
    assert len((trained.folder / "history.csv").read_text().splitlines()) == 3


def test_a_second_run_into_the_same_folder_is_refused(attnzoo, trained, reviews):
    before = tree(trained.folder)
    result = attnzoo(*train_arguments(reviews, trained))
    assert result.code == 1
    assert "Expected no training run in" in result.err
    assert tree(trained.folder) == before


@pytest.mark.slow
def test_training_as_json_with_names_for_the_labels(attnzoo, reviews, tmp_path):
    settings = ("epochs=1", "num_layers=1", "hidden_dim=8", "intermediate_dim=8")
    result = attnzoo(
        *train_arguments(reviews, tmp_path / "run", settings=settings),
        *("--label-names", "no, yes", "--json"),
    )
    assert result.code == 0, result.err
    answer = json.loads(result.out)
    assert answer["out"] == str(tmp_path / "run")
    assert answer["best"] == answer["rows"][0]
    assert "val_accuracy" in answer["best"]
    assert zoo.load(tmp_path / "run").labels == ["no", "yes"]


@pytest.mark.slow
def test_a_saved_run_is_trained_on(attnzoo, trained, reviews, tmp_path):
    result = attnzoo(
        "train", trained, "--data", reviews, "--out", tmp_path / "more", "--set", "epochs=1"
    )
    assert result.code == 0, result.err
    more = zoo.load(tmp_path / "more")
    assert more.config == zoo.load(trained.folder).config
    tokenizer = (tmp_path / "more" / "tokenizer.json").read_text("utf-8")
    assert tokenizer == (trained.folder / "tokenizer.json").read_text("utf-8")


@pytest.mark.parametrize(
    "more",
    [
        ["sentiment_classifier/tiny"],
        ["--data", "demo"],
        ["--out", "elsewhere"],
        ["--set", "epochs=3"],
        ["--recipe", "demo"],
        ["--seed", "3"],
        ["--dtype", "mixed_bfloat16"],
        ["--validation-split", "0.3"],
    ],
    ids=" ".join,
)
def test_resume_stands_alone(attnzoo, trained, more):
    before = tree(trained.folder)
    result = attnzoo("train", "--resume", trained, *more)
    assert result.code == 1
    assert "Expected `--resume RUN` alone" in result.err
    assert tree(trained.folder) == before


def test_a_finished_run_is_not_resumed(attnzoo, trained):
    result = attnzoo("train", "--resume", trained)
    assert result.code == 1
    assert "there is none to resume" in result.err


@pytest.mark.parametrize("content", ["{", "[1]", '"x"'])
def test_a_broken_note_of_the_run_is_named(attnzoo, tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    result = attnzoo("train", "--resume", tmp_path)
    assert result.code == 1
    assert "run.json to hold the run's arguments" in result.err


@pytest.mark.slow
def test_ctrl_c_keeps_the_best_weights_and_the_run_can_be_resumed(attnzoo, reviews, tmp_path):
    folder = tmp_path / "run"
    settings = ("epochs=40", "patience=100", "hidden_dim=32", "batch_size=4", "num_layers=1")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "attnzoo.cli",
            *map(str, train_arguments(reviews, folder, settings=settings)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    history = folder / "training_state" / "history.csv"
    deadline = time.monotonic() + 240
    while not history.exists():  # It is written after the first epoch, then every ten seconds.
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert f"The best weights so far are in {folder}" in errors
    assert f"train --resume {folder}" in errors
    assert errors.endswith("attnzoo: interrupted\n")

    assert zoo.load(folder).training["interrupted"]
    assert attnzoo("predict", folder, "a fine film").code == 0
    done = len(history.read_text().splitlines()) - 1
    assert done < 40

    refused = attnzoo(*train_arguments(reviews, folder, settings=settings))
    assert refused.code == 1
    assert f"--resume {folder}" in refused.err

    result = attnzoo("train", "--resume", folder, "--json")
    assert result.code == 0, result.err
    rows = json.loads(result.out)["rows"]
    assert [row["epoch"] for row in rows] == list(range(40))
    assert not zoo.load(folder).training["interrupted"]
    assert not (folder / "training_state").exists()


# === Evaluate ===


def test_evaluate_prints_metrics_and_confusion(attnzoo, trained, reviews):
    result = attnzoo("evaluate", trained, "--data", reviews)
    assert result.code == 0
    assert result.lines[0] == f"test of {reviews}:"
    assert result.lines[1].startswith("accuracy ")
    assert result.lines[1].endswith("10 rows")
    for label in LABELS:
        assert label in result.out


def test_evaluate_as_json_is_the_same_for_run_and_artefact(attnzoo, model_path, trained, reviews):
    result = attnzoo("evaluate", model_path, "--data", reviews, "--json")
    assert result.code == 0, result.err
    answer = json.loads(result.out)
    assert answer["split"] == "test"
    assert answer["rows"] == sum(map(sum, answer["confusion"])) == 10
    right = sum(answer["confusion"][index][index] for index in range(2))
    assert answer["accuracy"] == pytest.approx(right / 10)
    assert answer["per_label"].keys() == set(LABELS)
    of_run = json.loads(attnzoo("evaluate", trained, "--data", reviews, "--json").out)
    assert answer["confusion"] == of_run["confusion"]


def test_evaluate_takes_another_split(attnzoo, exported, reviews):
    result = attnzoo("evaluate", exported, "--data", reviews, "--split", "train", "--json")
    assert json.loads(result.out)["rows"] == 50
    result = attnzoo("evaluate", exported, "--data", reviews, "--split", "validation")
    assert result.code == 1
    assert "Expected one of the splits ['test', 'train']" in result.err


def test_evaluate_refuses_labels_that_the_model_does_not_have(attnzoo, exported, tmp_path):
    data = tmp_path / "other.tsv"
    data.write_text("text\tlabel\na fine film\tgood\na film\tmeh\n")
    result = attnzoo("evaluate", exported, "--data", data)
    assert result.code == 1
    assert f"label 'meh' in {data}, line 3" in result.err
