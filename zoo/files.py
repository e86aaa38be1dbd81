"""Files that are whole or not there: staging folders, checksums, manifests."""

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path


def sha256(path):
    """Returns the SHA-256 of a file as a hexadecimal string."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path, value):
    """Writes `value` to `path` as JSON, at once: a reader sees the old file or the new one."""
    path = Path(path)
    partial = path.with_name(f".partial-{path.name}-{os.getpid()}")
    partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, path)


@contextlib.contextmanager
def staging_folder(target):
    """Yields a fresh folder beside `target` to build it in; removes it if anything goes wrong.

    Args:
        target: The path that the folder is meant for. Its parent is created if need be.

    Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     target = Path(parent) / "model"
    ...     with staging_folder(target) as folder:
    ...         _ = (folder / "weights").write_text("...")
    ...         _ = folder.rename(target)
    ...     sorted(path.name for path in Path(parent).iterdir())
    ['model']
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.parent / f".partial-{target.name}-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def checksums(folder, names):
    """Returns `{name: {"sha256": ..., "bytes": ...}}` for files of `folder`."""
    folder = Path(folder)
    return {
        name: {"sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size}
        for name in names
    }


def check_files(folder, files):
    """Raises unless every file of `checksums` is in `folder`, as it was written.

    Raises:
        ValueError: Naming the first file that is missing, truncated or changed.
    """
    for name, expected in files.items():
        path = Path(folder) / name
        if not path.resolve().is_relative_to(Path(folder).resolve()):
            raise ValueError(f"Received a manifest that points outside its folder: {name!r}")
        if not path.is_file():
            raise ValueError(f"Expected the file {path}, which the manifest lists; it is missing.")
        if path.stat().st_size != expected["bytes"]:
            raise ValueError(
                f"Expected {path} to have {expected['bytes']} bytes. "
                f"Received: {path.stat().st_size} bytes; the file is truncated or was changed"
            )
        if sha256(path) != expected["sha256"]:
            raise ValueError(
                f"Expected {path} to be as it was written. "
                "Received: a file with another SHA-256; it is corrupt or was changed"
            )
