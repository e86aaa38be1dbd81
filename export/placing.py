"""Moving a verified artefact from its staging folder to its place, whatever may end the process."""

import contextlib
import json
import os
import uuid

from ..zoo.files import write_json
from ..zoo.tasks import get_task
from .artefact import (
    MANIFEST_FILE,
    README_FILE,
    SAMPLES_FOLDER,
    STREAM_SAMPLES_FOLDER,
    VERIFY_FILE,
    Artefact,
)
from .common_files import COMMON_FILES, common_checksums
from .example_requests import example_requests
from .formats import FORMATS
from .readme import artefact_readme
from .serving_files import SERVING_FOLDER, write_serving_files
from .variants import STREAM_SAVEDMODEL_FOLDER, parts_of


def check_target(path, names, fingerprint, overwrite):
    """Raises unless variants may be written to the artefact at a path.

    Args:
        path: Its folder, which need not be there.
        names: Of the variants.
        fingerprint: Of the model, see `fingerprint_of`.
        overwrite: Whether they may be there.

    Raises:
        FileExistsError: If one is there and may not be, or the folder holds something else.
        ValueError: If there are variants of another model, which would stay.
    """
    if not (path / MANIFEST_FILE).exists():
        if path.exists() and (not path.is_dir() or _foreign_files(path)):
            raise FileExistsError(
                "Expected a new folder, an empty one or an artefact to export to. "
                f"Received: {path}, which holds something else"
            )
        return
    artefact = Artefact.open(path)
    existing = [name for name in names if name in artefact.variants]
    if existing and not overwrite:
        raise FileExistsError(
            f"Expected no {' and no '.join(existing)} in {path}; choose another folder or pass "
            "`overwrite=True` (`--overwrite` on the command line)."
        )
    others = sorted(set(artefact.variants) - set(names))
    if others and artefact.manifest["fingerprint"] != fingerprint:
        raise ValueError(
            f"Expected {path} to hold exports of this very model, as one artefact is one model; "
            f"choose another folder. Received: one that holds {others} of another model"
        )


def _foreign_files(path):
    """Returns what is in a folder without a manifest and is not left from a killed export."""
    folders = {*FORMATS, STREAM_SAVEDMODEL_FOLDER, STREAM_SAMPLES_FOLDER, SERVING_FOLDER}
    ours = {*folders, *COMMON_FILES, VERIFY_FILE, README_FILE, ".lock"}
    return [
        file
        for file in path.iterdir()
        if file.name not in ours and not file.name.startswith(".partial-")
    ]


@contextlib.contextmanager
def locked(path):
    """Keeps other processes from moving into an artefact, which it makes a folder for."""
    from filelock import FileLock

    path.mkdir(exist_ok=True)
    with FileLock(path / ".lock"):
        yield


def move_in(folder, path, manifest, report):
    """Moves a verified artefact from its staging folder to its place, the manifest last.

    The process may end after any line of this, and what the manifest lists is whole all the same.

    Args:
        folder: The staging folder.
        path: The artefact's folder, which is locked.
        manifest: Of what is in the staging folder.
        report: `Report` of its verification.
    """
    for file in path.glob(".partial-*"):  # Of a process that ended here: we hold the lock.
        file.unlink()
    new, common = manifest["variants"], COMMON_FILES
    old, others, other_checks = None, {}, []
    if (path / MANIFEST_FILE).exists():
        old = Artefact.open(path)
        others = {name: value for name, value in old.variants.items() if name not in new}
        old_report = json.loads((path / VERIFY_FILE).read_text(encoding="utf-8"))
        other_checks = [check for check in old_report["checks"] if check["variant"] in others]
        if others and common_checksums(path) == old.manifest["files"]:
            # They are of this very model: what all share is there already, and stays.
            common = ()
            manifest = {**manifest, "files": old.manifest["files"]}
    manifest = {**manifest, "variants": {**others, **new}}
    requests = example_requests(manifest, get_task(manifest["task"]), folder / SAMPLES_FOLDER)

    # From here until the end, only the variants that stay count.
    if old is not None:
        if not others:
            (path / MANIFEST_FILE).unlink()
        elif len(others) < len(old.variants) or common:
            write_json(path / MANIFEST_FILE, {**old.manifest, "variants": others})
        for name in old.variants.keys() - others.keys():
            for part in parts_of(name, old.variants[name]):
                _set_aside(path / part, folder)
    for part in (part for name in new for part in parts_of(name, new[name])):
        (path / part).parent.mkdir(exist_ok=True)
        _replace(folder / part, path / part)
    for file in common:
        if (folder / file).exists():
            _replace(folder / file, path / file)
    checks = [*other_checks, *report.to_dict()["checks"]]
    write_json(path / VERIFY_FILE, {**report.to_dict(), "checks": checks})
    (folder / README_FILE).write_text(artefact_readme(manifest, requests), encoding="utf-8")
    write_serving_files(folder, manifest, requests)
    for file in (README_FILE, SERVING_FOLDER):
        _replace(folder / file, path / file)
    write_json(path / MANIFEST_FILE, manifest)


def _replace(source, target):
    """Moves a file or a folder to its place; what was there is never there by half."""
    if target.is_dir():
        _set_aside(target, source.parent)
    os.replace(source, target)


def _set_aside(path, folder):
    """Moves what is no longer wanted into a folder that is about to be removed."""
    if path.exists():
        os.replace(path, folder / f"{path.name}.replaced-{uuid.uuid4().hex}")
