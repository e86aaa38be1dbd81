"""Recordings from folders, manifests and published sets, and what is wrong with some of them."""

import json

import numpy as np
import pytest

from attnzoo import training
from attnzoo.training.sources import open_speech
from attnzoo.zoo.symbols import text_of

from ..zoo.recordings import encoded, noise, wav
from .speech_files import (
    WORDS,
    an4_files,
    keyword_files,
    spoken,
    write_an4,
    write_files,
    write_fsdd,
    write_manifest,
    write_tar,
)


def load(spec, **options):
    return training.load_data(spec, "speech_recognition", verbose=False, **options)


def texts_of(split):
    return [text_of(row) for row in split.row_labels()]


# === Folders ===


def test_the_folder_is_the_label(tmp_path):
    data = load(write_files(tmp_path, keyword_files()))
    assert data.label_names == ["GO", "STOP"]
    assert (len(data.train), len(data.validation), data.test) == (10, 2, None)
    assert np.bincount(data.validation.labels).tolist() == [1, 1]
    first = next(data.train.inputs())
    assert first.own_rate == 8000
    assert first.origin.endswith(".wav")


@pytest.mark.parametrize("validation", ["dev", "valid", "validation"])
def test_folders_may_lie_in_splits(tmp_path, validation):
    data = load(write_files(tmp_path, keyword_files(("train", validation, "test"))))
    assert [len(data.split(s)) for s in ("train", "validation", "test")] == [12, 12, 12]


def test_two_folders_for_one_split_are_refused(tmp_path):
    write_files(tmp_path, keyword_files(("train", "dev", "val")))
    with pytest.raises(training.DataError, match="dev and val for 'validation'"):
        load(tmp_path)


def test_other_files_beside_are_left_alone(tmp_path):
    write_files(tmp_path, keyword_files())
    write_files(tmp_path, {"GO/notes.txt": b"x", "GO/.hidden.wav": b"x", "README.md": b"x"})
    assert sum(len(data) for data in (load(tmp_path).train, load(tmp_path).validation)) == 12


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(training.DataError, match="one folder of recordings for each label"):
        load(tmp_path)
    write_files(tmp_path, keyword_files())
    (tmp_path / "EMPTY").mkdir()
    with pytest.raises(training.DataError, match="EMPTY, files that end in"):
        load(tmp_path)


def test_flac_and_stereo_and_other_rates_lie_beside_wav(tmp_path):
    contents = keyword_files()
    stereo = np.stack([noise(), noise(seed=1)], axis=1)
    contents["GO/6.flac"] = encoded(noise(), 44100, "FLAC")
    contents["STOP/6.wav"] = wav(stereo, 11025)
    data = load(write_files(tmp_path, contents), validation_split=0.3)
    assert len(data.train) + len(data.validation) == 14


# === Manifests ===


@pytest.mark.parametrize("kind", ["tsv", "csv", "jsonl", "without header", "other names"])
def test_a_manifest_lists_recordings_and_transcripts(tmp_path, kind):
    path = write_manifest(tmp_path)
    rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    if kind == "csv":
        path = tmp_path / "all.csv"
        path.write_text("file,transcript\n" + "".join(f"{p},{t}\n" for p, t in rows))
    elif kind == "jsonl":
        path = tmp_path / "all.jsonl"
        lines = (json.dumps({"audio_filepath": p, "text": t, "duration": 1.5}) for p, t in rows)
        path.write_text("\n".join(lines))
    elif kind == "without header":
        path.write_text("".join(f"{p}\t{t}\n" for p, t in rows))
    elif kind == "other names":
        path.write_text("id\twhere\tsaid\n" + "".join(f"7\t{p}\t{t}\n" for p, t in rows))
    data = load(path, text_column="said" if kind == "other names" else None)
    assert data.label_names == ["<blank>", *sorted(set("GOSTPN")), "▁"]
    assert sorted({*texts_of(data.train), *texts_of(data.validation)}) == sorted(WORDS)
    clip, text = next(data.train.inputs()), texts_of(data.train)[0]
    index = next(i for i, (p, _) in enumerate(rows) if str(tmp_path / p) in clip.origin)
    np.testing.assert_array_equal(clip.samples(8000), spoken(text, seed=index) / 32768)


