"""Rows of recordings that are files: in a folder for each label, in a manifest, or of FSDD."""

import itertools
import re
from pathlib import Path, PurePosixPath

from ...zoo.raw_audio import AudioError, RawAudio
from ...zoo.symbols import symbols_of
from .archives import read_archive
from .files import FileSource
from .records import LABEL_NAMES, find_column, read_records
from .rows import DataError, Row
from .spec import SPLITS, SplitSource, split_name, split_of

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".au")
_PATH_NAMES = ("path", "file", "filename", "file_name", "audio", "audio_filepath", "wav")
_SPOKEN_NAMES = ("text", "transcript", "transcription", "sentence", "words")
_FSDD_NAME = re.compile(r"(\d)_([a-z]+)_(\d+)\.wav")
# FSDD's own split: the first recordings of each digit and speaker are its test set.
_FSDD_TEST_RECORDINGS = 5


class CheckedRecordings:
    """Rows whose first reading decodes each recording, to find those that are damaged.

    Args:
        rows: Iterable of `Row` with `RawAudio`s.
        understood: One line that says how they are read.
        skip_corrupt: Whether recordings that cannot be read are left out. Defaults to False.
    """

    def __init__(self, rows, understood, skip_corrupt=False):
        self.understood = understood
        self._rows = rows
        self._skip_corrupt = skip_corrupt
        self._corrupt = set()  # Origins of the recordings to leave out.
        self._read = False

    def __iter__(self):
        """Yields every row.

        Raises:
            DataError: At the first recording that cannot be decoded, unless these are skipped.
        """
        for row in self._rows:
            if row.origin in self._corrupt:
                continue
            if not self._read:
                try:
                    row.input.check()
                except AudioError as error:
                    if not self._skip_corrupt:
                        raise DataError(
                            f"{error}; mend or remove it, or leave such recordings out by "
                            "`skip_corrupt=True` (`--skip-corrupt`)"
                        ) from error
                    self._corrupt.add(row.origin)
                    continue
            yield row
        if self._corrupt and not self._read:
            origins = sorted(self._corrupt)
            print(f"{len(origins)} recordings left out that cannot be read: {origins[:5]}")
        self._read = True


# === Folders ===


class RecordingFolder:
    """The recordings of a folder that holds one folder for each label.

    Args:
        path: The folder.

    Raises:
        DataError: If it holds no folders, or one of them no recording.
    """

    def __init__(self, path):
        self.path = Path(path)
        folders = sorted(
            folder
            for folder in self.path.iterdir()
            if folder.is_dir() and not folder.name.startswith(".")
        )
        self._files = {
            folder.name: sorted(filter(_is_audio, folder.iterdir())) for folder in folders
        }
        if not folders:
            raise DataError(
                f"Expected one folder of recordings for each label in {self.path}. Received: "
                f"{sorted(entry.name for entry in self.path.iterdir())[:20]}"
            )
        for label, files in self._files.items():
            if not files:
                raise DataError(
                    f"Expected recordings in {self.path / label}, files that end in one of "
                    f"{AUDIO_SUFFIXES}; there are none."
                )

    def __iter__(self):
        for label, files in self._files.items():
            for path in files:
                yield Row(RawAudio(path, None, str(path)), label, str(path))


def open_recording_folder(path, skip_corrupt=False):
    """Opens a folder of one folder for each label, or of such folders for each split."""
    by_split = {}
    for folder in sorted(entry for entry in path.iterdir() if entry.is_dir()):
        split = split_of(folder.name)
        if split is None:
            continue
        if split in by_split:
            raise DataError(
                f"Expected one folder for each split in {path}. "
                f"Received: {by_split[split].name} and {folder.name} for {split!r}"
            )
        by_split[split] = folder
    folders = {split: by_split[split] for split in SPLITS if split in by_split} or {"train": path}
    sources = {
        split: CheckedRecordings(
            RecordingFolder(folder),
            f"{folder}: a recording's label is the folder that it lies in",
            skip_corrupt,
        )
        for split, folder in folders.items()
    }
    return sources, [f"{split}: {source.understood}" for split, source in sources.items()]


# === Manifests ===


class Manifest:
    """The recordings that a `.csv`, `.tsv` or `.jsonl` file lists, with a transcript or a label.

    Args:
        path: The manifest; paths in it are relative to its folder.
        text_column: Name or index of the transcripts' column. Defaults to None (sniffed).
        label_column: Name or index of the labels' column, where a recording has one label in place
            of a transcript. Defaults to None (sniffed, where there are no transcripts).

    Raises:
        DataError: As `FileSource`; and if no column holds paths.
    """

    def __init__(self, path, text_column=None, label_column=None):
        self.path = Path(path)
        paths, spoken, self.is_spoken = _manifest_columns(self.path, text_column, label_column)
        self._file = FileSource(self.path, paths, spoken)
        self.split_column = self._file.split_column
        what = "transcript" if self.is_spoken else "label"
        self.understood = f"{self.path}: recording in column {paths!r}, {what} in column {spoken!r}"

    def __iter__(self):
        for row, _ in self.with_splits():
            yield row

    def with_splits(self):
        """Yields `(row, split name)`; the name is None without a split column."""
        for row, split in self._file.with_splits():
            path = self.path.parent / Path(row.input).expanduser()
            if not path.is_file():
                raise DataError(f"Expected a recording at {path}, named in {row.origin}.")
            label = symbols_of(row.label) if self.is_spoken else row.label
            yield Row(RawAudio(path, None, f"{path} ({row.origin})"), label, row.origin), split


