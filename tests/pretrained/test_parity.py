"""Checkpoints that transformers writes give the same numbers here, and ours there."""

import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.zoo.pretrained import save_checkpoint

TOLERANCE = 1e-5
FAMILIES = ["bert", "distilbert", "electra", "modernbert", "roberta"]
IMAGES = ["vit", "deit", "deit_teacher", "dinov2"]
HEADS = [
    *FAMILIES,
    *IMAGES,
    *(f"{family}_tokens" for family in FAMILIES),
    *("bert_sharded", "modernbert_mean", "xlm_roberta"),
]
IMAGE_BACKBONES = ["vit_backbone", "dinov2_backbone"]
BACKBONES = [f"{family}_backbone" for family in FAMILIES]


def expected(checkpoints, name):
    """Inputs and outputs that transformers wrote."""
    with np.load(checkpoints / f"{name.removesuffix('_sharded')}.npz") as arrays:
        parts = {part: {} for part in ("input", "output")}
        for key in arrays.files:
            part, _, tensor = key.partition(".")
            parts[part][tensor] = arrays[key]
    return parts["input"], parts["output"]


def as_ours(model, inputs):
    """The inputs of transformers under our names; every token is a word."""
    if "images" in inputs:
        return inputs
    mask = inputs["attention_mask"].astype(bool)
    ours = {"token_ids": inputs["input_ids"].astype("int32"), "padding_mask": mask}
    if "token_type_ids" in inputs:
        ours["segment_ids"] = inputs["token_type_ids"].astype("int32")
    if "word_starts" in model.input:
        ours["word_starts"] = np.where(mask, np.arange(mask.shape[1]), -1).astype("int32")
    return ours


def logits_of(model, inputs, like):
    """Our logits where transformers' mean something, and those."""
    logits = np.asarray(model(as_ours(model, inputs)))
    real = inputs["attention_mask"].astype(bool) if logits.ndim == 3 else slice(None)
    return logits[real], like[real]


@pytest.mark.parametrize("name", HEADS)
def test_logits_are_those_of_transformers(checkpoints, name, record_property):
    inputs, outputs = expected(checkpoints, name)
    pipeline = zoo.load(checkpoints / name)
    logits, reference = logits_of(pipeline.model, inputs, outputs["logits"])
    assert np.ptp(reference) > 0.5
    record_property("logits", float(np.abs(logits - reference).max()))
    np.testing.assert_allclose(logits, reference, atol=TOLERANCE, rtol=0)
    assert pipeline.labels == ["bad", "good", "so-so"]
    checkpoint = pipeline.training["checkpoint"]
    assert checkpoint["missing"] == checkpoint["mismatched"] == []


@pytest.fixture(scope="module")
def written(checkpoints, ask_transformers, tmp_path_factory):
    """What transformers answers for every case after we have read it and written it back."""
    folder = tmp_path_factory.mktemp("written")
    questions = {}
    for name in HEADS:
        save_checkpoint(zoo.load(checkpoints / name), folder / name)
        questions[folder / name] = expected(checkpoints, name)[0]
    return dict(zip(HEADS, ask_transformers(questions), strict=True))


@pytest.mark.parametrize("name", HEADS)
def test_what_is_written_back_gives_the_same_logits_there(
    checkpoints, written, name, record_property
):
    inputs, outputs = expected(checkpoints, name)
    assert str(written[name]["report"]) == "{}"
    logits, reference = written[name]["logits"], outputs["logits"]
    if logits.ndim == 3:
        real = inputs["attention_mask"].astype(bool)
        logits, reference = logits[real], reference[real]
    record_property("back", float(np.abs(logits - reference).max()))
    np.testing.assert_allclose(logits, reference, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", BACKBONES)
def test_hidden_and_pooled_vectors_are_those_of_transformers(checkpoints, name):
    inputs, outputs = expected(checkpoints, name)
    pipeline = zoo.load(checkpoints / name)
    assert pipeline.labels == []
    if name == "bert_backbone":
        pooled = np.asarray(pipeline.model(as_ours(pipeline.model, inputs)))
        np.testing.assert_allclose(pooled, outputs["pooler_output"], atol=TOLERANCE, rtol=0)
    tagger = zoo.build("sequence_tagger", weights=checkpoints / name)
    hidden, reference = logits_of(tagger, inputs, outputs["last_hidden_state"])
    np.testing.assert_allclose(hidden, reference, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", IMAGE_BACKBONES)
def test_pooled_vectors_of_images_are_those_of_transformers(checkpoints, name):
    inputs, outputs = expected(checkpoints, name)
    backbone = zoo.load(checkpoints / name).model
    hidden = outputs["last_hidden_state"]
    pooled = hidden[:, 0]
    if name == "dinov2_backbone":
        pooled = np.concatenate([pooled, hidden[:, 1:].mean(axis=1)], axis=1)
    np.testing.assert_allclose(np.asarray(backbone(inputs)), pooled, atol=TOLERANCE, rtol=0)