def test_a_manifest_may_have_labels_in_place_of_transcripts(tmp_path):
    path = write_manifest(tmp_path, header="path\tlabel\n")
    data = load(path)
    assert data.label_names == sorted(WORDS)
    path = write_manifest(tmp_path, header="path\tcommand\n")
    assert load(path, label_column="command").label_names == sorted(WORDS)


def test_a_manifest_may_have_a_column_of_splits(tmp_path):
    path = write_manifest(tmp_path)
    lines = path.read_text().splitlines()
    splits = ["train"] * 12 + ["dev"] * 6 + ["test"] * 6
    rows = [f"{line}\t{split}" for line, split in zip(lines[1:], splits, strict=True)]
    path.write_text("\n".join(["path\ttext\tsplit", *rows]) + "\n")
    data = load(path)
    assert [len(data.split(s)) for s in ("train", "validation", "test")] == [12, 6, 6]


def test_a_folder_may_hold_a_manifest_for_each_split(tmp_path):
    for name in ("train", "dev", "test"):
        write_manifest(tmp_path, name=f"{name}.tsv")
    data = load(tmp_path)
    assert [len(data.split(s)) for s in ("train", "validation", "test")] == [24, 24, 24]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("path\ttext\nclips/0.wav\t\n", "line 2; the field is empty"),
        ("path\ttext\nclips/0.wav\tGO\nclips/none.wav\tGO\n", r"none\.wav, named in .*line 3"),
        ("who\twhat\nx\ty\n", "a column of paths"),
        ("path\ta\tb\nclips/0.wav\tGO\tON\n", "a column of transcripts"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_named(tmp_path, content, message):
    path = write_manifest(tmp_path)
    path.write_text(content)
    with pytest.raises(training.DataError, match=message):
        load(path)


def test_a_symbol_that_training_never_saw_is_named(tmp_path):
    for name in ("train", "test"):
        write_manifest(tmp_path, name=f"{name}.tsv")
    path = tmp_path / "test.tsv"
    path.write_text(path.read_text().replace("STOP", "STÖP"))
    with pytest.raises(training.DataError, match=r"label 'Ö' in .*test\.tsv, line 3"):
        load(tmp_path)
    labels = load(tmp_path / "train.tsv").label_names
    with pytest.raises(training.DataError, match=r"label 'Ö' in .*test\.tsv, line 3"):
        training.load_split(tmp_path / "test.tsv", labels, task="speech_recognition")


def test_pieces_of_words_know_the_characters_that_they_are_made_of(tmp_path):
    path = write_manifest(tmp_path)
    labels = ["<blank>", "▁GO", "▁ST", "G", "N", "O", "P", "S", "T", "▁"]
    split = training.load_split(path, labels, task="speech_recognition")
    assert sorted(set(texts_of(split))) == sorted(WORDS)


# === Damaged recordings ===


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (wav(noise())[:-500], "whole audio file"),
        (wav(np.zeros(0, "int16")), "there are none"),
        (encoded(np.full(9, np.nan), subtype="FLOAT"), "finite samples"),
        (b"no audio", "whole audio file"),
    ],
    ids=["cut", "empty", "NaN", "text"],
)
def test_a_damaged_recording_is_named_or_skipped(tmp_path, capsys, content, message):
    write_files(tmp_path, {**keyword_files(), "GO/bad.wav": content})
    with pytest.raises(training.DataError, match=rf"bad\.wav.*{message}|{message}.*bad\.wav"):
        load(tmp_path)
    data = load(tmp_path, skip_corrupt=True)
    assert len(data.train) + len(data.validation) == 12
    assert len(list(data.train.inputs())) == len(data.train)
    assert "1 recordings left out that cannot be read" in capsys.readouterr().out


# === CMU AN4 ===


@pytest.mark.parametrize("archived", [True, False])
def test_an4_is_read_as_it_is_published(tmp_path, archived):
    recordings = write_an4(tmp_path, archived)
    data = load(tmp_path)
    assert [len(data.split(s)) for s in ("train", "validation", "test")] == [4, 100, 3]
    for name in ("train", "validation", "test"):
        for clip in data.split(name).inputs():
            key = clip.origin.removeprefix(f"{tmp_path}/").removesuffix(".raw")
            np.testing.assert_array_equal(clip.content, recordings[key])
            assert clip.own_rate == 16000
    assert texts_of(data.test) == list(WORDS)
    assert texts_of(data.validation)[:4] == [*WORDS, "GO"]
    assert "ESPnet" in data.understood[0]


