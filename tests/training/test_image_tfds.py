"""Labelled images of TensorFlow Datasets, prepared in a folder of the test."""

import numpy as np
import pytest

from attnzoo import training

from ..zoo.images import random_pixels

tfds = pytest.importorskip("tensorflow_datasets")

IMAGES = [random_pixels(6, 5, 3, seed=seed) for seed in range(8)]


class TinyImages(tfds.core.GeneratorBasedBuilder):
    """Eight images with two labels."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(6, 5, 3), encoding_format="png"),
            "label": tfds.features.ClassLabel(names=["cat", "dog"]),
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, manager):
        return {"train": self._generate_examples(), "test": self._generate_examples()}

    def _generate_examples(self):
        for index, image in enumerate(IMAGES):
            yield index, {"image": image, "label": index % 2}


def test_a_prepared_data_set_gives_its_images_and_names(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    tfds.builder("tiny_images").download_and_prepare()
    data = training.load_data("tfds:tiny_images", "image_classification", verbose=False)
    assert data.label_names == ["cat", "dog"]
    assert "image in feature 'image', label in feature 'label'" in data.understood[0]
    images = [image.pixels((6, 5, 3)).tobytes() for image in data.test.inputs()]
    labels = dict(zip(images, data.test.labels.tolist(), strict=True))
    assert labels == {image.tobytes(): index % 2 for index, image in enumerate(IMAGES)}
    assert [len(data.train), len(data.validation)] == [6, 2]
    assert np.bincount(data.train.labels).tolist() == [3, 3]
