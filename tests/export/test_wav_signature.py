"""Wav files in a SavedModel's graph: what Python hears in them."""

import numpy as np
import pytest
import tensorflow as tf

from attnzoo import zoo
from attnzoo.export.raw_inputs import RecordingInput
from attnzoo.zoo.audio_preprocessor import AudioPreprocessor
from attnzoo.zoo.raw_audio import RawAudio, wav_bytes

RATE = 8000
PREPROCESSOR = AudioPreprocessor(RATE, 80, 4)


def noise(*shape):
    return np.random.default_rng(0).normal(0, 4000, shape).astype("int16")


@pytest.mark.parametrize(
    "files",
    [
        [noise(4000)],
        [noise(4000), noise(321), noise(1)],
        [noise(1000, 2), noise(500)],
        [np.array([-32768, 32767, 0], "int16")],
    ],
    ids=["one", "of many lengths", "two channels", "full scale"],
)
def test_samples_and_lengths_are_those_of_python(files):
    encoded = [wav_bytes(file, RATE) for file in files]
    tensors, said = RecordingInput(PREPROCESSOR)(tf.constant(encoded))
    assert not said
    expected = PREPROCESSOR.collate(PREPROCESSOR.encode(encoded))
    np.testing.assert_array_equal(tensors["waveform"], expected["waveform"])
    np.testing.assert_array_equal(tensors["lengths"], expected["padding_mask"].sum(axis=1))
    assert tensors["lengths"].dtype == tf.int32


def test_another_rate_is_refused_by_the_graph():
    encoded = tf.constant([wav_bytes(noise(100), RATE), wav_bytes(noise(100), 16000)])
    message = r"Expected wav files of 8000 samples a second.*16000"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.function(RecordingInput(PREPROCESSOR).__call__)(encoded)


def test_what_is_no_wav_file_is_refused_by_the_graph():
    with pytest.raises(tf.errors.InvalidArgumentError):
        RecordingInput(PREPROCESSOR)(tf.constant([b"RIFF and nothing more"]))


def test_a_served_recording_gives_its_text(export_of):
    exported = export_of("speech_encoder")
    rate = exported.config.sampling_rate
    recordings = [RawAudio(noise(rate), rate), RawAudio(noise(rate // 2), rate)]
    encoded = [wav_bytes(recording.content, rate) for recording in recordings]
    answers = exported.serving.run("serving_default", {"wav_bytes": np.array(encoded, object)})
    texts = [text.decode() for text in answers["text"].tolist()]
    assert texts == [prediction.text for prediction in exported.pipeline(recordings)]
    assert any(texts), "nothing was heard, so nothing was compared"


def test_a_model_of_features_has_no_signature_for_wav_files(tmp_path):
    from attnzoo.export.savedmodel import write_savedmodel
    from attnzoo.export.served_model import ServedModel

    model = zoo.build("speech_encoder/tiny", input="features", num_classes=3)
    labels = ["<blank>", "A", "B"]
    preprocessor = AudioPreprocessor.of_config(zoo.config_of(model))
    kinds, reason = write_savedmodel(
        ServedModel(zoo.Pipeline(model, preprocessor, labels)), tmp_path
    )
    assert set(kinds.values()) == {"tensors"}
    assert reason is None  # Nothing is amiss: there is no such signature.
