"""Tiny data sets of recordings, in every layout that is read."""

import io
import tarfile

import numpy as np

from ..zoo.recordings import noise, wav

WORDS = ("GO", "STOP", "GO ON")
# The wave of each letter, in Hz: a model can hear them.
_LETTERS = {letter: 300 + 250 * index for index, letter in enumerate("GNOPST")}


def spoken(text, rate=8000, seed=0, seconds=0.08):
    """Samples in which every letter is a tone, and a space a silence, 16-bit."""
    generator = np.random.default_rng(seed)
    parts = [np.zeros(int(0.04 * rate))]
    for letter in text:
        time = np.arange(int(seconds * rate * generator.uniform(0.9, 1.1))) / rate
        tone = np.sin(2 * np.pi * _LETTERS[letter] * time) if letter in _LETTERS else 0 * time
        parts += [tone, np.zeros(int(0.02 * rate))]
    samples = np.concatenate(parts)
    return (8000 * samples + generator.normal(0, 50, len(samples))).astype("int16")


def write_files(folder, contents):
    """Writes `{"a/b.wav": bytes}` below a folder, which is returned."""
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def write_tar(path, contents, mode="w:gz"):
    """Writes the same as an archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_manifest(folder, rows=24, name="all.tsv", header="path\ttext\n", seconds=0.08):
    """Writes recordings of words and a manifest of them; returns its path."""
    lines = []
    for index in range(rows):
        text = WORDS[index % len(WORDS)]
        write_files(
            folder, {f"clips/{index}.wav": wav(spoken(text, seed=index, seconds=seconds), 8000)}
        )
        lines.append(f"clips/{index}.wav\t{text}\n")
    path = folder / name
    path.write_text(header + "".join(lines), encoding="utf-8")
    return path


def keyword_files(splits=("",), rows=6):
    """`{"train/GO/0.wav": bytes}` of two words, or without the split."""
    return {
        "/".join(part for part in (split, word, f"{row}.wav") if part): wav(
            spoken(word, seed=10 * place + row), 8000
        )
        for place, split in enumerate(splits)
        for word in WORDS[:2]
        for row in range(rows)
    }


# === As published ===


def an4_files(train=104, test=3):
    """Name of each recording of a small AN4 -> its samples; and the files of `etc/`."""
    recordings, etc = {}, {}
    for part, top, count in (("train", "an4_clstk", train), ("test", "an4test_clstk", test)):
        names = [f"{top}/f{index % 5}/an{index}-f-b" for index in range(count)]
        texts = [WORDS[index % 3] for index in range(count)]
        around = ("<s> ", " </s>") if part == "train" else ("", "")
        lines = [
            f"{around[0]}{text}{around[1]} ({name.rsplit('/', 1)[1]})"
            for name, text in zip(names, texts, strict=True)
        ]
        etc[f"etc/an4_{part}.fileids"] = "\n".join(names).encode() + b"\n"
        etc[f"etc/an4_{part}.transcription"] = "\n".join(lines).encode() + b"\n"
        recordings |= {name: noise(50 + index, index) for index, name in enumerate(names)}
    return recordings, etc


def write_an4(folder, archived=True, **counts):
    """Writes a small AN4; returns the samples of each recording."""
    recordings, etc = an4_files(**counts)
    write_files(folder, etc)
    raw = {
        f"wav/{name}.raw": samples.astype(">i2").tobytes() for name, samples in recordings.items()
    }
    if not archived:
        write_files(folder, raw)
        return recordings
    for top in ("an4_clstk", "an4test_clstk"):
        write_tar(
            folder / f"{top}.tar.xz",
            {name: content for name, content in raw.items() if f"/{top}/" in name},
            "w:xz",
        )
    return recordings


def fsdd_files(speakers=("ann", "bob"), recordings=7):
    """The files of a small FSDD."""
    return {
        f"recordings/{digit}_{speaker}_{index}.wav": wav(noise(80 + digit, index), 8000)
        for speaker in speakers
        for digit in (0, 1)
        for index in range(recordings)
    }


def write_fsdd(folder, archived=True, **options):
    """Writes a small FSDD; returns the folder."""
    files = fsdd_files(**options)
    if not archived:
        return write_files(folder, files)
    for speaker in {name.split("_")[1] for name in files}:
        of = {name: content for name, content in files.items() if f"_{speaker}_" in name}
        write_tar(folder / f"recordings_{speaker}.tar.gz", of)
    return folder
