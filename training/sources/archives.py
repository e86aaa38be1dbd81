"""Files in tar archives, plain or compressed, read in memory and never unpacked."""

import tarfile
import zlib
from pathlib import PurePosixPath

from .rows import DataError


def read_archive(path, suffixes):
    """Yields name and content of every file of an archive whose name ends in one of `suffixes`.

    Raises:
        DataError: If the archive is damaged, or a name in it leads out of the folder that it would
            be unpacked to.
    """
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts:
                    raise DataError(
                        f"Expected names inside the archive's folder in {path}. "
                        f"Received: {member.name!r}"
                    )
                if member.isfile() and name.suffix.lower() in suffixes:
                    yield member.name, archive.extractfile(member).read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"Expected {path} to be a whole tar archive. Received: one that breaks off or is "
            f"damaged: {error}"
        ) from error
