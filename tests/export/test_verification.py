"""`export.verify` finds what is wrong, whatever it is."""

import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from attnzoo import export
from attnzoo.zoo.files import checksums

from .small_models import bag_of_words_of

ONNX, SAVEDMODEL = "onnx/model.onnx", "savedmodel/1"


class Broken:
    """A copy of an artefact, and ways to break it."""

    def __init__(self, source, folder):
        shutil.copytree(source, folder)
        self.folder = folder
        self.onnx_file = folder / ONNX

    @property
    def manifest(self):
        return json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))

    def change_manifest(self, change):
        manifest = self.manifest
        change(manifest)
        (self.folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    def make_checksums_right(self):
        """So that only the check of the thing itself can tell."""

        def change(manifest):
            for files in (manifest["files"], *(v["files"] for v in manifest["variants"].values())):
                present = [name for name in files if (self.folder / name).exists()]
                files.update(checksums(self.folder, present))
                for name in set(files) - set(present):
                    del files[name]

        self.change_manifest(change)

    def change_onnx(self, change):
        model = onnx.load(self.onnx_file)
        change(model)
        onnx.save(model, self.onnx_file)
        self.make_checksums_right()

    def change_sample(self, change, pattern="*.npz"):
        for path in sorted((self.folder / "samples").glob(pattern)):
            with np.load(path) as arrays:
                arrays = {name: arrays[name] for name in arrays}
            change(arrays)
            np.savez(path, **arrays)
        self.make_checksums_right()

    def failures(self):
        """`{(variant, check): detail}` of what `verify` finds."""
        with pytest.raises(export.VerificationError) as caught:
            export.verify(self.folder)
        report = caught.value.report
        assert not report.passed
        assert report.failures
        for check in report.failures:
            assert f"{check.variant}: {check.name} ({check.detail})" in str(caught.value)
        return {(check.variant, check.name): check.detail for check in report.failures}


@pytest.fixture
def broken(bag_of_words_artefact, tmp_path):
    return Broken(bag_of_words_artefact, tmp_path / "dist")


@pytest.fixture
def broken_text(export_of, tmp_path):
    """Of a pipeline; of two variants the SavedModel alone, which answers raw text."""
    broken = Broken(export_of("sentiment_classifier").folder, tmp_path / "dist")
    broken.change_manifest(lambda manifest: manifest["variants"].pop(ONNX))
    return broken


def test_a_copy_that_is_whole_passes(broken):
    report = export.verify(broken.folder)
    assert report.passed
    assert [str(check)[:4] for check in report.checks] == ["ok  "] * len(report.checks)


def test_it_passes_anywhere_on_the_disk(broken, monkeypatch):
    monkeypatch.chdir(broken.folder)
    assert export.verify(".").passed


# === Files ===


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def delete(path):
    path.unlink()


DAMAGE = pytest.mark.parametrize(
    ("damage", "detail"),
    [(flip_a_byte, "another SHA-256"), (truncate, "truncated or was changed"), (delete, "missing")],
    ids=["byte", "truncated", "deleted"],
)


@DAMAGE
@pytest.mark.parametrize(
    ("file", "variant"),
    [
        (ONNX, ONNX),
        (f"{SAVEDMODEL}/saved_model.pb", SAVEDMODEL),
        (f"{SAVEDMODEL}/variables/variables.data-00000-of-00001", SAVEDMODEL),
        ("samples/batch2_length7_padded.npz", "artefact"),
        ("labels.txt", "artefact"),
    ],
)
def test_a_damaged_file_is_named(broken, file, variant, damage, detail):
    damage(broken.folder / file)
    failures = broken.failures()
    assert failures.keys() == {(variant, "files")}
    assert detail in failures[variant, "files"]
    assert str(broken.folder / file) in failures[variant, "files"]


def test_every_file_that_is_served_or_sampled_is_named_when_damaged(broken):
    """All but the manifest itself, and what is words and settings for people to read and edit."""
    free = ("manifest.json", "verify.json", "README.md", ".lock")
    files = [path for path in broken.folder.rglob("*") if path.is_file()]
    checked = [f for f in files if f.name not in free and f.parent.name != "serving"]
    assert len(checked) > 20
    for file in checked:
        content = file.read_bytes()
        flip_a_byte(file)
        details = " ".join(broken.failures().values())
        assert str(file) in details
        file.write_bytes(content)
    assert export.verify(broken.folder).passed


@pytest.mark.parametrize("verb", [export.verify, export.inspect, export.load])
def test_a_truncated_manifest_is_named(broken, verb):
    manifest = broken.folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:-100])
    with pytest.raises(ValueError, match=str(manifest)):
        verb(broken.folder)


