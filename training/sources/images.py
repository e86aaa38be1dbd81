"""Labelled images: folders and archives of them, NumPy arrays, TFDS, and digits as a demo."""

from pathlib import Path

from .image_arrays import open_arrays, open_digits, open_npz
from .image_files import ARCHIVE_SUFFIXES, ImageArchive, ImageFolder
from .rows import DataError
from .spec import SPLITS, split_of

_EXPECTED = (
    'Expected "demo", "tfds:NAME", a folder of one folder of images for each label, an archive '
    f"({', '.join(ARCHIVE_SUFFIXES)}) of such a folder, a folder of such folders or archives named "
    "train, validation and test, a .npz file, or a pair of arrays."
)


def open_images(spec, download=False, skip_corrupt=False):
    """Opens the labelled images that `spec` names.

    Args:
        spec: `"demo"` (scikit-learn's digits); `"tfds:NAME"`; a folder that holds one folder of
            images for each label; an archive of such a folder; a folder that holds such folders or
            archives named train, dev (or validation) and test; a `.npz` file; or arrays,
            `(images, labels)` or `((train images, labels), (test images, labels))`.
        download: Whether a TFDS name may be downloaded. Defaults to False.
        skip_corrupt: Whether images that cannot be read are left out, rather than an error.
            Defaults to False.

    Returns:
        Dict from split name to an iterable of `Row`, whose input is a `zoo.RawImage`; and the lines
        that say what was understood.

    Raises:
        DataError: If nothing readable is there.
    """
    if isinstance(spec, tuple):
        return open_arrays(spec)
    spec = str(spec)
    if spec == "demo":
        return open_digits()
    if spec.startswith("tfds:"):
        from .tfds import open_image_tfds

        return open_image_tfds(spec.removeprefix("tfds:"), download)
    path = Path(spec).expanduser()
    if not path.exists():
        raise DataError(f"{_EXPECTED} Received: {spec!r}, and nothing is there")
    if path.suffix == ".npz":
        return open_npz(path)
    sources = _in_splits(path, skip_corrupt) if path.is_dir() else {}
    if not sources:
        sources = _one(path, skip_corrupt)
    return sources, [f"{split}: {source.understood}" for split, source in sources.items()]


def _in_splits(folder, skip_corrupt):
    """Returns the sources of a folder whose entries are named by splits, if they are."""
    sources = {}
    for path in sorted(folder.iterdir()):
        archive = _without_suffix(path.name)
        split = split_of(path.name if path.is_dir() else archive or "")
        if split is None:
            continue
        if split in sources:
            raise DataError(
                f"Expected one folder or archive for each split in {folder}. "
                f"Received: {sources[split].path.name} and {path.name} for {split!r}"
            )
        if path.is_dir():
            sources[split] = ImageFolder(path, skip_corrupt)
        else:
            sources[split] = ImageArchive(path, None, skip_corrupt)
    return {split: sources[split] for split in SPLITS if split in sources}


def _one(path, skip_corrupt):
    """Returns the sources of a folder of labels, or of an archive, which may hold splits."""
    if path.is_dir():
        return {"train": ImageFolder(path, skip_corrupt)}
    if _without_suffix(path.name) is None:
        raise DataError(f"{_EXPECTED} Received: {path}")
    splits = ImageArchive.splits(path)
    if not splits:
        return {"train": ImageArchive(path, None, skip_corrupt)}
    return {split: ImageArchive(path, split, skip_corrupt) for split in splits}


def _without_suffix(name):
    """Returns an archive's name without its suffix, or None if it is no archive."""
    return next((name.removesuffix(s) for s in ARCHIVE_SUFFIXES if name.endswith(s)), None)
