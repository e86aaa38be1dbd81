"""The spoken digits that come with attnzoo, see `training/demo/README.md`."""

import csv
from importlib import resources
from pathlib import Path

from ...zoo.raw_audio import RawAudio
from ...zoo.symbols import symbols_of
from .rows import Row


def open_demo_digits():
    """Opens the synthetic digits: sentences of one to three of them, other voices in the test.

    Returns:
        Dict from split name to an iterable of `Row`, and the lines that say so.
    """
    folder = Path(str(resources.files("attnzoo.training.demo")))
    sources = {split: _Digits(folder, split) for split in ("train", "test")}
    return sources, ["demo: digits spoken by synthetic voices, made for attnzoo"]


class _Digits:
    """The rows of one split."""

    def __init__(self, folder, split):
        self._folder = folder
        self._split = split

    def __iter__(self):
        import soundfile

        name = f"digits_{self._split}.flac"
        samples, rate = soundfile.read(self._folder / name, dtype="int16")
        with open(self._folder / f"digits_{self._split}.csv", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                start, end = int(row["start"]), int(row["end"])
                origin = f"{name}, samples {start} to {end}"
                recording = RawAudio(samples[start:end], rate, origin)
                yield Row(recording, symbols_of(row["text"]), origin)
