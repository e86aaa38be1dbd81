"""attnzoo export, verify and describe."""

import json
import shutil

import pytest

from attnzoo import zoo

from ..export.small_models import make_source
from .conftest import LABELS


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


# === Export ===


def test_export_writes_both_formats_and_prints_the_checks(exported):
    assert exported.result.code == 0, exported.result.err
    assert manifest_of(exported.folder)["variants"].keys() == {"savedmodel/1", "onnx/model.onnx"}
    out = exported.result.out
    assert "ONNX checker" in out
    assert "FAIL" not in out
    assert f"Verified and written to {exported}" in out
    assert f"  attnzoo verify {exported}\n" in out


def test_progress_goes_to_standard_error(exported):
    lines = exported.result.err.splitlines()
    assert [line for line in lines if line.startswith("attnzoo: writing ")] == [
        "attnzoo: writing savedmodel/1 ...",
        "attnzoo: writing onnx/model.onnx ...",
    ]


@pytest.mark.slow
def test_version_and_signatures_are_taken(attnzoo, trained, tmp_path):
    result = attnzoo(
        *("export", trained, "--to", "savedmodel", "--version", "3", "--out", tmp_path / "dist"),
        *("--signatures", "tokens"),
    )
    assert result.code == 0, result.err
    (variant,) = manifest_of(tmp_path / "dist")["variants"].items()
    assert variant[0] == "savedmodel/3"
    assert variant[1]["signatures"].keys() == {"tokens", "serving_default"}


def test_what_is_there_is_replaced_only_on_request(attnzoo, trained, exported, tmp_path):
    shutil.copytree(exported.folder, tmp_path / "dist")
    arguments = ("export", trained, "--to", "onnx", "--out", tmp_path / "dist", "--json")
    refused = attnzoo(*arguments)
    assert refused.code == 1
    assert "`--overwrite` on the command line" in refused.err
    assert refused.out == ""
    replaced = attnzoo(*arguments, "--overwrite")
    assert replaced.code == 0
    answer = json.loads(replaced.out)
    assert answer["passed"]
    assert answer["out"] == str(tmp_path / "dist")
    assert {check["variant"] for check in answer["checks"]} == {"artefact", "onnx/model.onnx"}


def test_a_folder_of_something_else_is_left_alone(attnzoo, trained, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    result = attnzoo("export", trained, "--out", tmp_path, "--overwrite")
    assert result.code == 1
    assert "which holds something else" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_artefact_cannot_be_exported_again(attnzoo, exported, tmp_path):
    result = attnzoo("export", exported, "--out", tmp_path / "dist")
    assert result.code == 1
    assert "attnzoo.artefact" in result.err


def test_a_file_system_that_is_read_only_is_told_in_one_line(attnzoo, trained, tmp_path):
    (tmp_path / "file").write_text("")
    result = attnzoo("export", trained, "--out", tmp_path / "file" / "dist")
    assert result.code == 1
    assert "Traceback" not in result.err
    assert result.err.splitlines()[-1].startswith("attnzoo: error: [Errno ")


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.list_models())
def test_every_model_exports_in_every_precision_and_verifies(attnzoo, name, tmp_path):
    make_source(name).save(tmp_path / "run")
    precisions = ("--precision", "float32,float16,int8")
    exported = attnzoo("export", tmp_path / "run", "--out", tmp_path / "dist", *precisions)
    assert exported.code == 0, exported.err
    verified = attnzoo("verify", tmp_path / "dist")
    assert verified.code == 0, verified.err
    for file in ("model.onnx", "model.float16.onnx", "model.int8.onnx"):
        assert f"onnx/{file}" in verified.out
    assert "FAIL" not in verified.out


def keras_file(path, layer):
    import keras

    keras.Sequential([keras.Input((3,), name="row"), layer]).save(path)
    return path


def test_a_file_of_keras_is_exported(attnzoo, tmp_path):
    import keras

    file = keras_file(tmp_path / "mine.keras", keras.layers.Dense(2, "gelu", name="out"))
    options = ("--attention", "standard", "--opset", 23, "--precision", "float32,float16")
    result = attnzoo("export", file, "--to", "onnx", "--out", tmp_path / "dist", *options)
    assert result.code == 0, result.err
    assert "ONNX checker" in result.out
    assert f"attnzoo inspect {tmp_path / 'dist'}" in result.out
    manifest = manifest_of(tmp_path / "dist")
    assert manifest["inputs"][0]["name"] == "row"
    assert manifest["variants"].keys() == {"onnx/model.onnx", "onnx/model.float16.onnx"}
    for variant in manifest["variants"].values():
        assert (variant["attention"], variant["opset"], variant["fused"]) == (
            *("standard", 23),
            {"Gelu": 1},
        )


def test_a_file_of_layers_that_only_its_author_has_is_refused_by_their_name(attnzoo, tmp_path):
    import keras

    class Mine(keras.layers.Dense):
        pass

    file = keras_file(tmp_path / "mine.keras", Mine(2))
    for model, message in ((file, "'Mine'"), (tmp_path / "none.keras", "none.keras")):
        result = attnzoo("export", model, "--to", "onnx", "--out", tmp_path / "dist")
        assert result.code == 1
        assert message in result.err
        assert len(result.err.splitlines()) == 1


# === Verify ===


def test_verify_prints_every_check(attnzoo, exported):
    result = attnzoo("verify", exported)
    assert result.code == 0
    assert result.lines[-1] == "verified"
    for name in ("ONNX checker", "answers of `serving_default`", "weights stored once"):
        assert name in result.out