def test_labels_that_the_manifest_has_otherwise_are_found(broken):
    broken.change_manifest(lambda manifest: manifest["labels"].reverse())
    failures = broken.failures()
    assert failures.keys() == {("artefact", "files")}
    assert "labels.txt" in failures["artefact", "files"]


def test_a_manifest_that_points_outside_is_refused(broken):
    (broken.folder.parent / "secret").write_text("secret")
    broken.change_manifest(lambda m: m["files"].update({"../secret": {"sha256": "", "bytes": 6}}))
    assert "points outside its folder" in broken.failures()["artefact", "files"]


def test_there_must_be_samples(broken):
    for path in (broken.folder / "samples").iterdir():
        path.unlink()
    broken.make_checksums_right()
    failures = broken.failures()
    assert "expected samples" in failures[ONNX, "answers, graph optimisations on"]
    assert (
        "expected samples" in failures[SAVEDMODEL, "answers of `tokens` in a TensorFlow 1 session"]
    )


def test_there_must_be_a_variant(broken):
    broken.change_manifest(lambda manifest: manifest["variants"].clear())
    assert broken.failures()


def test_where_there_is_nothing_there_is_nothing_to_verify(tmp_path):
    with pytest.raises(FileNotFoundError, match="written by `attnzoo export`"):
        export.verify(tmp_path)
    with pytest.raises(FileNotFoundError):
        export.verify(tmp_path / "nothing")


# === The ONNX file ===

ANSWERS = {(ONNX, f"answers, graph optimisations {state}") for state in ("off", "on")}


def add_to_weights(value):
    def change(model):
        weights = [i for i in model.graph.initializer if i.data_type == TensorProto.FLOAT]
        largest = max(weights, key=lambda i: np.prod(i.dims))
        largest.CopyFrom(
            numpy_helper.from_array(
                numpy_helper.to_array(largest) + np.float32(value), largest.name
            )
        )

    return change


@pytest.mark.parametrize("value", [1e-3, np.nan, np.inf], ids=str)
def test_other_weights_are_found(broken, value):
    broken.change_onnx(add_to_weights(value))
    failures = broken.failures()
    assert failures.keys() == ANSWERS
    assert all("logits differs by" in detail for detail in failures.values())


def test_weights_that_differ_by_rounding_are_not_found(broken):
    broken.change_onnx(add_to_weights(1e-7))
    assert export.verify(broken.folder).passed


def test_doubled_weights_are_found(broken):
    size = broken.manifest["parameters"] + 5000

    def change(model):
        copy = numpy_helper.from_array(np.ones(size, "float32"), "a_second_copy")
        model.graph.initializer.append(copy)

    broken.change_onnx(change)
    failures = broken.failures()
    assert failures.keys() == {(ONNX, "weights stored once")}
    assert "4 for each parameter" in failures[ONNX, "weights stored once"]


def rename_a_dimension(model):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "unk__12"


def fix_the_batch(model):
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1


def swap_the_inputs(model):
    first, second = list(model.graph.input)
    del model.graph.input[:]
    model.graph.input.extend([second, first])


def drop_an_output(model):
    del model.graph.output[-1]


def rename_an_output(model):
    model.graph.node.append(helper.make_node("Identity", ["logits"], ["Identity_1"]))
    model.graph.output[0].name = "Identity_1"


@pytest.mark.parametrize(
    "change",
    [rename_a_dimension, fix_the_batch, swap_the_inputs, drop_an_output, rename_an_output],
    ids=lambda change: change.__name__,
)
def test_names_order_and_dimensions_are_held(broken, change):
    broken.change_onnx(change)
    failures = broken.failures()
    assert (ONNX, "names and dimensions") in failures
    assert "expected [(" in failures[ONNX, "names and dimensions"]
    assert (ONNX, "ONNX checker") not in failures


def use_an_unknown_operator(model):
    model.graph.node[0].op_type = "NoSuchOperator"


def lose_an_initializer(model):
    del model.graph.initializer[0]


@pytest.mark.parametrize(
    "change", [use_an_unknown_operator, lose_an_initializer], ids=lambda change: change.__name__
)
def test_an_invalid_file_is_found(broken, change):
    broken.change_onnx(change)
    assert {(ONNX, "ONNX checker"), *ANSWERS} <= broken.failures().keys()


def test_a_file_that_is_no_onnx_fails_every_check_of_it(broken):
    broken.onnx_file.write_bytes(b"not a protobuf file at all")
    broken.make_checksums_right()
    failures = broken.failures()
    assert {(ONNX, "ONNX checker"), (ONNX, "names and dimensions"), *ANSWERS} <= failures.keys()


# === Samples ===


def test_answers_of_another_shape_are_found(broken):
    def change(arrays):
        arrays["output.logits"] = arrays["output.logits"][:, :2]

    broken.change_sample(change, "batch5_length2.npz")
    failures = broken.failures()
    assert failures.keys() >= ANSWERS
    for detail in failures.values():
        assert "sample batch5_length2: expected logits of shape (5, 2), received (5, 3)" in detail


