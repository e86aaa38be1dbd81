"""Labelled images in folders and in tar archives: the folder that holds an image is its label."""

import tarfile
import zlib
from pathlib import Path, PurePosixPath

from ...zoo.raw_image import ImageError, RawImage
from .rows import DataError, Row
from .spec import SPLITS, split_of

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".tar.xz", ".tar.bz2")


class _ImageFiles:
    """Rows of image files; the first reading decodes each, to find those that are damaged.

    Attributes:
        path: The folder or archive.
        understood: One line that says how it is read.
    """

    def __init__(self, path, skip_corrupt):
        self.path = Path(path)
        self._skip_corrupt = skip_corrupt
        self._corrupt = set()  # Names of the images to leave out.
        self._read = False
        self.understood = f"{self.path}: an image's label is the folder that it lies in"

    def __iter__(self):
        """Yields a `Row` for every image.

        Raises:
            DataError: At the first image that cannot be decoded, unless these are skipped.
        """
        for name, label, content in self._files():
            if name in self._corrupt:
                continue
            image = RawImage(content, f"{self.path}/{name}")
            if not self._read:
                try:
                    image.check()
                except ImageError as error:
                    if not self._skip_corrupt:
                        raise DataError(
                            f"{error}; mend or remove it, or leave such images out by "
                            "`skip_corrupt=True` (`--skip-corrupt`)"
                        ) from error
                    self._corrupt.add(name)
                    continue
            yield Row(image, label, image.origin)
        if self._corrupt and not self._read:
            names = sorted(self._corrupt)
            print(f"{self.path}: {len(names)} images left out that cannot be read: {names[:5]}")
        self._read = True


class ImageFolder(_ImageFiles):
    """The images of a folder that holds one folder for each label, read anew each time.

    Args:
        path: The folder.
        skip_corrupt: Whether images that cannot be read are left out. Defaults to False.

    Raises:
        DataError: If it holds no folders, or one of them no image.
    """

    def __init__(self, path, skip_corrupt=False):
        super().__init__(path, skip_corrupt)
        folders = sorted(
            folder
            for folder in self.path.iterdir()
            if folder.is_dir() and not folder.name.startswith(".")
        )
        self._images = {folder.name: _images_below(folder) for folder in folders}
        if not folders:
            raise DataError(
                f"Expected one folder of images for each label in {self.path}. Received: "
                f"{sorted(entry.name for entry in self.path.iterdir())[:20]}"
            )
        for label, images in self._images.items():
            if not images:
                raise DataError(
                    f"Expected images in {self.path / label}, files that end in one of "
                    f"{IMAGE_SUFFIXES}; there are none."
                )

    def _files(self):
        for label, images in self._images.items():
            for path in images:
                yield path.relative_to(self.path).as_posix(), label, path.read_bytes()


class ImageArchive(_ImageFiles):
    """The images of a tar archive, plain or compressed; they are read in memory, never unpacked.

    Args:
        path: The archive.
        split: Read only images below a folder of this split's name. Defaults to None (all).
        skip_corrupt: Whether images that cannot be read are left out. Defaults to False.

    Raises:
        DataError: When read, if it is damaged or holds no images in folders.
    """

    def __init__(self, path, split=None, skip_corrupt=False):
        super().__init__(path, skip_corrupt)
        self._split = split

    @classmethod
    def splits(cls, path):
        """Returns the names of the splits whose folders an archive has, in the usual order."""
        found = {_split(name) for name, _ in _members(Path(path), contents=False)}
        return [split for split in SPLITS if split in found]

    def _files(self):
        found = False
        for name, content in _members(self.path):
            if self._split is None or _split(name) == self._split:
                found = True
                yield name, PurePosixPath(name).parent.name, content
        if not found:
            raise DataError(
                f"Expected images in {self.path}, in one folder for each label; there are none."
            )


def _split(name):
    """Returns the split that the folder above an image's label is named by, or None."""
    parts = PurePosixPath(name).parts
    return split_of(parts[-3]) if len(parts) >= 3 else None


def _members(path, contents=True):
    """Yields name and content (None without `contents`) of every image in an archive's folders."""
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                if not member.isfile() or not _is_image(PurePosixPath(member.name)):
                    continue
                if PurePosixPath(member.name).parent.name:
                    yield member.name, archive.extractfile(member).read() if contents else None
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"Expected {path} to be a whole tar archive. Received: one that breaks off or is "
            f"damaged: {error}"
        ) from error


def _images_below(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and _is_image(path))


def _is_image(path):
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
