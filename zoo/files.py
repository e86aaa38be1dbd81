"""Files that are whole or not there: staging folders, checksums, manifests."""

import contextlib
import glob
import hashlib
import json
import os
import shutil
from pathlib import Path

# What a name of the Hugging Face hub begins with.
HUB = "hf://"


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


def read_manifest(folder, format_name, newest_version, keys, expected):
    """Reads the `manifest.json` of a folder, checking that this version understands it.

    Args:
        folder: The folder.
        format_name: What its `format` must be.
        newest_version: The newest `format_version` that is understood.
        keys: What else it must have.
        expected: What kind of folder it should be, for the message.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is not such a manifest, or of a newer format.
    """
    file = Path(folder) / "manifest.json"
    if not file.is_file():
        raise FileNotFoundError(
            f"Expected {expected}. Received: {str(folder)!r}, where there is no {file.name}"
        )
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        received = (manifest["format"], manifest["format_version"])
        if not isinstance(received[1], int):
            raise TypeError(f"format_version={received[1]!r}")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"Expected {file} to be a manifest of attnzoo: {error!r}") from error
    if received[0] != format_name:
        raise ValueError(f"Expected {expected}. Received: {str(folder)!r}, an {received[0]}")
    if received[1] > newest_version:
        raise ValueError(
            f"Expected {file} of format version {newest_version} or older. "
            f"Received: format_version={received[1]}; a newer attnzoo may read it"
        )
    missing = [key for key in keys if key not in manifest]
    if missing:
        raise ValueError(f"Expected {file} to have {missing}; it was changed or is damaged.")
    return manifest


def is_checkpoint(path):
    """Returns whether a path is a checkpoint of others.

    That is a folder in the format of Hugging Face, a name of its hub (`hf://org/name`), or a file
    of Google's ViT (`.npz`).
    """
    if str(path).startswith(HUB):
        return True
    path = Path(path).expanduser()
    if path.suffix == ".npz":
        return path.is_file()
    own = any((path / name).is_file() for name in ("manifest.json", "model.keras"))
    foreign = (path / "config.json").is_file() or any(
        file for pattern in ("*.safetensors", "*.bin") for file in path.glob(pattern)
    )
    return path.is_dir() and foreign and not own


@contextlib.contextmanager
def staging_folder(target):
    """Yields a fresh folder beside `target` to build it in; removes it at the end.

    What a killed process left behind for the same target is removed too.

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
    _remove_abandoned(target)
    folder = target.parent / f".partial-{target.name}-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(target):
    """Removes the staging folders of processes that are no more."""
    prefix = f".partial-{target.name}-"
    for folder in target.parent.glob(f"{glob.escape(prefix)}*"):
        owner = folder.name.removeprefix(prefix)
        if owner.isdecimal() and not _is_running(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # It is someone else's.
        return True
    return True


def checksums(folder, names):
    """Returns `{name: {"sha256": ..., "bytes": ...}}` for files of `folder`."""
    folder = Path(folder)
    return {
        name: {"sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size}
        for name in names
    }


def move_files(source, target, names):
    """Moves files from a staging folder into another; puts back what was there if that fails.

    Args:
        source: `Path` of the staging folder.
        target: `Path` of the folder to move to.
        names: Names of the files, in the order to move them.
    """
    replaced = source / "replaced"
    replaced.mkdir()
    begun = []
    try:
        for name in names:
            begun.append(name)
            if (target / name).exists():
                os.replace(target / name, replaced / name)
            os.replace(source / name, target / name)
    except BaseException:
        for name in begun:
            if (replaced / name).exists():
                os.replace(replaced / name, target / name)
        raise


def check_files(folder, files, required=()):
    """Raises unless every file of `checksums` is in `folder`, as it was written.

    Args:
        folder: The folder.
        files: What `checksums` gave.
        required: Names that must be among them. Defaults to none.

    Raises:
        ValueError: Naming the first file that is missing, truncated or changed.
    """
    listed = isinstance(files, dict) and all(
        isinstance(file, dict) and {"bytes", "sha256"} <= set(file) for file in files.values()
    )
    if not listed:
        raise ValueError(
            f"Expected the manifest.json of {folder} to list the size and SHA-256 of each file; "
            "it was changed or is damaged."
        )
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
    unlisted = [name for name in required if name not in files]
    if unlisted:
        raise ValueError(
            f"Expected the manifest.json of {folder} to list {', '.join(unlisted)}; it was changed "
            "or is damaged."
        )
