"""The command line on recordings: train, evaluate, predict."""

import json

import pytest

from ..training.speech_files import spoken, write_manifest
from ..zoo.recordings import wav
from .conftest import Made, captured

SETTINGS = (
    "epochs=2",
    "batch_size=8",
    "hidden_dim=16",
    "intermediate_dim=24",
    "num_layers=1",
    "num_mels=16",
    "convolution_kernel=None",
)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_manifest(tmp_path_factory.mktemp("spoken"))


@pytest.fixture(scope="module")
def run(manifest, tmp_path_factory):
    """A finished training on transcripts."""
    folder = tmp_path_factory.mktemp("runs") / "spoken"
    chosen = [part for setting in SETTINGS for part in ("--set", setting)]
    arguments = ("--data", manifest, "--out", folder, "--recipe", "demo", *chosen)
    return Made(folder, captured("train", "speech_encoder/tiny", *arguments))


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "go.wav"
    path.write_bytes(wav(spoken("GO"), 8000))
    return path


def test_training_says_by_what_it_chose(run, manifest):
    assert run.result.code == 0, run.result.err
    assert "validation WER " in run.result.out
    assert f"evaluate {run} --data {manifest}" in run.result.out
    assert f"predict {run} recording.wav" in run.result.out


def test_evaluation_prints_the_error_rates(attnzoo, run, manifest):
    result = attnzoo("evaluate", run, "--data", manifest)
    assert result.code == 0, result.err
    assert result.lines[1].startswith("WER ")
    assert "24 recordings with an error" in result.lines[1]
    assert result.lines[2].startswith("32 words: ")


def test_a_lexicon_leaves_its_words_only(attnzoo, run, manifest, tmp_path):
    lexicon = tmp_path / "words.dic"
    lexicon.write_text("GO  G OW\nGO(2) G AO\n\nSTOP\n")
    result = attnzoo(
        "predict", run, "--input", manifest.parent / "clips", "--lexicon", lexicon, "--json"
    )
    assert result.code == 0, result.err
    answers = [json.loads(line) for line in result.lines]
    assert len(answers) == 24
    assert {word for answer in answers for word in answer["text"].split()} <= {"GO", "STOP"}


@pytest.mark.parametrize(
    "options", [("--beam", "4"), ("--bigrams", ...), ("--bigrams", ..., "--language-weight", "1")]
)
def test_other_decoders_are_evaluated(attnzoo, run, manifest, options):
    options = [manifest if option is ... else option for option in options]
    result = attnzoo("evaluate", run, "--data", manifest, "--json", *options)
    assert result.code == 0, result.err
    errors = json.loads(result.out)
    assert errors["rows"] == 24
    assert errors["words"] == 32
    assert errors["wer"] >= 0


def test_a_recording_is_transcribed(attnzoo, run, recording):
    result = attnzoo("predict", run, recording)
    assert result.code == 0, result.err
    (line,) = result.lines
    assert line.endswith(f"\t{recording}")
    for option in (("--input", recording), ("--input", recording.parent)):
        assert attnzoo("predict", run, *option).lines == result.lines


def test_a_recording_that_cannot_be_read_is_an_error(attnzoo, run, recording):
    recording.write_bytes(recording.read_bytes()[:-100])
    result = attnzoo("predict", run, recording)
    assert result.code != 0
    assert "go.wav to be a whole audio file" in result.err


def test_decoders_are_for_transcripts(attnzoo, trained, run, reviews, manifest):
    result = attnzoo("evaluate", trained, "--data", reviews, "--beam", "3")
    assert result.code != 0
    assert "['beam'] only for a model that gives transcripts" in result.err
    result = attnzoo("evaluate", run, "--data", manifest, "--language-weight", "1")
    assert result.code != 0
    assert "only with `--bigrams SPEC`" in result.err
