import hashlib
import os
import subprocess
import sys

import pytest

from attnzoo.zoo.files import checksums, sha256, staging_folder, write_json


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_sha256_is_that_of_the_content(tmp_path):
    (tmp_path / "file").write_bytes(b"abc" * 100_000)
    assert sha256(tmp_path / "file") == hashlib.sha256(b"abc" * 100_000).hexdigest()
    # Of FIPS 180-2, appendix B.1.
    (tmp_path / "file").write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert checksums(tmp_path, ["file"]) == {"file": {"sha256": digest, "bytes": 3}}


def test_json_is_replaced_at_once(tmp_path):
    write_json(tmp_path / "a.json", {"key": "ä"})
    write_json(tmp_path / "a.json", {"key": ["ö", 1]})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == (
        '{\n  "key": [\n    "ö",\n    1\n  ]\n}\n'
    )
    assert names_in(tmp_path) == ["a.json"]


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"key": object()})
    assert (tmp_path / "a.json").read_text() == "1\n"
    assert names_in(tmp_path) == ["a.json"]


def test_a_staging_folder_is_empty_beside_its_target_and_then_gone(tmp_path):
    with staging_folder(tmp_path / "run") as folder:
        assert folder.parent == tmp_path
        assert names_in(folder) == []
        (folder / "file").write_text("half")
    assert names_in(tmp_path) == []


def test_a_staging_folder_goes_when_its_work_fails(tmp_path):
    def fail():
        with staging_folder(tmp_path / "run") as folder:
            (folder / "sub").mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names_in(tmp_path) == []


def test_a_target_may_have_characters_of_patterns_in_its_name(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f".partial-run[1]*-{dead.pid}").mkdir()
    (tmp_path / f".partial-run1x-{dead.pid}").mkdir()
    with staging_folder(tmp_path / "run[1]*"):
        assert names_in(tmp_path) == sorted(
            [f".partial-run1x-{dead.pid}", f".partial-run[1]*-{os.getpid()}"]
        )


def test_the_folder_of_a_process_of_someone_else_stays(tmp_path, monkeypatch):
    def not_permitted(process_id, signal):
        assert (process_id, signal) == (12345, 0)
        raise PermissionError

    (tmp_path / ".partial-run-12345").mkdir()
    monkeypatch.setattr(os, "kill", not_permitted)
    with staging_folder(tmp_path / "run"):
        pass
    assert names_in(tmp_path) == [".partial-run-12345"]


def test_what_this_process_left_for_the_same_target_is_cleared(tmp_path):
    left = tmp_path / f".partial-run-{os.getpid()}"
    left.mkdir()
    (left / "old").write_text("old")
    with staging_folder(tmp_path / "run") as folder:
        assert names_in(folder) == []
