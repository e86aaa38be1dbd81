"""attnzoo train, evaluate, predict and attention on files of images."""

import json

import numpy as np
import pytest

from attnzoo import zoo

from ..zoo.images import encoded
from .conftest import Made, captured

SETTINGS = ("epochs=2", "batch_size=8", "hidden_dim=16", "num_layers=1", "ema_momentum=None")
LABELS = ["dark", "light"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of dark and of light images, as anyone would have it."""
    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(0)
    for label, low in zip(LABELS, (0, 150), strict=True):
        (folder / label).mkdir()
        for index in range(20):
            pixels = generator.integers(low, low + 100, (9, 11, 3), "uint8")
            suffix, form = (("jpg", "JPEG"), ("png", "PNG"))[index % 2]
            (folder / label / f"{index}.{suffix}").write_bytes(encoded(pixels, form))
    return folder


def train(photos, folder, *more):
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    return captured(
        "train", "image_classifier/digits", "--data", photos, "--out", folder, *settings, *more
    )


@pytest.fixture(scope="module")
def trained_on_photos(photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "photos"
    return Made(folder, train(photos, folder))


@pytest.fixture(scope="module")
def exported_photos(trained_on_photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports") / "dist"
    return Made(folder, captured("export", trained_on_photos, "--out", folder))


def test_a_folder_of_images_trains(trained_on_photos):
    assert trained_on_photos.result.code == 0, trained_on_photos.result.err
    assert "an image's label is the folder that it lies in" in trained_on_photos.result.out
    assert f"attnzoo predict {trained_on_photos} photo.jpg" in trained_on_photos.result.out
    assert zoo.load(trained_on_photos.folder).labels == LABELS


def test_evaluate_reads_the_same_folder(attnzoo, trained_on_photos, photos):
    result = attnzoo("evaluate", trained_on_photos, "--data", photos, "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["rows"] == 40


@pytest.mark.parametrize("variant", ["run", "", "onnx/model.onnx", "savedmodel/1"])
def test_paths_of_images_are_labelled(attnzoo, trained_on_photos, exported_photos, photos, variant):
    assert exported_photos.result.code == 0, exported_photos.result.err
    model = trained_on_photos.folder if variant == "run" else exported_photos.folder / variant
    paths = [str(photos / "dark" / "0.jpg"), str(photos / "light" / "1.png")]
    result = attnzoo("predict", model, *paths)
    assert result.code == 0, result.err
    expected = zoo.load(trained_on_photos.folder)(paths)
    rows = [line.split("\t") for line in result.lines]
    assert [row[2] for row in rows] == paths
    for (label, probability, _), prediction in zip(rows, expected, strict=True):
        assert label == prediction.label
        assert float(probability) == pytest.approx(prediction.probability, abs=1e-4)


def test_a_folder_or_a_list_of_paths_may_be_the_input(attnzoo, trained_on_photos, photos, tmp_path):
    listed = tmp_path / "list.txt"
    paths = sorted(str(path) for path in (photos / "dark").iterdir())
    listed.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    for given in (photos / "dark", listed):
        result = attnzoo("predict", trained_on_photos, "--input", given)
        assert result.code == 0, result.err
        assert [line.split("\t")[2] for line in result.lines] == paths


def test_a_file_that_is_no_image_is_named(attnzoo, trained_on_photos, tmp_path):
    (tmp_path / "notes.jpg").write_bytes(b"no image")
    for path, message in (
        (tmp_path / "notes.jpg", "notes.jpg to be an image"),
        (tmp_path / "nowhere.jpg", "nowhere.jpg; it cannot be read: No such file"),
    ):
        result = attnzoo("predict", trained_on_photos, path)
        assert result.code == 1
        assert message in result.err


def test_corrupt_images_stop_a_training_unless_they_are_to_be_skipped(photos, tmp_path):
    folder = tmp_path / "photos"
    for label in LABELS:
        (folder / label).mkdir(parents=True)
        for path in list((photos / label).iterdir())[:6]:
            (folder / label / path.name).write_bytes(path.read_bytes())
    (folder / "dark" / "bad.jpg").write_bytes(b"\xff\xd8 cut off")
    refused = train(folder, tmp_path / "refused")
    assert refused.code == 1
    assert "dark/bad.jpg to be an image" in refused.err
    assert "--skip-corrupt" in refused.err
    assert not (tmp_path / "refused").exists()
    trained = train(folder, tmp_path / "run", "--skip-corrupt")
    assert trained.code == 0, trained.err
    assert "1 images left out that cannot be read: ['dark/bad.jpg']" in trained.out


def test_attention_over_patches_is_drawn(attnzoo, trained_on_photos, photos, tmp_path):
    image = photos / "dark" / "0.jpg"
    result = attnzoo("attention", trained_on_photos, image, "--out", tmp_path / "map.png", "--json")
    assert result.code == 0, result.err
    answer = json.loads(result.out)
    assert answer["ticks"][:5] == ["0,0", "0,1", "0,2", "0,3", "1,0"]
    assert list(answer["shapes"].values()) == [[4, 16, 16]]
