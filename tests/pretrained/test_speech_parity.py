"""Encoders of speech that transformers writes give the same vectors here, and ours there."""

import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.zoo.pretrained import Checkpoint, save_checkpoint

from .test_parity import TOLERANCE, expected

HEADS = ["wav2vec2", "wav2vec2_stable"]
WITH_MASKS = [
    *("speech_to_text", "speech_to_text_gelu", "wav2vec2_backbone", "wav2vec2_stable_backbone"),
    "wav2vec2_classes",
]
WITHOUT_MASKS = ["whisper", "whisper_model", "whisper_classes"]
ENCODERS = [*WITH_MASKS, *WITHOUT_MASKS]


def as_ours(inputs, with_mask=True):
    """The inputs of transformers under our names."""
    ours = {name: inputs[name] for name in ("features", "waveform") if name in inputs}
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


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("hears_padding", [False, True])
def test_logits_are_those_of_transformers(checkpoints, name, hears_padding, record_property):
    inputs, outputs = expected(checkpoints, name)
    model = zoo.build(
        "speech_encoder", weights=checkpoints / name, stem_hears_padding=hears_padding
    )
    reference = blank_first(outputs["logits" if hears_padding else "one_by_one"], name)
    logits, real = np.asarray(model(as_ours(inputs))), real_vectors(model, inputs)
    assert np.ptp(reference[real]) > 1
    record_property("logits", float(np.abs(logits - reference)[real].max()))
    np.testing.assert_allclose(logits[real], reference[real], atol=TOLERANCE, rtol=0)
    assert (logits[~real].argmax(-1) == 0).all()


def blank_first(logits, name):
    """The logits of `wav2vec2_stable`, whose blank is the sixth class, in our order."""
    order = [5, 0, 1, 2, 3, 4, 6, 7, 8] if name == "wav2vec2_stable" else np.arange(9)
    return logits[..., order]


@pytest.mark.parametrize("name", HEADS)
def test_recordings_give_the_same_texts(checkpoints, name):
    inputs, outputs = expected(checkpoints, name)
    pipeline = zoo.load(checkpoints / name)
    assert pipeline.labels == ["<blank>", "<s>", "</s>", "<unk>", "▁", "A", "B", "C", "'"]
    rows = zip(inputs["waveform"], inputs["attention_mask"].sum(axis=1), strict=True)
    answers = pipeline([(row[:length], 16000) for row, length in rows])
    texts = [" ".join(text.split()) for text in outputs["texts"]]
    assert [answer.text for answer in answers] == texts
    assert any(texts)


@pytest.mark.parametrize("name", ["speech_to_text", "wav2vec2_backbone"])
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
    for name in (*ENCODERS, *HEADS):
        save_checkpoint(zoo.load(checkpoints / name), folder / name)
        questions[folder / name] = expected(checkpoints, name)[0]
    return dict(zip([*ENCODERS, *HEADS], ask_transformers(questions), strict=True)), folder


@pytest.mark.parametrize("name", HEADS)
def test_what_is_written_back_gives_the_same_logits_there(checkpoints, written, name):
    inputs, outputs = expected(checkpoints, name)
    answers, folder = written
    assert str(answers[name]["report"]) == "{}"
    real = real_vectors(zoo.build("speech_encoder", weights=folder / name), inputs)
    there, reference = answers[name]["logits"], blank_first(outputs["logits"], name)
    np.testing.assert_allclose(there[real], reference[real], atol=TOLERANCE, rtol=0)


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
def test_every_tensor_is_accounted_for(checkpoints, name):
    _, report = Checkpoint(checkpoints / name).build()
    reasons = {"a head of another task"} if name.endswith("classes") else {"the decoder"}
    if name.startswith("wav2vec2"):
        reasons = (reasons - {"the decoder"}) | {"what is hidden in training"}
    assert set(report.ignored.values()) == reasons
    decoders = {name for name, reason in report.ignored.items() if reason == "the decoder"}
    assert all("decoder." in tensor for tensor in decoders)
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
