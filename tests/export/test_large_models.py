"""Weights that are too many for one ONNX file are in a second one; nothing else is different."""

import json
import resource
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from attnzoo import export, zoo
from attnzoo.export import large_models
from attnzoo.export.artefact import Artefact
from attnzoo.export.formats import ATTENTION_KINDS, PRECISIONS, onnx_file

from .engines import fresh_tensors, keras_answers, run_onnx
from .small_models import make_source, small_classifier, task_of
from .test_writer import tree


@pytest.fixture
def small_limit(monkeypatch):
    """A limit that small models are above, in every precision."""
    monkeypatch.setattr(large_models, "LARGEST_BYTES", 1000)
    monkeypatch.setattr(large_models, "_LEAST_BYTES", 128)


def variants(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["variants"]


@pytest.mark.parametrize(
    "attention", ["fused", *(pytest.param(k, marks=pytest.mark.slow) for k in ATTENTION_KINDS[1:])]
)
def test_weights_are_in_a_file_beside_in_every_precision(small_limit, attention, tmp_path):
    model = small_classifier(vocabulary_size=200)
    folder = tmp_path / "dist"
    report = export.to_artefact(model, folder, ["onnx"], attention=attention, precisions=PRECISIONS)
    assert report.passed
    task, config = task_of("sentiment_classifier"), zoo.config_of(model)
    tensors = fresh_tensors(task, config, [5, 0, 9], seed=2)
    expected = keras_answers(model, task, config, tensors)
    for precision, limit in (("float32", 1e-5), ("float16", 0.01), ("int8", 0.1)):
        name = f"onnx/{onnx_file(precision)}"
        assert variants(folder)[name]["files"].keys() == {name, f"{name}.data"}
        graph = onnx.load(folder / name, load_external_data=False).graph
        locations = {
            d.value for v in graph.initializer for d in v.external_data if d.key == "location"
        }
        assert locations == {f"{onnx_file(precision)}.data"}
        assert not any("weight" in value.name for value in graph.input)
        received = run_onnx(folder / name, tensors)["logits"]
        np.testing.assert_allclose(received, expected, rtol=0, atol=limit * np.abs(expected).max())
    assert export.verify(folder).passed
    if attention == "fused":
        assert variants(folder)["onnx/model.onnx"]["fused"]["MultiHeadAttention"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.list_models())
def test_every_model_may_be_large(small_limit, name, tmp_path):
    report = export.to_artefact(make_source(name), tmp_path, ["onnx"], precisions=PRECISIONS)
    assert report.passed
    for precision in PRECISIONS[:2]:
        assert (tmp_path / "onnx" / f"{onnx_file(precision)}.data").exists()


def test_inspect_bench_and_predict_find_it(small_limit, tmp_path):
    pipeline = make_source("sentiment_classifier")
    export.to_onnx(pipeline, tmp_path / "dist")
    data = tmp_path / "dist" / "onnx" / "model.onnx.data"
    file = tmp_path / "dist" / "onnx" / "model.onnx"
    inspected = export.inspect(tmp_path / "dist")["variants"]["onnx/model.onnx"]
    assert inspected["bytes"] == data.stat().st_size + file.stat().st_size
    assert data.stat().st_size > 3.5 * pipeline.model.count_params()
    np.testing.assert_allclose(
        export.load(tmp_path / "dist").logits(["not good"]),
        pipeline.logits(["not good"]),
        rtol=0,
        atol=1e-5,
    )
    assert export.bench(tmp_path / "dist", batches=(1,), lengths=(3,), seconds=0.01)


@pytest.mark.parametrize("damage", ["changed", "truncated", "missing"])
def test_a_damaged_file_of_weights_is_named(small_limit, damage, tmp_path):
    export.to_onnx(small_classifier(vocabulary_size=200), tmp_path / "dist")
    data = tmp_path / "dist" / "onnx" / "model.onnx.data"
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content if damage == "changed" else content[:-1])
    if damage == "missing":
        data.unlink()
    with pytest.raises(export.VerificationError, match=r"model\.onnx\.data") as caught:
        export.verify(tmp_path / "dist")
    assert [(c.variant, c.name) for c in caught.value.report.failures] == [
        ("onnx/model.onnx", "files")
    ]


def test_a_smaller_model_in_its_place_leaves_no_file_of_weights(monkeypatch, tmp_path):
    model = small_classifier(vocabulary_size=200)
    with monkeypatch.context() as patch:
        patch.setattr(large_models, "LARGEST_BYTES", 1500)
        export.to_onnx(model, tmp_path / "dist")
    before = tree(tmp_path / "dist")
    export.to_onnx(model, tmp_path / "dist", overwrite=True)
    assert before.keys() - tree(tmp_path / "dist").keys() == {"onnx/model.onnx.data"}
    assert export.verify(tmp_path / "dist").passed


def test_a_keras_model_of_layers_with_kernels_of_all_kinds_may_be_large(small_limit, tmp_path):
    layers = keras.layers
    inputs = keras.Input((None, 16), name="states")
    states = layers.Conv1D(16, 3, padding="same", activation="gelu")(inputs)
    states = layers.MultiHeadAttention(2, 8)(states, states) + layers.LayerNormalization()(states)
    model = keras.Model(inputs, layers.Dense(20, name="out")(states))
    assert export.to_onnx(model, tmp_path / "dist").passed
    assert Artefact.open(tmp_path / "dist").variants["onnx/model.onnx"]["data"] == "model.onnx.data"


def available_gigabytes():
    """What Linux says that programs can still have; nothing elsewhere."""
    file = Path("/proc/meminfo")
    lines = file.read_text().splitlines() if file.exists() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1e6


@pytest.mark.slow
@pytest.mark.skipif(available_gigabytes() < 18, reason="takes 14 GB of memory")
def test_a_model_that_is_large_indeed(tmp_path):
    """1.6 GB of embeddings."""
    inputs = keras.Input((None,), dtype="int32", name="ids")
    states = keras.layers.Embedding(200_000, 2000, name="embedding")(inputs)
    states = keras.layers.LayerNormalization()(states)
    model = keras.Model(inputs, keras.layers.Dense(2, name="out")(states))
    assert 4 * model.count_params() > large_models.LARGEST_BYTES
    export.to_onnx(model, tmp_path / "dist")
    data = tmp_path / "dist" / "onnx" / "model.onnx.data"
    assert data.stat().st_size == pytest.approx(4 * model.count_params(), rel=1e-3)
    ids = np.array([[0, 7, 199_999]], "int32")
    received = run_onnx(tmp_path / "dist" / "onnx" / "model.onnx", {"ids": ids})["out"]
    np.testing.assert_allclose(received, model(ids), rtol=0, atol=1e-5)
    # In kilobytes, on Linux; of which building the model takes 5.6 GB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 14e6
