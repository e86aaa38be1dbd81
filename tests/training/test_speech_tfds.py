"""Recordings of TensorFlow Datasets, prepared in a folder of the test."""

import numpy as np
import pytest

from attnzoo import training

from ..zoo.recordings import noise

tfds = pytest.importorskip("tensorflow_datasets")

CLIPS = [noise(900 + 10 * seed, seed) for seed in range(8)]
TEXTS = ("GO ON", "NO")


class TinySpeech(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Eight recordings of two kinds."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {"audio": tfds.features.Audio(sample_rate=8000), **self.of_label()}
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, manager):
        return {"train": self._generate_examples(), "test": self._generate_examples()}

    def _generate_examples(self):
        (name,) = self.of_label()
        for index, clip in enumerate(CLIPS):
            yield index, {"audio": clip.astype("int64"), name: TEXTS[index % 2]}


class TinyTranscripts(TinySpeech):
    """With a transcript each."""

    @staticmethod
    def of_label():
        return {"text": tfds.features.Text()}


class TinyCommands(TinySpeech):
    """With a label each."""

    @staticmethod
    def of_label():
        return {"label": tfds.features.ClassLabel(names=list(TEXTS))}


@pytest.mark.parametrize("name", ["tiny_transcripts", "tiny_commands"])
def test_a_prepared_data_set_gives_its_recordings(tmp_path, monkeypatch, name):
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    tfds.builder(name).download_and_prepare()
    data = training.load_data(f"tfds:{name}", "speech_recognition", verbose=False)
    assert "recording in feature 'audio'" in data.understood[0]
    found = {recording.samples(8000).tobytes() for recording in data.test.inputs()}
    assert found == {(clip / 32768).astype("float32").tobytes() for clip in CLIPS}
    if name == "tiny_commands":
        assert data.label_names == sorted(TEXTS)
        assert np.bincount(data.test.labels).tolist() == [4, 4]
    else:
        assert data.label_names == ["<blank>", "G", "N", "O", "▁"]
        texts = ["".join(row) for row in data.test.row_labels()]
        assert sorted(texts) == ["GO▁ON"] * 4 + ["NO"] * 4
