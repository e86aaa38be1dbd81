"""What lies in an artefact's folder."""

import json

import numpy as np
import tokenizers

from attnzoo.zoo.files import sha256
from attnzoo.zoo.versions import git_commit

from .small_models import LABELS

# They are about the others, or about the moment of writing.
NOT_LISTED = ("manifest.json", "verify.json", "README.md", ".lock")


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_check_of_the_export_passed(exported):
    assert exported.report.passed
    assert not exported.report.failures
    assert {check.variant for check in exported.report.checks} == {
        "artefact",
        "onnx/model.onnx",
        "savedmodel/1",
    }


def test_the_report_is_of_the_place_where_the_artefact_is(exported):
    assert exported.report.path == exported.folder


def test_the_verification_is_written_down(exported):
    assert read_json(exported.folder / "verify.json") == exported.report.to_dict()


def test_the_manifest_lists_every_file_with_its_checksum(exported):
    manifest = read_json(exported.folder / "manifest.json")
    listed = dict(manifest["files"])
    for variant in manifest["variants"].values():
        listed |= variant["files"]
    assert listed.keys() == {
        path.relative_to(exported.folder).as_posix()
        for path in exported.folder.rglob("*")
        if path.is_file() and path.name not in NOT_LISTED and path.parent.name != "serving"
    }
    for name, file in listed.items():
        assert file["sha256"] == sha256(exported.folder / name)
        assert file["bytes"] == (exported.folder / name).stat().st_size


def test_the_manifest_says_what_the_model_is(exported):
    manifest = read_json(exported.folder / "manifest.json")
    assert manifest["format"] == "attnzoo.artefact"
    assert manifest["format_version"] == 1
    assert manifest["architecture"] == exported.name
    assert manifest["task"] == exported.task.name
    assert manifest["config"] == json.loads(json.dumps(exported.config.to_dict()))
    assert manifest["parameters"] == exported.model.count_params()
    assert {"attnzoo", "keras", "tensorflow", "onnxruntime"} <= set(manifest["versions"])
    assert manifest["versions"].get("commit") == git_commit()


def test_nothing_is_left_beside_the_artefact(exported):
    assert [path.name for path in exported.folder.parent.iterdir()] == ["dist"]


def test_labels_are_in_the_order_of_their_indices(exported_text):
    text = (exported_text.folder / "labels.txt").read_text(encoding="utf-8")
    assert text.splitlines() == LABELS


def test_the_tokenizer_lies_beside_the_model(exported_text):
    path = exported_text.folder / "tokenizer.json"
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    tokenizer.encode_special_tokens = True
    for text in ("A gripping film 東京!", "x y " * 100):
        expected = exported_text.pipeline.preprocessor.encode([text])[0].tolist()
        assert tokenizer.encode(text).ids == expected


def test_the_readme_shows_how_to_serve_the_model(exported):
    readme = (exported.folder / "README.md").read_text(encoding="utf-8")
    assert "tensorflow/serving" in readme
    assert "onnxruntime.InferenceSession" in readme
    for spec in (*exported.task.inputs(exported.config), *exported.task.outputs(exported.config)):
        assert f"`{spec.name}`" in readme


def samples_of(exported):
    """Yields each sample's name, its inputs by name and the names of its outputs."""
    for path in (exported.folder / "samples").glob("*.npz"):
        with np.load(path) as sample:
            inputs = {n.removeprefix("input."): sample[n] for n in sample if n.startswith("input")}
            yield path.stem, inputs, {n for n in sample if n.startswith("output.")}


def test_samples_have_the_tensors_of_the_task_in_every_batch_size(exported):
    sizes = set()
    for _, inputs, outputs in samples_of(exported):
        assert inputs.keys() == {spec.name for spec in exported.task.inputs(exported.config)}
        assert outputs == {f"output.{s.name}" for s in exported.task.outputs(exported.config)}
        sizes.add(len(next(iter(inputs.values()))))
    assert sizes == {1, 2, 5}


def test_samples_of_texts_are_of_every_batch_size_and_length(exported_text):
    shapes = set()
    padded_rows = 0
    for name, inputs, _ in samples_of(exported_text):
        padded_rows += int((inputs["lengths"] == 0).sum())
        shapes.add((len(inputs["lengths"]), name.split("length")[1].split("_")[0]))
    longest = exported_text.task.longest(exported_text.config)
    assert shapes == {(b, str(length)) for b in (1, 2, 5) for length in (1, 2, 7, longest)}
    assert padded_rows >= 12
