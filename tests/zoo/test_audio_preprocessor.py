"""Recordings become padded batches of the model's rate."""

import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.zoo.audio_preprocessor import AudioPreprocessor
from attnzoo.zoo.raw_audio import AudioError

from .recordings import noise, tone

PREPROCESSOR = AudioPreprocessor(16000, 160, 4)  # 640 samples a vector.


def test_a_first_vector_may_take_other_steps_than_the_next():
    preprocessor = AudioPreprocessor(16000, 1, 320, steps_of_first_vector=400)
    clips = preprocessor.encode([(np.zeros(n, "int16"), 16000) for n in (399, 400, 719, 720)])
    assert [clip.num_vectors for clip in clips] == [0, 1, 1, 2]
    assert preprocessor.collate(clips[:1])["waveform"].shape == (1, 640)
    assert preprocessor.collate([])["waveform"].shape == (0, 400)


def test_the_configuration_decides_it():
    preprocessor = AudioPreprocessor.of_config(zoo.get_config("speech_encoder/small"))
    assert preprocessor.description() == PREPROCESSOR.description()
    assert preprocessor.steps_per_vector == 640
    assert preprocessor.input_name == "waveform"


def test_a_batch_holds_whole_vectors_and_says_what_is_real():
    clips = [tone(641), tone(3), tone(1920)]
    batch = PREPROCESSOR.collate(PREPROCESSOR.encode([(clip, 16000) for clip in clips]))
    assert batch["waveform"].shape == batch["padding_mask"].shape == (3, 1920)
    assert batch["waveform"].dtype == "float32"
    assert batch["padding_mask"].sum(axis=1).tolist() == [641, 3, 1920]
    for row, mask, clip in zip(batch["waveform"], batch["padding_mask"], clips, strict=True):
        np.testing.assert_array_equal(row[mask], clip)
        assert not row[~mask].any()


@pytest.mark.parametrize(
    ("samples", "fills", "vectors"),
    [(1, 1, 0), (639, 1, 0), (640, 1, 1), (641, 2, 1), (1279, 2, 1), (1280, 2, 2)],
)
def test_a_recording_fills_vectors_and_gives_those_that_it_fills_whole(samples, fills, vectors):
    (recording,) = PREPROCESSOR.encode([(tone(samples), 16000)])
    assert len(recording) == fills
    assert recording.num_vectors == vectors
    assert recording.seconds_per_vector == 0.04
    assert PREPROCESSOR.padded_length([len(recording)]) == 640 * fills


def test_no_recordings_make_a_batch_of_one_vector():
    assert PREPROCESSOR.collate([])["waveform"].shape == (0, 640)
    assert PREPROCESSOR.padded_length([]) == 640


def test_what_is_checked_may_be_checked_again():
    (checked,) = PREPROCESSOR.checked([(noise(800), 8000)])
    assert PREPROCESSOR.encode([checked])[0] is checked
    assert len(checked.steps) == 1600


def test_features_are_taken_as_they_are():
    preprocessor = AudioPreprocessor.of_config(
        zoo.get_config("speech_encoder/small").replace(input="features", num_mels=3)
    )
    frames = np.arange(15).reshape(5, 3)
    batch = preprocessor.collate(preprocessor.encode([frames, frames[:4]]))
    assert set(batch) == {"features", "padding_mask"}
    assert batch["features"].shape == (2, 8, 3)
    assert batch["padding_mask"].sum(axis=1).tolist() == [5, 4]
    np.testing.assert_array_equal(batch["features"][0, :5], frames)


@pytest.mark.parametrize(
    "frames", [np.zeros((0, 3)), np.zeros((2, 4)), np.zeros(3), np.full((2, 3), np.nan)], ids=str
)
def test_frames_of_another_shape_are_refused(frames):
    preprocessor = AudioPreprocessor(16000, 160, 4, num_mels=3)
    with pytest.raises(AudioError, match=r"log-mel frames \(frames, 3\)"):
        preprocessor.checked([frames])


def test_positions_are_named_by_their_seconds():
    (recording,) = PREPROCESSOR.encode([(tone(1300), 16000)])
    assert PREPROCESSOR.ticks(recording) == ["0.00", "0.04"]
