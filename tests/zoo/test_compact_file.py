"""Saved pipelines whose weights are in half precision."""

import json

import keras
import numpy as np
import pytest
from safetensors.numpy import save_file

from attnzoo import zoo
from attnzoo.zoo.builder import build_from_config, config_of, load_model
from attnzoo.zoo.compact_file import COMPACT_FILE, read_compact_file, write_compact_file

from .pipelines import TEXTS, small_pipeline
from .small_models import small_model


@pytest.mark.parametrize("name", zoo.list_models())
def test_every_architecture_comes_back_rounded(name, tmp_path):
    model = small_model(name)
    write_compact_file(model, tmp_path / COMPACT_FILE)
    loaded = load_model(tmp_path / COMPACT_FILE)
    assert config_of(loaded) == config_of(model)
    for received, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(received, expected.astype("float16").astype("float32"))


def test_a_pipeline_is_saved_small_and_answers_nearly_as_before(tmp_path):
    pipeline = small_pipeline()
    pipeline.save(tmp_path / "whole")
    zoo.load(tmp_path / "whole").save(tmp_path / "small", storage="float16")
    whole, small = tmp_path / "whole" / "model.keras", tmp_path / "small" / COMPACT_FILE
    assert small.stat().st_size < whole.stat().st_size / 2
    loaded = zoo.load(tmp_path / "small")
    np.testing.assert_allclose(loaded.logits(TEXTS), pipeline.logits(TEXTS), rtol=0, atol=2e-3)
    model = zoo.build("sentiment_classifier", weights=tmp_path / "small", dropout=0.5)
    np.testing.assert_array_equal(model.get_weights()[0], loaded.model.get_weights()[0])


@pytest.mark.parametrize("order", [(None, "float16"), ("float16", None)])
def test_a_folder_holds_one_of_the_two(order, tmp_path):
    pipeline = small_pipeline()
    for storage in order:
        pipeline.save(tmp_path, overwrite=True, storage=storage)
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    there = {path.name for path in tmp_path.iterdir()}
    assert there == {*manifest["files"], "manifest.json"}
    assert zoo.load(tmp_path).labels == pipeline.labels


def test_a_weight_beyond_float16_is_refused(tmp_path):
    pipeline = small_pipeline()
    variable = pipeline.model.weights[0]
    variable.assign(keras.ops.full(variable.shape, 1e5))
    with pytest.raises(ValueError, match=r"that float16 can hold, 65504 at most.*Received: 100000"):
        pipeline.save(tmp_path / "run", storage="float16")
    assert not list(tmp_path.iterdir())


def test_another_storage_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Received: storage='int4'"):
        small_pipeline().save(tmp_path / "run", storage="int4")


def test_a_damaged_file_is_named(tmp_path):
    small_pipeline().save(tmp_path, storage="float16")
    file = tmp_path / COMPACT_FILE
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(ValueError, match="the file is truncated or was changed"):
        zoo.load(tmp_path)
    with pytest.raises(ValueError, match=f"{COMPACT_FILE} to be a safetensors file"):
        load_model(file)


def test_a_file_of_other_origin_or_model_is_refused(tmp_path):
    file = tmp_path / COMPACT_FILE
    save_file({"weight": np.zeros(3, "float32")}, file)
    with pytest.raises(ValueError, match="Received: format=None"):
        load_model(file)
    write_compact_file(small_model("sentiment_classifier"), file)

    def build_wider(name, fields):
        config = config_of(small_model(name)).replace(**fields)
        return build_from_config(name, config.replace(intermediate_dim=24))

    with pytest.raises(ValueError, match="to hold the weights of its model"):
        read_compact_file(file, build_wider)