def test_another_label_is_found(broken):
    def change(arrays):
        arrays["output.label"] = (arrays["output.label"] + 1) % 3

    broken.change_sample(change, "batch1_length1.npz")
    failures = broken.failures()
    assert failures.keys() >= ANSWERS
    assert all("sample batch1_length1" in d for d in failures.values())
    assert all("expected labels" in d for d in failures.values())


def test_an_output_that_is_missing_is_found(broken):
    broken.change_sample(lambda arrays: arrays.pop("output.label"), "batch2_length1.npz")
    failures = broken.failures()
    assert failures.keys() >= ANSWERS
    assert all("expected outputs ['logits', 'probabilities']" in d for d in failures.values())


# === The SavedModel ===


def test_other_signatures_are_found(broken):
    broken.change_manifest(
        lambda manifest: manifest["variants"][SAVEDMODEL]["signatures"].pop("serving_default")
    )
    failures = broken.failures()
    assert failures.keys() == {(SAVEDMODEL, "signatures")}
    assert failures[SAVEDMODEL, "signatures"] == (
        "expected ['classify', 'tokens'], received ['classify', 'serving_default', 'tokens']"
    )


def test_a_signature_that_is_not_there_is_found(broken):
    broken.change_manifest(
        lambda manifest: manifest["variants"][SAVEDMODEL]["signatures"].update(regress="tensors")
    )
    assert broken.failures().keys() == {
        (SAVEDMODEL, "signatures"),
        (SAVEDMODEL, "answers of `regress` in a TensorFlow 1 session"),
    }


def test_a_signature_of_another_api_is_found(broken):
    graph = broken.folder / SAVEDMODEL / "saved_model.pb"
    content = graph.read_bytes()
    assert content.count(b"tensorflow/serving/classify") == 1
    graph.write_bytes(
        content.replace(b"tensorflow/serving/classify", b"tensorflow/serving/clazzify")
    )
    broken.make_checksums_right()
    failures = broken.failures()
    assert failures.keys() == {(SAVEDMODEL, "signatures")}
    assert (
        "expected `classify` to answer tensorflow/serving/classify"
        in (failures[SAVEDMODEL, "signatures"])
    )


def test_weights_that_a_savedmodel_stores_twice_are_found(broken):
    data = broken.folder / SAVEDMODEL / "variables" / "variables.data-00000-of-00001"
    data.write_bytes(data.read_bytes() + bytes(4 * broken.manifest["parameters"] + 20_000))
    broken.make_checksums_right()
    assert broken.failures().keys() == {(SAVEDMODEL, "weights stored once")}


def test_other_weights_of_a_savedmodel_are_found(broken, bag_of_words_name, tmp_path):
    export.to_savedmodel(bag_of_words_of(bag_of_words_name, seed=1), tmp_path / "other")
    variables = broken.folder / SAVEDMODEL / "variables"
    shutil.rmtree(variables)
    shutil.copytree(tmp_path / "other" / SAVEDMODEL / "variables", variables)
    broken.make_checksums_right()
    failures = broken.failures()
    assert failures.keys() == {
        (SAVEDMODEL, "answers of `tokens` in a TensorFlow 1 session"),
        (SAVEDMODEL, "answers of `serving_default` in a TensorFlow 1 session"),
        (SAVEDMODEL, "answers of `classify` in a TensorFlow 1 session"),
        (SAVEDMODEL, "requests that a server pads and merges"),
    }
    assert all("differs by" in detail for detail in failures.values())


def test_a_savedmodel_that_does_not_load_fails_every_check_that_loads_it(broken):
    (broken.folder / SAVEDMODEL / "saved_model.pb").write_bytes(b"\x00broken")
    broken.make_checksums_right()
    failures = broken.failures()
    assert len(failures) == 6
    assert all(variant == SAVEDMODEL for variant, _ in failures)


def test_other_ids_and_labels_of_raw_text_are_found(broken_text):
    path = broken_text.folder / "samples" / "raw_inputs.json"
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["tensors"]["token_ids"][0][1] += 1
    raw["outputs"]["label"][0] = "other"
    path.write_text(json.dumps(raw), encoding="utf-8")
    broken_text.make_checksums_right()
    failures = broken_text.failures()
    preprocess, answers = (
        (SAVEDMODEL, f"answers of `{signature}` in a TensorFlow 1 session")
        for signature in ("preprocess", "serving_default")
    )
    assert failures.keys() == {preprocess, answers}
    assert failures[preprocess] == "sample raw inputs: token_ids differs"
    assert "sample raw inputs: expected labels ['other'" in failures[answers]
