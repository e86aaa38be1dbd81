import io
import json

import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.cli.stream import _read_samples
from attnzoo.zoo.audio_preprocessor import AudioPreprocessor
from attnzoo.zoo.raw_audio import resampled, wav_bytes

from ..zoo.test_speech_encoder import RATE, encoder
from .conftest import Made, captured

LABELS = ["<blank>", "▁", "A", "B", "C"]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A saved model with weights at random that hears something in noise."""
    model = encoder(att_context_size=(6, 1), num_layers=1)
    folder = tmp_path_factory.mktemp("runs") / "noise"
    preprocessor = AudioPreprocessor.of_config(zoo.config_of(model))
    zoo.Pipeline(model, preprocessor, LABELS).save(folder)
    return folder


@pytest.fixture(scope="module")
def artefact(run_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports") / "dist"
    return Made(
        folder,
        captured("export", run_folder, "--to", "onnx", "--streaming", "--out", folder),
    )


@pytest.fixture(scope="module")
def samples():
    generator = np.random.default_rng(0)
    loudness = np.repeat(generator.uniform(50, 9000, 40), RATE // 20)
    return (loudness * generator.normal(size=len(loudness))).clip(-32768, 32767).astype("int16")


@pytest.fixture(scope="module")
def recording(samples, tmp_path_factory):
    path = tmp_path_factory.mktemp("recordings") / "noise.wav"
    path.write_bytes(wav_bytes(samples, RATE))
    return path


@pytest.fixture(params=["run", "artefact", "file"])
def model_path(request, run_folder, artefact):
    return {
        "run": run_folder,
        "artefact": artefact.folder,
        "file": artefact.folder / "onnx" / "model.streaming.onnx",
    }[request.param]


def predicted(attnzoo, run_folder, recording):
    return attnzoo("predict", run_folder, recording).out.split("\t")[0]


def test_a_step_is_exported_and_the_next_command_named(artefact):
    assert artefact.result.code == 0, artefact.result.err
    assert "model.streaming.onnx" in artefact.result.out
    assert f"stream {artefact.folder} --input recording.wav" in artefact.result.out


def test_the_words_are_those_of_predict(attnzoo, model_path, run_folder, recording):
    expected = predicted(attnzoo, run_folder, recording)
    assert expected
    result = attnzoo("stream", model_path, "--input", recording)
    assert result.code == 0, result.err
    assert result.out == f"{expected}\n"
    assert "2.0 s of audio" in result.err
    assert "real-time factor" in result.err


@pytest.mark.parametrize("chunk_size", [1, 3, 64])
def test_chunks_of_any_size_say_the_same(attnzoo, run_folder, recording, chunk_size):
    result = attnzoo("stream", run_folder, "--input", recording, "--chunk-size", chunk_size)
    assert result.out == f"{predicted(attnzoo, run_folder, recording)}\n"


def test_raw_samples_come_from_standard_input(attnzoo, run_folder, recording, samples):
    expected = predicted(attnzoo, run_folder, recording)
    data = samples.astype("<i2").tobytes()
    assert attnzoo("stream", run_folder, "--input", "-", stdin=data).out == f"{expected}\n"
    odd = attnzoo("stream", run_folder, "--input", "-", stdin=data + b"\x00")
    assert odd.out == f"{expected}\n", "half a sample at the end is none"


def test_raw_samples_of_another_rate_are_resampled(attnzoo, run_folder, samples):
    doubled = np.repeat(samples, 2).astype("<i2").tobytes()
    result = attnzoo("stream", run_folder, "--input", "-", "--rate", 2 * RATE, stdin=doubled)
    assert result.code == 0, result.err
    assert "2.0 s of audio" in result.err


@pytest.mark.parametrize("length", [2 * 640, 2 * 640 * 3, 2 * 640 + 1, 7])
def test_no_sample_is_lost_by_resampling(length):
    """Where the input ends with a whole chunk, too."""
    samples = np.random.default_rng(0).normal(0, 3000, length).astype("<i2")
    pieces = _read_samples(io.BytesIO(samples.tobytes()), 16000, 8000, 640)
    expected = resampled(samples.astype("float32") / (1 << 15), 16000, 8000)
    np.testing.assert_allclose(np.concatenate(list(pieces)), expected, rtol=0, atol=1e-6)


def test_as_json_every_piece_has_its_time(attnzoo, model_path, recording):
    result = attnzoo("stream", model_path, "--input", recording, "--json")
    *pieces, total = map(json.loads, result.lines)
    assert "".join(piece["text"] for piece in pieces) == total["text"]
    times = [piece["seconds"] for piece in pieces]
    assert times == sorted(times)
    assert total["seconds"] == 2.0
    assert total["real_time_factor"] > 0


def test_silence_says_nothing(attnzoo, run_folder, tmp_path):
    (tmp_path / "short.wav").write_bytes(wav_bytes(np.zeros(10, "int16"), RATE))
    result = attnzoo("stream", run_folder, "--input", tmp_path / "short.wav")
    assert (result.code, result.out) == (0, "\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input", "nothing.wav"], "Expected an audio file at nothing.wav"),
        (["--input", "-"], "Expected samples on standard input"),
        (["--input", "a.wav", "--rate", 8000], "`--rate` only with `--input -`"),
        (["--input", "a.wav", "--chunk-size", 0], "positive"),
        ([], "--input"),
    ],
)
def test_what_cannot_be_heard_is_refused(attnzoo, run_folder, arguments, message):
    result = attnzoo("stream", run_folder, *arguments, stdin=b"")
    assert result.code in (1, 2)
    assert message in result.err


def test_a_chunk_size_is_refused_where_the_step_has_one(attnzoo, artefact, recording):
    result = attnzoo("stream", artefact, "--input", recording, "--chunk-size", 4)
    assert result.code == 1
    assert "no `--chunk-size` for an exported step" in result.err


def test_a_chunk_size_without_a_stream_is_refused(attnzoo, run_folder, tmp_path):
    result = attnzoo("export", run_folder, "--out", tmp_path / "dist", "--chunk-size", 4)
    assert result.code == 1
    assert "`--chunk-size` only with `--streaming`" in result.err


def test_a_text_model_hears_nothing(attnzoo, trained, recording):
    result = attnzoo("stream", trained, "--input", recording)
    assert result.code == 1
    assert "Expected a speech encoder to stream" in result.err