def test_an4_whose_lists_do_not_fit_is_refused(tmp_path):
    write_an4(tmp_path)
    path = tmp_path / "etc" / "an4_test.transcription"
    text = path.read_text()
    path.write_text("".join(reversed(text.splitlines(keepends=True))))
    with pytest.raises(training.DataError, match="in their order"):
        load(tmp_path)
    path.write_text(text.replace("GO (", "("))
    with pytest.raises(training.DataError, match=r"a name in brackets in .*line 1"):
        load(tmp_path)
    path.unlink()
    with pytest.raises(training.DataError, match=r"Expected a file at .*transcription"):
        load(tmp_path)


def test_an4_without_a_recording_is_refused(tmp_path):
    write_an4(tmp_path, archived=False)
    (tmp_path / "wav" / "an4test_clstk" / "f1" / "an1-f-b.raw").write_bytes(b"odd")
    with pytest.raises(training.DataError, match=r"an1-f-b\.raw\. Received: 3 bytes"):
        load(tmp_path)
    (tmp_path / "wav" / "an4test_clstk" / "f1" / "an1-f-b.raw").unlink()
    with pytest.raises(training.DataError, match=r"an1-f-b\.raw\. Received: nothing"):
        load(tmp_path)


def test_an4_without_its_archive_is_refused(tmp_path):
    write_an4(tmp_path)
    (tmp_path / "an4_clstk.tar.xz").unlink()
    with pytest.raises(training.DataError, match=r"archive an4_clstk\.tar\.xz beside"):
        load(tmp_path)


def test_an_archive_that_breaks_off_is_named(tmp_path):
    write_an4(tmp_path)
    path = tmp_path / "an4test_clstk.tar.xz"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(training.DataError, match=r"an4test_clstk\.tar\.xz to be a whole tar"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["../out.raw", "/etc/out.raw", "wav/../../out.raw"])
def test_an_archive_that_leads_out_of_its_folder_is_refused(tmp_path, name):
    _, etc = an4_files(train=2)
    write_files(tmp_path / "an4", etc)
    write_tar(tmp_path / "an4" / "an4_clstk.tar.xz", {name: b"xx"}, "w:xz")
    write_tar(tmp_path / "an4" / "an4test_clstk.tar.xz", {name: b"xx"}, "w:xz")
    with pytest.raises(training.DataError, match="names inside the archive's folder"):
        list(open_speech(tmp_path / "an4")[0]["test"])
    assert [path.name for path in tmp_path.iterdir()] == ["an4"]


# === FSDD ===


@pytest.mark.parametrize("archived", [True, False])
def test_fsdd_has_its_official_split(tmp_path, archived):
    data = load(write_fsdd(tmp_path, archived))
    assert (len(data.train) + len(data.validation), len(data.test)) == (8, 20)
    assert data.label_names == ["0", "1"]
    for split, indices in (("train", "56"), ("test", "01234")):
        for clip in data.split(split).inputs():
            assert clip.origin.removesuffix(".wav")[-1] in indices


def test_a_speaker_may_be_the_test_split(tmp_path):
    data = load(write_fsdd(tmp_path), speaker="bob")
    assert {"_bob_" in clip.origin for clip in data.test.inputs()} == {True}
    assert {"_bob_" in clip.origin for clip in data.train.inputs()} == {False}
    assert (len(data.train) + len(data.validation), len(data.test)) == (14, 14)
    labels = data.label_names
    split = training.load_split(tmp_path, labels, task="speech_recognition", speaker="bob")
    assert len(split) == 14


def test_a_speaker_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(training.DataError, match=r"\['ann', 'bob'\].*Received: 'eve'"):
        load(write_fsdd(tmp_path / "fsdd"), speaker="eve")
    with pytest.raises(training.DataError, match="`speaker` only with FSDD"):
        load(write_manifest(tmp_path), speaker="eve")


# === The demo, and what is not there ===


def test_the_demo_is_digits_of_voices_that_only_one_split_has():
    data = load("demo")
    digits = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
    for name in ("train", "validation", "test"):
        assert {word for text in texts_of(data.split(name)) for word in text.split()} <= digits
    assert {word for text in texts_of(data.train) for word in text.split()} == digits
    for clip in data.test.inputs():
        clip.check()


def test_where_nothing_is_the_layouts_are_told():
    with pytest.raises(training.DataError, match=r"AN4 or FSDD.*nowhere"):
        load("nowhere")
