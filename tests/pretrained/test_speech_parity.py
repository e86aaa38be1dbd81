"""Encoders of speech that transformers writes give the same vectors here, and ours there."""

import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.zoo.pretrained import Checkpoint, save_checkpoint

from .test_parity import TOLERANCE, expected

WITH_MASKS = ["speech_to_text", "speech_to_text_gelu"]
WITHOUT_MASKS = ["whisper", "whisper_model", "whisper_classes"]
ENCODERS = [*WITH_MASKS, *WITHOUT_MASKS]


def as_ours(inputs, with_mask=True):
    """The inputs of transformers under our names."""
    ours = {"features": inputs["features"]}
    if with_mask:
        ours["padding_mask"] = inputs["attention_mask"].astype(bool)
    return ours


def real_vectors(model, inputs):
    """Which vectors are of real steps."""
    config = zoo.config_of(model)
    lengths = inputs["attention_mask"].sum(axis=1)
    first, unit = config.steps_of_first_vector, config.steps_per_vector
    counts = np.maximum(0, lengths - first + unit) // unit
    total = (inputs["attention_mask"].shape[1] - first + unit) // unit
    return np.arange(total) < counts[:, None]


@pytest.mark.parametrize("name", WITH_MASKS)
@pytest.mark.parametrize("hears_padding", [False, True])
def test_vectors_are_those_of_transformers(checkpoints, name, hears_padding, record_property):
    # Where theirs let padding into the answer, ours is what they say to each recording by itself.
    inputs, outputs = expected(checkpoints, name)
    model = zoo.build(
        "speech_encoder", weights=checkpoints / name, stem_hears_padding=hears_padding
    )
    reference = outputs["last_hidden_state" if hears_padding else "one_by_one"]
    real = real_vectors(model, inputs)
    vectors = np.asarray(model(as_ours(inputs)))
    assert vectors.shape == reference.shape
    assert 1 < real.sum() < real.size
    assert np.ptp(reference[real]) > 1
    record_property("hidden", float(np.abs(vectors - reference)[real].max()))
    np.testing.assert_allclose(vectors[real], reference[real], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", WITHOUT_MASKS)
@pytest.mark.parametrize("with_mask", [False, True])
def test_vectors_of_whole_recordings_are_those_of_transformers(
    checkpoints, name, with_mask, record_property
):
    inputs, outputs = expected(checkpoints, name)
    model = zoo.build("speech_encoder", weights=checkpoints / name)
    vectors, reference = np.asarray(model(as_ours(inputs, with_mask))), outputs["last_hidden_state"]
    assert np.ptp(reference) > 1
    record_property("hidden", float(np.abs(vectors - reference).max()))
    np.testing.assert_allclose(vectors, reference, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", WITH_MASKS)
def test_theirs_depend_on_padding(checkpoints, name):
    inputs, outputs = expected(checkpoints, name)
    real = real_vectors(zoo.build("speech_encoder", weights=checkpoints / name), inputs)
    difference = np.abs(outputs["last_hidden_state"] - outputs["one_by_one"])[real]
    assert difference.max() > 1e-3


@pytest.fixture(scope="module")
def written(checkpoints, ask_transformers, tmp_path_factory):
    """What transformers answers for every case after we have read it and written it back."""
    folder = tmp_path_factory.mktemp("written")
    questions = {}
    for name in ENCODERS:
        save_checkpoint(zoo.load(checkpoints / name), folder / name)
        questions[folder / name] = expected(checkpoints, name)[0]
    return dict(zip(ENCODERS, ask_transformers(questions), strict=True)), folder


@pytest.mark.parametrize("name", ENCODERS)
def test_what_is_written_back_gives_the_same_vectors_there(checkpoints, written, name):
    inputs, outputs = expected(checkpoints, name)
    answers, folder = written
    assert str(answers[name]["report"]) == "{}"
    model = zoo.build("speech_encoder", weights=folder / name)
    real = real_vectors(model, inputs)
    there, reference = answers[name]["last_hidden_state"], outputs["last_hidden_state"]
    np.testing.assert_allclose(there[real], reference[real], atol=TOLERANCE, rtol=0)
    again, reference = np.asarray(model(as_ours(inputs))), outputs["one_by_one"]
    np.testing.assert_allclose(again[real], reference[real], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", ENCODERS)
def test_every_tensor_of_the_decoder_is_accounted_for(checkpoints, name):
    _, report = Checkpoint(checkpoints / name).build()
    is_classifier = name == "whisper_classes"
    reason = "a head of another task" if is_classifier else "the decoder"
    assert set(report.ignored.values()) == {reason}
    assert is_classifier or all("decoder." in tensor for tensor in report.ignored)
    assert report.missing == report.mismatched == []


@pytest.mark.parametrize("name", ENCODERS)
def test_a_window_over_the_whole_length_is_full_attention(checkpoints, name):
    inputs, _ = expected(checkpoints, name)
    full = zoo.build("speech_encoder", weights=checkpoints / name)
    real = real_vectors(full, inputs)
    vectors = np.asarray(full(as_ours(inputs)))[real]
    for size, style in ((100, "regular"), (127, "chunked_limited")):
        model = zoo.build(
            "speech_encoder",
            weights=checkpoints / name,
            att_context_size=(size, size),
            att_context_style=style,
        )
        windowed = np.asarray(model(as_ours(inputs)))[real]
        np.testing.assert_allclose(windowed, vectors, atol=2e-6, rtol=0)
    near = zoo.build("speech_encoder", weights=checkpoints / name, att_context_size=(1, 0))
    assert np.abs(np.asarray(near(as_ours(inputs)))[real] - vectors).max() > 0.01
