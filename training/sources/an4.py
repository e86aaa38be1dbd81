"""CMU AN4 as it is published: raw samples in archives or folders, transcripts in `etc/`."""

import re
from pathlib import Path

import numpy as np

from ...zoo.raw_audio import RawAudio
from ...zoo.symbols import symbols_of
from ..sample_store import SampleStore
from .archives import read_archive
from .rows import DataError, Row

_RATE = 16000
# The first lines of the training list: ESPnet's `train_dev`, eight speakers of their own.
_VALIDATION_ROWS = 100
_LINE = re.compile(r"(?:<s>\s*)?(.*?)(?:\s*</s>)?\s*\(([^()]+)\)")


def is_an4(folder):
    """Returns whether a folder is laid out as AN4 is."""
    return (Path(folder) / "etc" / "an4_train.fileids").is_file()


def open_an4(folder):
    """Opens CMU AN4: spelled words, numbers and commands.

    The train split is the published one without its first 100 lines, which are the validation split
    as in ESPnet's recipe. The `.raw` files are 16-bit, 16 kHz, and big-endian, whatever the
    packaged README says.

    Args:
        folder: With `etc/an4_{train,test}.{fileids,transcription}`, and the recordings below `wav/`
            or in the archives `an4_clstk.tar.xz` and `an4test_clstk.tar.xz`.

    Returns:
        Dict from split name to an iterable of `Row`, whose input is a `zoo.RawAudio` and whose
        label is the list of its transcript's characters; and the lines that say so.

    Raises:
        DataError: If a file is missing or does not fit the others.
    """
    folder = Path(folder)
    train, test = (_Part(folder, name) for name in ("train", "test"))
    sources = {
        "train": _Rows(train, slice(_VALIDATION_ROWS, None)),
        "validation": _Rows(train, slice(_VALIDATION_ROWS)),
        "test": _Rows(test, slice(None)),
    }
    line = (
        f"{folder}: CMU AN4; validation is the first {_VALIDATION_ROWS} recordings of the training "
        "list, as in ESPnet"
    )
    return sources, [line]


class _Part:
    """One of the two lists, with its recordings, which are read when first asked for."""

    def __init__(self, folder, name):
        self.folder = folder
        listed = folder / "etc" / f"an4_{name}.fileids"
        spoken = folder / "etc" / f"an4_{name}.transcription"
        for path in (listed, spoken):
            if not path.is_file():
                raise DataError(f"Expected a file at {path}; there is none.")
        self.names = listed.read_text(encoding="utf-8").split()
        lines = spoken.read_text(encoding="utf-8").splitlines()
        self.texts = [_text(f"{spoken}, line {n}", line) for n, line in enumerate(lines, start=1)]
        if [name.rsplit("/", 1)[-1] for name in self.names] != [name for _, name in self.texts]:
            raise DataError(f"Expected the recordings of {listed} in {spoken}, in their order.")
        self._store = None

    def recording(self, index):
        """Returns the `RawAudio` of a line of the list."""
        if self._store is None:
            self._store = SampleStore(self._read(), "int16")
        return RawAudio(self._store[index], _RATE, self.origin(index))

    def origin(self, index):
        """Returns where a recording is from."""
        return f"{self.folder}/{self.names[index]}.raw"

    def _read(self):
        """Yields the samples of every recording, in the order of the list."""
        found = {}
        for top in sorted({name.split("/")[0] for name in self.names}):
            if (self.folder / "wav" / top).is_dir():
                continue
            archives = sorted(self.folder.glob(f"{top}.tar*"))
            if not archives:
                raise DataError(
                    f"Expected the recordings in {self.folder / 'wav' / top} or in an archive "
                    f"{top}.tar.xz beside; there is neither."
                )
            for name, content in read_archive(archives[0], (".raw",)):
                found[name.removeprefix("./").removeprefix("wav/").removesuffix(".raw")] = content
        for index, name in enumerate(self.names):
            path = self.folder / "wav" / f"{name}.raw"
            content = found.get(name)
            if content is None and path.is_file():
                content = path.read_bytes()
            if not content or len(content) % 2:
                what = "nothing" if content is None else f"{len(content)} bytes"
                raise DataError(
                    f"Expected 16-bit samples at {self.origin(index)}. Received: {what}"
                )
            yield np.frombuffer(content, ">i2")


class _Rows:
    """Some of the rows of a list."""

    def __init__(self, part, rows):
        self._part = part
        self._rows = range(len(part.names))[rows]

    def __iter__(self):
        for index in self._rows:
            text, _ = self._part.texts[index]
            recording = self._part.recording(index)
            yield Row(recording, symbols_of(text), recording.origin)


def _text(origin, line):
    """Returns text and name of a line such as `<s> GO </s> (an253-fash-b)`."""
    match = _LINE.fullmatch(line.strip())
    if match is None or not match[1].strip():
        raise DataError(f"Expected a transcript and a name in brackets in {origin}: {line!r:.80}")
    return match[1].strip(), match[2]
