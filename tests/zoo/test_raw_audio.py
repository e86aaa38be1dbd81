"""Recordings of every kind become the samples that a model takes, or an error that names them."""

import io
import wave

import numpy as np
import pytest

from attnzoo.zoo.raw_audio import AudioError, RawAudio, wav_bytes

from .recordings import encoded, noise, tone, wav

NOISE = noise()
FLOATS = NOISE.astype("float64") / 32768


@pytest.mark.parametrize(
    "kind", ["str", "Path", "bytes", "pair", "array", "float array", "RawAudio", "list pair"]
)
def test_a_recording_may_come_as(kind, tmp_path):
    path = tmp_path / "recording.wav"
    path.write_bytes(wav(NOISE))
    value, options = {
        "str": (str(path), {}),
        "Path": (path, {}),
        "bytes": (path.read_bytes(), {}),
        "pair": ((NOISE, 16000), {}),
        "list pair": ([NOISE, 16000], {}),
        "array": (NOISE, {"rate": 16000}),
        "float array": (FLOATS, {"rate": 16000}),
        "RawAudio": (RawAudio(path), {}),
    }[kind]
    recording = RawAudio.of(value, **options)
    assert recording.own_rate == 16000
    samples = recording.samples(16000)
    assert samples.dtype == "float32"
    np.testing.assert_array_equal(samples, FLOATS.astype("float32"))


@pytest.mark.parametrize(
    ("file_format", "subtype", "tolerance"),
    [
        ("WAV", "PCM_16", 0),
        ("WAV", "PCM_24", 1e-6),
        ("WAV", "PCM_U8", 1 / 128),
        ("WAV", "FLOAT", 1e-7),
        ("FLAC", "PCM_16", 0),
        ("OGG", "VORBIS", 0.3),
    ],
)
def test_files_of_many_formats_are_read(file_format, subtype, tolerance):
    content = encoded(FLOATS, 16000, file_format, subtype)
    samples = RawAudio.of(content).samples(16000)
    np.testing.assert_allclose(samples, FLOATS, atol=tolerance)


def test_eight_bit_samples_have_their_silence_at_128():
    levels = np.array([0, 64, 128, 192, 255], "uint8")
    expected = [-1, -0.5, 0, 0.5, 127 / 128]
    np.testing.assert_array_equal(RawAudio.of(wav(levels, width=1)).samples(16000), expected)
    np.testing.assert_array_equal(RawAudio.of((levels, 16000)).samples(16000), expected)


def test_channels_are_averaged():
    stereo = np.stack([NOISE, noise(seed=1)], axis=1)
    expected = (stereo.astype("float64") / 32768).mean(axis=1)
    for value in (wav(stereo), (stereo, 16000)):
        np.testing.assert_allclose(RawAudio.of(value).samples(16000), expected, atol=1e-7)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_a_tone_of_another_rate_is_the_same_tone(rate):
    second = RawAudio.of((tone(rate, rate), rate)).samples(16000)
    assert len(second) == 16000
    inner = slice(1000, -1000)  # A filter rings where a tone begins and ends.
    np.testing.assert_allclose(second[inner], tone(16000)[inner], atol=2e-3)


def test_what_a_lower_rate_cannot_hold_is_filtered_away():
    high = RawAudio.of((tone(16000, 16000, frequency=6000.0), 16000)).samples(8000)
    assert np.abs(high[500:-500]).max() < 1e-3


def test_one_sample_stays_one_at_least():
    assert len(RawAudio.of((np.ones(1, "float32"), 48000)).samples(8000)) == 1


def test_silence_is_a_recording():
    samples = RawAudio.of(wav(np.zeros(100, "int16"))).samples(16000)
    np.testing.assert_array_equal(samples, np.zeros(100))


# === What is none ===


@pytest.mark.parametrize("left", [0.99, 0.5, 0.05])
@pytest.mark.parametrize("content", [wav(NOISE), encoded(NOISE, file_format="FLAC")], ids=str)
def test_a_file_that_breaks_off_is_named(tmp_path, content, left):
    path = tmp_path / "cut.wav"
    path.write_bytes(content[: int(left * len(content))])
    with pytest.raises(AudioError, match=r"cut\.wav to be a whole audio file"):
        RawAudio.of(path).samples(16000)


def test_a_wav_from_a_pipe_that_could_not_know_its_length_is_read():
    content = bytearray(wav(NOISE))
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    np.testing.assert_array_equal(RawAudio.of(bytes(content)).samples(16000), FLOATS)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not audio at all" * 10, wav(NOISE)[:20]])
def test_bytes_that_are_no_audio_are_refused(content):
    with pytest.raises(AudioError, match=f"{len(content)} encoded bytes to be a whole audio file"):
        RawAudio.of(content).samples(16000)
    with pytest.raises(AudioError, match="whole audio file"):
        _ = RawAudio.of(content).own_rate


def test_a_recording_of_no_samples_is_refused():
    for value in (wav(np.zeros(0, "int16")), (np.zeros(0, "float32"), 16000)):
        with pytest.raises(AudioError, match=r"Expected samples in .*; there are none"):
            RawAudio.of(value).samples(16000)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_no_number_is_refused_with_its_place(value):
    samples = tone()
    samples[17] = value
    for given in ((samples, 16000), encoded(samples, subtype="FLOAT")):
        with pytest.raises(AudioError, match=rf"finite samples in .*{value} at sample 17"):
            RawAudio.of(given).check()


def test_a_path_where_nothing_is_is_named(tmp_path):
    with pytest.raises(AudioError, match=r"an audio file at .*missing\.wav; there is none"):
        RawAudio.of(tmp_path / "missing.wav")
    with pytest.raises(AudioError, match="there is none"):
        RawAudio.of(tmp_path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (NOISE, r"with their rate in Hz.*rate=None"),
        ((NOISE, 0), r"with their rate in Hz.*rate=0"),
        ((NOISE, 8000.5), r"with their rate in Hz.*rate=8000\.5"),
        ((NOISE.astype("int8"), 8000), "dtype int8"),
        ((NOISE.reshape(10, 20, 20), 8000), r"shape \(10, 20, 20\)"),
        (None, "one of type NoneType"),
        (3, "one of type int"),
    ],
)
def test_what_is_no_recording_is_refused(value, message):
    with pytest.raises(AudioError, match=message):
        RawAudio.of(value)


# === Writing ===


def test_wav_bytes_are_read_by_the_standard_library():
    with wave.open(io.BytesIO(wav_bytes(FLOATS, 8000))) as reader:
        assert (reader.getnchannels(), reader.getsampwidth()) == (1, 2)
        assert (reader.getframerate(), reader.getnframes()) == (8000, len(NOISE))
        np.testing.assert_array_equal(np.frombuffer(reader.readframes(9999), "<i2"), NOISE)


def test_what_is_too_loud_for_a_wav_file_is_clipped():
    samples = RawAudio.of(wav_bytes([-3.0, -1.0, 1.0, 7.0], 8000)).samples(8000)
    np.testing.assert_array_equal(samples, [-1, -1, 32767 / 32768, 32767 / 32768])
