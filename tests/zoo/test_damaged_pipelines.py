"""A folder that is not as it was written is never loaded, and the message names the file."""

import json
import shutil

import pytest

from attnzoo import zoo
from attnzoo.zoo.files import checksums

from .pipelines import small_pipeline

FILES = ["labels.txt", "model.keras", "tokenizer.json"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "run"
    small_pipeline().save(folder)
    return folder


@pytest.fixture
def run(saved, tmp_path):
    """A copy of a saved pipeline, to be damaged."""
    shutil.copytree(saved, tmp_path / "run")
    return tmp_path / "run"


def change_manifest(run, **changes):
    file = run / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**manifest, **changes}), encoding="utf-8")


def refuse(run, *patterns):
    with pytest.raises(ValueError, match=patterns[0]) as error:
        zoo.load(run)
    for pattern in patterns[1:]:
        assert pattern in str(error.value)


def test_the_copy_itself_loads(run):
    assert zoo.load(run).labels == ["negative", "positive", "mixed"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(run, name):
    (run / name).unlink()
    refuse(run, "it is missing", str(run / name))


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_place_of_a_file_is_named(run, name):
    (run / name).unlink()
    (run / name).mkdir()
    refuse(run, "it is missing", str(run / name))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kept", [0, 0.5], ids=["empty", "half"])
def test_a_truncated_file_is_named(run, name, kept):
    content = (run / name).read_bytes()
    (run / name).write_bytes(content[: int(len(content) * kept)])
    refuse(run, "truncated", str(run / name), f"{len(content)} bytes")


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_is_noticed(run, name):
    content = bytearray((run / name).read_bytes())
    content[len(content) // 2] ^= 1
    (run / name).write_bytes(content)
    refuse(run, "SHA-256", "corrupt", str(run / name))


def test_a_model_file_of_another_format_is_named(run):
    (run / "model.keras").write_bytes(b"not a zip file")
    change_manifest(run, files=checksums(run, FILES))
    refuse(run, "to be a Keras file|model.keras", str(run / "model.keras"))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"format": "attnzoo.pipeline"}'])
def test_a_manifest_that_is_none_is_named(run, text):
    (run / "manifest.json").write_text(text)
    refuse(run, "to be a manifest", str(run / "manifest.json"))


def test_a_manifest_that_is_not_utf8_is_named(run):
    (run / "manifest.json").write_bytes(b'{"format": "\xff"}')
    refuse(run, "to be a manifest", str(run / "manifest.json"))


def test_a_manifest_of_something_else_is_refused(run):
    change_manifest(run, format="attnzoo.artefact")
    refuse(run, r"a folder written by `Pipeline\.save`.*an attnzoo\.artefact", str(run))


def test_a_newer_format_is_refused(run):
    change_manifest(run, format_version=2)
    refuse(run, r"version 1 or older.*format_version=2; a newer attnzoo", "manifest.json")


@pytest.mark.parametrize("outside", ["../secret.txt", "/etc/hostname", "logs/../../secret.txt"])
def test_a_manifest_that_points_outside_is_refused(run, outside):
    (run.parent / "secret.txt").write_text("secret")
    change_manifest(run, files={outside: {"sha256": "", "bytes": 6}})
    refuse(run, "points outside its folder", outside)


def test_a_link_to_outside_is_refused(run):
    (run.parent / "elsewhere.keras").write_bytes((run / "model.keras").read_bytes())
    (run / "model.keras").unlink()
    (run / "model.keras").symlink_to(run.parent / "elsewhere.keras")
    refuse(run, "points outside its folder", "model.keras")


@pytest.mark.parametrize("labels", [["one"], ["a", "b", "c", "d"]], ids=len)
def test_a_wrong_number_of_labels_is_refused(run, labels):
    change_manifest(run, labels=labels)
    refuse(run, f"{len(labels)} labels", "num_classes=3")


def test_an_unknown_task_is_refused(run):
    change_manifest(run, task="juggling")
    refuse(run, "unknown task.*juggling")


def test_a_folder_without_a_manifest_is_no_pipeline(run):
    (run / "manifest.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"there is no manifest\.json") as error:
        zoo.load(run)
    assert str(run) in str(error.value)


@pytest.mark.parametrize("where", ["nowhere", "sentiment_classifier/tiny"])
def test_a_path_where_nothing_is_raises(where):
    with pytest.raises(FileNotFoundError, match=f"`attnzoo train`.*'{where}'"):
        zoo.load(where)
