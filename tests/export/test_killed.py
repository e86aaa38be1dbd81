"""An export that is killed at any moment leaves what was there, or one more whole variant."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from attnzoo import export
from attnzoo.export import placing, writer
from attnzoo.zoo.files import check_files

CHANGES_OF_FILES = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}
ONNX, SAVEDMODEL = "onnx/model.onnx", "savedmodel/1"


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def listed_files(folder):
    """The bytes of every file that the manifest lists, by variant; fails if one is not whole."""
    manifest = manifest_of(folder)
    parts = {"artefact": manifest["files"]}
    parts |= {name: variant["files"] for name, variant in manifest["variants"].items()}
    for files in parts.values():
        check_files(folder, files)
    return {
        part: {name: (folder / name).read_bytes() for name in files}
        for part, files in parts.items()
    }


# === At each change of a file while a verified variant is moved in ===


class Staged:
    """A verified export that waits in its staging folder, as often as one wants it."""

    def __init__(self, model, target, formats, overwrite, monkeypatch):
        def keep(folder, path, manifest, report):
            shutil.copytree(folder, self.folder)
            self.manifest, self.report = manifest, report

        self.folder = target.with_name("kept")
        with monkeypatch.context() as patch:
            patch.setattr(writer, "move_in", keep)
            export.to_artefact(model, target, formats, overwrite=overwrite)

    def move_in(self, target, killed_at=None):
        """Moves it in, in a process that is killed at a change of files; returns whether it was."""
        folder = target.with_name(".partial-dist-1")
        shutil.copytree(self.folder, folder)
        child = os.fork()
        if child == 0:
            sys.addaudithook(kill_at(killed_at))
            placing.move_in(folder, target, self.manifest, self.report)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        shutil.rmtree(folder)
        assert status in (0, signal.SIGKILL)
        return status == signal.SIGKILL


def kill_at(change):
    """An audit hook that kills its process before the change of files of this number."""
    changes = 0

    def hook(event, arguments):
        nonlocal changes
        if event in CHANGES_OF_FILES:
            if changes == change:
                os.kill(os.getpid(), signal.SIGKILL)
            changes += 1

    return hook


@pytest.mark.parametrize(
    ("there", "new"),
    [
        ([], [ONNX]),
        pytest.param([SAVEDMODEL], [ONNX], marks=pytest.mark.slow),
        pytest.param([SAVEDMODEL, ONNX], [ONNX], marks=pytest.mark.slow),
        ([SAVEDMODEL, ONNX], [SAVEDMODEL]),
        pytest.param([SAVEDMODEL, ONNX], [SAVEDMODEL, ONNX], marks=pytest.mark.slow),
    ],
)
def test_whenever_it_is_killed_while_moving_in_what_is_listed_is_whole(
    tmp_path, monkeypatch, bag_of_words_artefact, bag_of_words_model, there, new
):
    dist, before = tmp_path / "dist", tmp_path / "before"
    if there:
        shutil.copytree(bag_of_words_artefact, before)
        manifest = manifest_of(before)
        manifest["variants"] = {name: manifest["variants"][name] for name in there}
        (before / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    else:
        before.mkdir()
    shutil.copytree(before, dist)
    formats = [name.split("/")[0] for name in new]
    staged = Staged(bag_of_words_model, dist, formats, bool(set(there) & set(new)), monkeypatch)
    old = listed_files(before) if there else {}
    stays = set(there) - set(new)

    change, whole = 0, False
    while not whole:
        shutil.rmtree(dist)
        shutil.copytree(before, dist)
        whole = not staged.move_in(dist, change)
        if (dist / "manifest.json").exists():
            after = listed_files(dist)
            # Only what was asked to be replaced may be missing, and nothing is there by half.
            assert stays <= set(after) - {"artefact"} <= {*there, *new}
            assert all(after[name] == old[name] for name in stays)
            if stays:
                assert after["artefact"] == old["artefact"]
        else:
            assert not stays
        # What the killed one left is in nobody's way.
        assert not staged.move_in(dist)
        assert listed_files(dist).keys() == {"artefact", *there, *new}
        assert not list(dist.rglob(".partial-*"))
        change += 1
    assert change > 10
    assert export.verify(dist).passed


# === At random moments of the command ===

KILLS = 4


@pytest.fixture(scope="module")
def saved(export_of, tmp_path_factory):
    """A small pipeline, saved."""
    folder = tmp_path_factory.mktemp("saved") / "run"
    export_of("sentiment_classifier").pipeline.save(folder)
    return folder


def start_export(saved, dist, formats):
    """`attnzoo export` in a process of its own."""
    program = "import sys; from attnzoo.cli.main import main; sys.exit(main())"
    arguments = ["export", str(saved), "--to", formats, "--out", str(dist)]
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("there", [[], [SAVEDMODEL]], ids=["new", "beside another"])
def test_killed_at_random_moments(tmp_path, saved, export_of, there):
    before, dist = tmp_path / "before" / "dist", tmp_path / "out" / "dist"
    if there:
        export.to_savedmodel(export_of("sentiment_classifier").pipeline, before)
    else:
        before.mkdir(parents=True)
    old = listed_files(before) if there else {}

    # Moments are drawn from when it begins to write until it would have ended.
    shutil.copytree(before, dist)
    process = start_export(saved, dist, "onnx")
    moments = {}
    for line in process.stderr:
        moments.setdefault("sampling" in line, time.monotonic())
    assert process.wait() == 0
    seconds = time.monotonic() - moments[True]

    generator = random.Random(7)
    for kill in range(KILLS):
        shutil.rmtree(dist)
        shutil.copytree(before, dist)
        process = start_export(saved, dist, "onnx")
        next(line for line in process.stderr if "sampling" in line)
        time.sleep(seconds * (kill + generator.random()) / KILLS)
        process.kill()
        process.communicate()
        if (dist / "manifest.json").exists():
            after = listed_files(dist)
            assert set(there) <= set(after) - {"artefact"} <= {*there, ONNX}
            assert all(after[name] == files for name, files in old.items())
            assert export.verify(dist).passed
        else:
            assert not there
        left = {path.name for path in dist.parent.iterdir()} - {"dist"}
        assert left <= {f".partial-dist-{process.pid}"}
        if kill % 3 == 0:  # The next export removes what is left.
            pipeline = export_of("sentiment_classifier").pipeline
            export.to_onnx(pipeline, dist, overwrite=True)
            assert {path.name for path in dist.parent.iterdir()} == {"dist"}
            assert export.verify(dist).passed