def test_verify_of_a_broken_artefact_fails_and_shows_the_row(attnzoo, exported, tmp_path):
    shutil.copytree(exported.folder, tmp_path / "dist")
    path = tmp_path / "dist" / "onnx" / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    manifest = manifest_of(tmp_path / "dist")
    del manifest["variants"]["savedmodel/1"]
    (tmp_path / "dist" / "manifest.json").write_text(json.dumps(manifest))

    result = attnzoo("verify", tmp_path / "dist")
    assert result.code == 1
    (row,) = [line for line in result.lines if "FAIL" in line]
    assert "onnx/model.onnx" in row
    assert result.lines[-1] == "NOT verified"
    assert result.err.startswith("attnzoo: error: Expected the artefact to pass every check.")
    assert len(result.err.splitlines()) == 1

    result = attnzoo("verify", tmp_path / "dist", "--json")
    assert result.code == 1
    answer = json.loads(result.out)
    assert not answer["passed"]
    assert [check["name"] for check in answer["checks"] if not check["passed"]] == ["files"]


# === On labelled data ===


def test_the_metric_on_labelled_data_is_beside_that_of_keras(
    attnzoo, trained, exported, reviews, tmp_path
):
    data = ("--eval-data", reviews)
    result = attnzoo("export", trained, "--to", "onnx", "--out", tmp_path / "dist", *data)
    assert result.code == 0, result.err
    (row,) = [line for line in result.lines if "accuracy on test data" in line]
    shown = row.split("│")[-2].strip()
    value, keras, rows = shown.split(", ")
    assert keras == f"Keras {value}"
    assert rows == "10 rows"

    result = attnzoo("verify", exported, *data, "--model", trained, "--eval-split", "train")
    assert result.code == 0, result.err
    assert sum("accuracy on train data" in line for line in result.lines) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--eval-data", "x.tsv"], "`--eval-data SPEC` and `--model RUN`"),
        (["--model", "run"], "`--eval-data SPEC` and `--model RUN`"),
        (["--eval-tolerance", "2"], "Expected --eval-tolerance only with `--eval-data`."),
        (["--text-column", "a", "--download"], "Expected --text-column, --download only with"),
    ],
)
def test_options_of_labelled_data_go_together(attnzoo, exported, arguments, said):
    result = attnzoo("verify", exported, *arguments)
    assert result.code == 1
    assert said in result.err


@pytest.mark.parametrize("engines", ["abacus", "c_library,c_library", ""])
def test_an_engine_that_is_none_is_refused(attnzoo, exported, engines):
    result = attnzoo("verify", exported, "--engine", engines)
    assert result.code == 2
    assert "expected some of c_library,onnxruntime_web,openvino,tfserving" in result.err


def test_engines_that_are_not_there_are_said_not_to_have_run(attnzoo, exported, monkeypatch):
    from attnzoo.export import openvino_engine, tf_serving

    for module in (openvino_engine, tf_serving):
        monkeypatch.setattr(module, "why_not", lambda: "it is not here")
    result = attnzoo("verify", exported, "--engine", "openvino,tfserving")
    assert result.code == 0, result.err
    assert sum("not run" in line and "it is not here" in line for line in result.lines) == 2
    assert "but 2 of" in result.lines[-1]


# === Describe ===


def test_describe_a_preset(attnzoo):
    result = attnzoo("describe", "sentiment_classifier/tiny")
    assert result.code == 0
    for phrase in ("hidden_dim: 32", "token_ids: int32 (batch, length)", "text_classification"):
        assert phrase in result.out


def test_describe_a_preset_as_json(attnzoo):
    answer = json.loads(attnzoo("describe", "sentiment_classifier/tiny", "--json").out)
    assert answer["architecture"] == "sentiment_classifier"
    assert answer["config"] == zoo.get_config("sentiment_classifier/tiny").to_dict()
    assert answer["parameters"] == zoo.build("sentiment_classifier/tiny").count_params()


def test_describe_a_run_and_an_artefact(attnzoo, trained, exported):
    for made in (trained, exported):
        result = attnzoo("describe", made)
        assert result.code == 0
        for phrase in ("sentiment_classifier", "text_classification", *LABELS):
            assert phrase in result.out
        checksum = manifest_of(made.folder)["files"]["tokenizer.json"]["sha256"]
        assert checksum not in result.out
        assert json.loads(attnzoo("describe", made, "--json").out) == manifest_of(made.folder)


@pytest.mark.parametrize("content", ["{", "[1]", "12"])
def test_a_manifest_that_is_none_is_named(attnzoo, tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    for verb in ("describe", "verify"):
        result = attnzoo(verb, tmp_path)
        assert result.code == 1
        assert str(tmp_path / "manifest.json") in result.err


# === Inspect and bench ===


def test_inspect_says_what_is_there(attnzoo, exported):
    result = attnzoo("inspect", exported)
    assert result.code == 0, result.err
    for words in ("savedmodel/1", "onnx/model.onnx", "MatMul", "good", "checks passed"):
        assert words in result.out
    answer = json.loads(attnzoo("inspect", exported, "--json").out)
    assert answer["labels"] == LABELS


def test_bench_names_the_fastest_and_draws(attnzoo, exported, trained, tmp_path):
    arguments = ("bench", exported, "--batch", 1, "--length", 8, "--seconds", "0.1")
    result = attnzoo(*arguments, "--model", trained, "--out", tmp_path / "bench.png")
    assert result.code == 0, result.err
    assert "(fastest)" in result.out
    assert "Keras" in result.out
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")
    refused = attnzoo(*arguments, "--out", tmp_path / "bench.jpg")
    assert refused.code == 1
    assert "a .png file" in refused.err