def open_manifest(path, text_column=None, label_column=None, skip_corrupt=False):
    """Opens a manifest, by its split column if it has one."""
    manifest = Manifest(path, text_column, label_column)
    if manifest.split_column is None:
        source = CheckedRecordings(manifest, manifest.understood, skip_corrupt)
        return {"train": source}, [source.understood]
    found = {split_name(name, row.origin) for row, name in manifest.with_splits()}
    line = f"{manifest.understood}, split in column {manifest.split_column!r}: {sorted(found)}"
    sources = {
        split: CheckedRecordings(SplitSource(manifest, split), line, skip_corrupt)
        for split in SPLITS
        if split in found
    }
    return sources, [line]


def _manifest_columns(path, text_column, label_column):
    """Returns the columns of paths and of what is said, and whether that is a transcript."""
    if not path.is_file():
        raise DataError(f"Expected a file at {path}; there is none.")
    records = [record for _, record in itertools.islice(read_records(path), 2)]
    if not records:
        raise DataError(f"Expected recordings in {path}; the file is empty.")
    first = records[0]
    if isinstance(first, list):
        cells = [cell.strip() for cell in first]
        files = [i for i, cell in enumerate(cells) if _is_audio(PurePosixPath(cell))]
        names = list(range(len(cells))) if files else cells
    else:
        names = sorted(first)
        records = records[:1]
        files = [name for name in names if _is_audio(PurePosixPath(str(first[name])))]
    paths = files[0] if files else find_column(path, names, None, _PATH_NAMES, "recording")
    if paths is None and len(records) > 1:  # Below a header of other names.
        below = zip(names, records[1], strict=False)
        paths = next((name for name, cell in below if _is_audio(PurePosixPath(cell))), None)
    if paths is None:
        raise DataError(
            f"Expected a column of paths in {path}, named one of {_PATH_NAMES}. Received: columns "
            f"{names}"
        )
    if label_column is not None:
        return paths, find_column(path, names, label_column, (), "label"), False
    spoken = find_column(path, names, text_column, _SPOKEN_NAMES, "transcript")
    if spoken is not None:
        return paths, spoken, True
    label = find_column(path, names, None, LABEL_NAMES, "label")
    if label is not None:
        return paths, label, False
    others = [name for name in names if name != paths]
    if len(others) != 1:
        raise DataError(
            f"Expected a column of transcripts in {path}, or one of labels; name it by "
            "`text_column` or `label_column` (`--text-column`, `--label-column`). "
            f"Received: columns {names}"
        )
    return paths, others[0], True


# === Free Spoken Digit Dataset ===


class _Digits:
    """The rows of FSDD that belong to one split."""

    def __init__(self, folder, belongs):
        self._folder = folder
        self._belongs = belongs

    def __iter__(self):
        for name, content in _fsdd_files(self._folder):
            match = _FSDD_NAME.fullmatch(PurePosixPath(name).name)
            if match and self._belongs(match[2], int(match[3])):
                origin = f"{self._folder}/{name}"
                yield Row(RawAudio(content, None, origin), match[1], origin)


def is_fsdd(folder):
    """Returns whether a folder is laid out as FSDD is: `recordings/`, or archives of it."""
    folder = Path(folder)
    return any(folder.glob("recordings_*.tar.gz")) or any(
        _FSDD_NAME.fullmatch(path.name) for path in (folder / "recordings").glob("*.wav")
    )


def open_fsdd(folder, speaker=None, skip_corrupt=False):
    """Opens the Free Spoken Digit Dataset.

    Args:
        folder: With `recordings/{digit}_{speaker}_{index}.wav`, or archives
            `recordings_{speaker}.tar.gz` of such files.
        speaker: Who is the test set, with all recordings, the others being the train split.
            Defaults to None (the official split: indices 0 to 4 of each speaker are the test set).
        skip_corrupt: Whether recordings that cannot be read are left out. Defaults to False.

    Returns:
        Dict from split name to an iterable of `Row`, and the lines that say what was understood.

    Raises:
        DataError: If there is no such speaker.
    """
    names = [PurePosixPath(name).name for name, _ in _fsdd_files(Path(folder))]
    speakers = sorted({match[2] for match in map(_FSDD_NAME.fullmatch, names) if match})
    if speaker is None:
        how = f"indices 0 to {_FSDD_TEST_RECORDINGS - 1} are the test split"

        def is_test(_, index):
            return index < _FSDD_TEST_RECORDINGS
    else:
        if speaker not in speakers:
            raise DataError(
                f"Expected one of the speakers {speakers} of {folder}. Received: {speaker!r}"
            )
        how = f"speaker {speaker!r} is the test split"

        def is_test(who, _):
            return who == speaker

    line = f"{folder}: FSDD, spoken digits of {len(speakers)} speakers; {how}"
    parts = {"train": lambda *of: not is_test(*of), "test": is_test}
    sources = {
        split: CheckedRecordings(_Digits(Path(folder), belongs), line, skip_corrupt)
        for split, belongs in parts.items()
    }
    return sources, [line]


def _fsdd_files(folder):
    """Yields name and content of every recording, in the order of their names."""
    recordings = folder / "recordings"
    if recordings.is_dir():
        for path in sorted(recordings.glob("*.wav")):
            yield f"recordings/{path.name}", path.read_bytes()
        return
    for path in sorted(folder.glob("recordings_*.tar.gz")):
        yield from sorted(read_archive(path, (".wav",)))


def _is_audio(path):
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")
