"""Recordings with a transcript or a label each: AN4, FSDD, folders, manifests, TFDS, a demo."""

from pathlib import Path

from .an4 import is_an4, open_an4
from .demo_digits import open_demo_digits
from .recordings import is_fsdd, open_fsdd, open_manifest, open_recording_folder
from .records import FILE_SUFFIXES
from .rows import DataError
from .spec import split_of


def open_speech(
    spec, text_column=None, label_column=None, speaker=None, download=False, skip_corrupt=False
):
    """Opens the recordings that `spec` names.

    Args:
        spec: `"demo"` (synthetic digits made for this project); `"tfds:NAME"`; a folder that holds
            one folder of recordings for each label, or such folders named train, dev (or
            validation) and test; a manifest (`.csv`, `.tsv` or `.jsonl`) of paths and transcripts
            or labels, or a folder of manifests named by splits; CMU AN4; or FSDD.
        text_column: Name or index of a manifest's transcripts. Defaults to None (sniffed).
        label_column: Name or index of a manifest's labels, in place of transcripts. Defaults to
            None (sniffed).
        speaker: Of FSDD: who is the test split. Defaults to None (the official split).
        download: Whether a TFDS name may be downloaded. Defaults to False.
        skip_corrupt: Whether recordings that cannot be read are left out, rather than an error.
            Defaults to False.

    Returns:
        Dict from split name to an iterable of `Row`, whose input is a `zoo.RawAudio` and whose
        label is a name, or the list of a transcript's characters (a space is `▁`); and the lines
        that say what was understood.

    Raises:
        DataError: If nothing readable is there.
    """
    spec = str(spec)
    path = Path(spec).expanduser()
    is_digits = not spec.startswith("tfds:") and path.is_dir() and is_fsdd(path)
    if speaker is not None and not is_digits:
        raise DataError(f"Expected `speaker` only with FSDD. Received: speaker={speaker!r}, {spec}")
    if spec == "demo":
        return open_demo_digits()
    if spec.startswith("tfds:"):
        from .tfds import open_speech_tfds

        return open_speech_tfds(spec.removeprefix("tfds:"), text_column, label_column, download)
    if not path.exists():
        raise DataError(
            'Expected "demo", "tfds:NAME", a folder of one folder of recordings for each label, a '
            "manifest (.csv, .tsv or .jsonl) of paths and transcripts, AN4 or FSDD. "
            f"Received: {spec!r}, and nothing is there"
        )
    if is_digits:
        return open_fsdd(path, speaker, skip_corrupt)
    if path.is_file():
        return open_manifest(path, text_column, label_column, skip_corrupt)
    if is_an4(path):
        return open_an4(path)
    manifests = {
        split_of(entry.stem): entry
        for entry in sorted(path.iterdir())
        if entry.suffix.lower() in FILE_SUFFIXES and split_of(entry.stem)
    }
    if not manifests:
        return open_recording_folder(path, skip_corrupt)
    sources, lines = {}, []
    for split, manifest in manifests.items():
        opened, (line,) = open_manifest(manifest, text_column, label_column, skip_corrupt)
        sources[split] = opened["train"]
        lines.append(f"{split}: {line}")
    return sources, lines
