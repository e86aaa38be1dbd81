"""Labelled images from folders, archives and arrays, and what is wrong with some of them."""

import io
import tarfile

import numpy as np
import pytest

from attnzoo import training
from attnzoo.training.sources.images import open_images

from ..zoo.images import encoded, random_pixels

LABELS = ("cat", "dog")


def files(splits=(), rows=4):
    """`{"train/cat/0.png": bytes}`, or without the split."""
    return {
        "/".join(part for part in (split, label, f"{row}.png") if part): encoded(
            random_pixels(6, 5, 3, seed=100 * s + 10 * i + row)
        )
        for s, split in enumerate(splits or ("",))
        for i, label in enumerate(LABELS)
        for row in range(rows)
    }


def write_folder(folder, contents):
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def write_tar(path, contents, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def load(spec, **options):
    return training.load_data(spec, "image_classification", verbose=False, **options)


def pixels_of(split):
    return [image.pixels((6, 5, 3)) for image in split.inputs()]


# === Where they may lie ===


def make(kind, tmp_path):
    """The same images in every form that has a train and a test split."""
    contents = files(("train", "test"))
    parts = {
        split: {n.partition("/")[2]: c for n, c in contents.items() if n.startswith(split)}
        for split in ("train", "test")
    }
    if kind == "folder of folders":
        return write_folder(tmp_path, contents)
    if kind == "folder of archives":
        for split, part in parts.items():
            write_tar(tmp_path / f"{split}.tar.gz", part)
        return tmp_path
    if kind == "folder of archives that name their split":
        for split in parts:
            named = {n: c for n, c in contents.items() if n.startswith(split)}
            write_tar(tmp_path / f"{split}.tar.gz", named)
        return tmp_path
    if kind == "archive":
        return write_tar(tmp_path / "all.tar", {f"./data/{n}": c for n, c in contents.items()}, "w")
    images = {
        split: np.stack([random_pixels(6, 5, 3, seed=100 * s + 10 * i + row)
                         for i in range(2) for row in range(4)])
        for s, split in enumerate(("train", "test"))
    }  # fmt: skip
    labels = np.repeat(LABELS, 4)
    if kind == "arrays":
        return (images["train"], labels), (images["test"], labels.reshape(-1, 1))
    np.savez(
        tmp_path / "all.npz",
        **{f"x_{split}": images[split] for split in images},
        **{f"y_{split}": labels for split in images},
    )
    return tmp_path / "all.npz"


@pytest.mark.parametrize(
    "kind",
    [
        "folder of folders",
        "folder of archives",
        "folder of archives that name their split",
        "archive",
        "npz",
        "arrays",
    ],
)
def test_the_same_images_are_read_from(kind, tmp_path):
    data = load(make(kind, tmp_path), validation_split=0.25)
    assert data.label_names == list(LABELS)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [6, 2, 8]
    np.testing.assert_array_equal(data.test.labels, [0] * 4 + [1] * 4)
    for image, row in zip(pixels_of(data.test), range(8), strict=True):
        seed = 100 + 10 * (row // 4) + row % 4
        np.testing.assert_array_equal(image, random_pixels(6, 5, 3, seed=seed))


def test_a_folder_without_splits_is_one(tmp_path):
    data = load(write_folder(tmp_path, files()), validation_split=0.25)
    assert data.test is None
    assert [len(data.train), len(data.validation)] == [6, 2]


def test_one_pair_of_arrays_is_the_train_split():
    data = load((random_pixels(8, 6, 5), np.repeat([3, 10], 4)), validation_split=0.25)
    assert data.label_names == ["3", "10"]
    assert data.spec == "arrays"


def test_the_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    data = load("demo")
    assert [len(data.train) + len(data.validation), len(data.test)] == [1437, 360]
    images = [i.pixels((8, 8, 1)) for s in (data.train, data.validation, data.test)
              for i in s.inputs()]  # fmt: skip
    expected = load_digits().images
    np.testing.assert_allclose(np.mean(images) * 16 / 255, expected.mean(), atol=0.02)
    assert np.max(images) == 255


# === What is wrong ===


def test_a_corrupt_image_is_named_and_fatal_or_left_out(tmp_path, capsys):
    contents = files(("train", "test"))
    contents["train/cat/2.png"] = contents["train/cat/2.png"][:60]
    for spec in (
        write_folder(tmp_path / "folder", contents),
        write_tar(tmp_path / "archive.tar.gz", contents),
    ):
        with pytest.raises(training.DataError, match=r"cat/2\.png to be an image.*--skip-corrupt"):
            load(spec)
        data = load(spec, skip_corrupt=True, validation_split=0.3)
        assert "1 images left out that cannot be read" in capsys.readouterr().out
        assert len(data.train) + len(data.validation) == 7
        assert len(pixels_of(data.train)) == len(data.train)
        np.testing.assert_array_equal(
            np.sort(np.concatenate([data.train.labels, data.validation.labels])), [0] * 3 + [1] * 4
        )


def test_an_empty_folder_a_flat_one_and_a_label_without_images_are_told(tmp_path):
    (tmp_path / "empty").mkdir()
    write_folder(tmp_path / "flat", {"a.png": b"", "b.png": b""})
    write_folder(tmp_path / "partly", {**files(), "fish/readme.txt": b"none yet"})
    for folder, message in (
        ("empty", r"one folder of images for each label in .*empty"),
        ("flat", r"one folder of images for each label .*a\.png"),
        ("partly", r"Expected images in .*fish.*there are none"),
    ):
        with pytest.raises(training.DataError, match=message):
            load(tmp_path / folder)


def test_an_archive_is_never_unpacked(tmp_path, monkeypatch):
    outside = {f"../../outside/{name}": content for name, content in files().items()}
    links = {**outside, "/etc/cat/passwd.txt": b"text"}
    path = write_tar(tmp_path / "inside" / "evil.tar" if False else tmp_path / "evil.tar", links)
    monkeypatch.chdir(tmp_path)
    data = load(path, validation_split=0.25)
    assert data.label_names == list(LABELS)
    assert len(pixels_of(data.train)) == 6
    assert [entry.name for entry in tmp_path.iterdir()] == ["evil.tar"]


def test_a_link_in_an_archive_is_no_image(tmp_path):
    (tmp_path / "secret.png").write_bytes(encoded(random_pixels(6, 5, 3)))
    path = tmp_path / "links.tar"
    write_tar(path, files(), "w")
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo("cat/link.png")
        member.type, member.linkname = tarfile.SYMTYPE, str(tmp_path / "secret.png")
        archive.addfile(member)
    data = load(path, validation_split=0.25)
    assert len(data.train) + len(data.validation) == 8


@pytest.mark.parametrize("keep", [0.5, 0.98])
def test_an_archive_that_breaks_off_is_told(tmp_path, keep):
    whole = write_tar(tmp_path / "whole.tar.gz", files(rows=20)).read_bytes()
    path = tmp_path / "cut.tar.gz"
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(training.DataError, match=r"cut\.tar\.gz to be a whole tar archive"):
        load(path)


def test_an_archive_of_no_images_is_told(tmp_path):
    path = write_tar(tmp_path / "texts.tar", {"cat/a.txt": b"a", "top.png": b""}, "w")
    with pytest.raises(training.DataError, match=r"Expected images in .*texts\.tar"):
        load(path)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nowhere", "'nowhere', and nothing is there"),
        ((np.zeros((3, 4, 4), "uint8"), np.zeros(2)), "as many images as labels"),
        ((np.zeros((3, 4, 4), "float32"), np.zeros(3)), "pixels as uint8"),
        ((np.zeros((3, 4), "uint8"), np.zeros(3)), "as many images as labels"),
        ((np.zeros((3, 4, 4), "uint8"),), "a pair of arrays"),
    ],
    ids=["missing", "lengths", "floats", "flat", "no labels"],
)
def test_what_holds_no_labelled_images_is_told(spec, message):
    with pytest.raises(training.DataError, match=message):
        load(spec)


def test_a_file_of_another_kind_is_told(tmp_path):
    for name, content, message in (
        ("table.csv", b"a,b", r"table\.csv"),
        ("bad.npz", b"no zip", "to be a .npz file of plain arrays"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(training.DataError, match=message):
            load(tmp_path / name)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(training.DataError, match=r"`x_train` and `y_train`.*\['a'\]"):
        load(tmp_path / "other.npz")


def test_two_archives_for_one_split_are_told(tmp_path):
    write_tar(tmp_path / "val.tar", files(), "w")
    write_tar(tmp_path / "dev.tar", files(), "w")
    with pytest.raises(training.DataError, match=r"one folder or archive for each split.*dev\.tar"):
        open_images(tmp_path)


def test_options_of_other_tasks_are_refused(tmp_path):
    with pytest.raises(training.DataError, match=r"no `text_column` for the task 'image_classif"):
        load("demo", text_column="text")
    with pytest.raises(training.DataError, match=r"no `skip_corrupt` for the task 'text_classif"):
        training.load_data("demo", skip_corrupt=True, verbose=False)
