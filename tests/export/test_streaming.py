"""The exported step of a stream, against the model's answers to whole recordings."""

import shutil

import numpy as np
import pytest

from attnzoo import export, zoo
from attnzoo.export.report import VerificationError

from ..zoo.test_speech_encoder import RATE, VECTOR, answers, encoder, recordings
from ..zoo.test_streaming import stream

STEPS = {"onnx": "onnx/model.streaming.onnx", "savedmodel": "savedmodel_streaming/1"}


@pytest.fixture(scope="module")
def model():
    return encoder(att_context_size=(6, 2), num_layers=1)


@pytest.fixture(scope="module")
def artefact(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("streams") / "dist"
    for format_name in STEPS:
        export.streaming(model, folder, format_name, chunk_size=3)
    return folder


@pytest.mark.parametrize("step", STEPS.values())
def test_a_stream_through_the_file_answers_as_the_model_does(artefact, model, step):
    exported = export.load_stream(artefact / step)
    assert (exported.chunk_size, exported.lookahead_frames) == (3, 2)
    assert exported.latency_ms == zoo.StreamingEncoder(model, 3).latency_ms == 5 * 40
    assert exported.sampling_rate == RATE
    waveform, mask = recordings(RATE + 77, 5 * VECTOR)
    for answer, reference in zip(
        logits_of_stream(exported, waveform, mask), answers(model, waveform, mask), strict=True
    ):
        np.testing.assert_allclose(answer, reference, rtol=0, atol=1e-5)


def logits_of_stream(exported, waveform, mask):
    """The logits alone, of an exported step that also returns labels."""

    class Logits:
        steps_per_chunk = exported.steps_per_chunk
        initial_state = exported.initial_state

        def step(self, *arguments):
            return only(*exported.step(*arguments))

        def flush(self, state):
            return only(*exported.flush(state))

    def only(outputs, state):
        return {name: outputs[name] for name in ("logits", "padding_mask")}, state

    return stream(Logits(), waveform, mask)


@pytest.mark.slow
@pytest.mark.parametrize("chunk_size", [1, 2, 5, 16, 64])
def test_chunks_of_any_size_are_verified(tmp_path, chunk_size):
    model = encoder(att_context_size=(6, 2))
    for format_name in STEPS:
        assert export.streaming(model, tmp_path / "dist", format_name, chunk_size).passed


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [{"convolution_kernel": None}, {"att_context_size": (0, 0)}])
def test_a_state_of_which_nothing_is_left_is_left_out(tmp_path, overrides):
    model = encoder(**{"att_context_size": (6, 2), **overrides})
    assert export.streaming(model, tmp_path / "dist").passed
    state = export.load_stream(tmp_path / "dist").initial_state(2)
    assert all(value.size for value in state.values())


def test_the_trained_chunk_is_the_default(tmp_path):
    model = encoder(att_context_size=(6, 3), att_context_style="chunked_limited", num_layers=1)
    report = export.streaming(model, tmp_path / "dist")
    assert report.passed
    assert export.load_stream(tmp_path / "dist").chunk_size == 4


def test_what_must_be_found_is_among_the_checks(artefact):
    checks = {(check.variant, check.name) for check in export.verify(artefact).checks}
    for step in STEPS.values():
        named = {name.split(",")[0] for variant, name in checks if variant == step}
        assert {"streams as whole recordings", "streams side by side", "state lost"} <= named


def test_a_step_of_another_model_fails(artefact, model, tmp_path):
    other = encoder(att_context_size=(6, 2), num_layers=1)
    other.set_weights([1.1 * weight for weight in model.get_weights()])
    export.streaming(other, tmp_path / "other", chunk_size=3)
    shutil.copytree(artefact, tmp_path / "dist")
    wrong = (tmp_path / "other" / STEPS["onnx"]).read_bytes()
    (tmp_path / "dist" / STEPS["onnx"]).write_bytes(wrong)
    with pytest.raises(VerificationError, match=r"model.streaming.onnx"):
        export.verify(tmp_path / "dist")


def test_whole_recordings_and_streams_are_not_mixed_up(artefact):
    with pytest.raises(ValueError, match="takes whole inputs, not the step of a stream"):
        export.load(artefact / STEPS["onnx"])
    with pytest.raises(FileNotFoundError, match="Expected one of the variants"):
        export.load(artefact)


def test_a_state_of_another_step_is_refused(artefact):
    exported = export.load_stream(artefact)
    state = exported.initial_state(1)
    first = next(iter(state))
    chunk = np.zeros((1, exported.steps_per_chunk), "float32")
    for wrong in ({**state, first: state[first][:, :1]}, exported.initial_state(2), {}):
        with pytest.raises(ValueError, match="Expected a state of this encoder"):
            exported.step(chunk, wrong)


def test_a_mask_that_lengths_cannot_say_is_refused(artefact):
    exported = export.load_stream(artefact)
    size = exported.steps_per_chunk
    mask = np.arange(size)[None] > size // 2
    with pytest.raises(ValueError, match="Expected a mask whose real steps come first"):
        exported.step(np.zeros((1, size)), exported.initial_state(1), mask)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"att_context_size": None}, "limited `att_context_size`"),
        ({"head": "class"}, "'ctc' or 'frames'"),
    ],
)
def test_what_cannot_be_streamed_leaves_nothing(tmp_path, overrides, message):
    with pytest.raises(ValueError, match=message):
        export.streaming(encoder(**overrides), tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_another_architecture_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Expected a speech encoder to stream"):
        export.streaming(zoo.build("sentiment_classifier/tiny"), tmp_path / "dist")
