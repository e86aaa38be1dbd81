"""What all variants of an artefact share: samples, labels, and a tokenizer if there is one."""

from ..zoo.files import checksums
from ..zoo.text_preprocessor import TOKENIZER_FILE
from .artefact import LABELS_FILE, SAMPLES_FOLDER
from .samples import write_samples

COMMON_FILES = (TOKENIZER_FILE, LABELS_FILE, SAMPLES_FOLDER)


def write_common_files(served, folder):
    """Writes what all variants share and returns its checksums."""
    write_samples(served, folder / SAMPLES_FOLDER)
    if served.labels:
        (folder / LABELS_FILE).write_text("".join(f"{label}\n" for label in served.labels), "utf-8")
    if served.preprocessor is not None:
        served.preprocessor.save(folder)
    return common_checksums(folder)


def common_checksums(folder):
    """Returns the checksums of those of them that are in a folder."""
    present = [name for name in COMMON_FILES if (folder / name).exists()]
    return checksums(folder, [file for name in present for file in files_below(folder, name)])


def files_below(folder, name):
    """Returns the paths of a file of `folder`, or of all files of a folder in it, from there on."""
    start = folder / name
    files = [start] if start.is_file() else [file for file in start.rglob("*") if file.is_file()]
    return sorted(file.relative_to(folder).as_posix() for file in files)
