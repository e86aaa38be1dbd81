"""Cases that once went wrong."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.layers import NamedInputsModel, SequencePooling
from attnzoo.zoo import registry

from .pipelines import small_pipeline


@dataclasses.dataclass(frozen=True)
class UnnamedConfig(zoo.ModelConfig):
    vocabulary_size: int = 50
    num_classes: int = 2


def unnamed_layers(config, dtype=None):
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    states = keras.layers.Embedding(config.vocabulary_size, 8)(token_ids)
    outputs = keras.layers.Dense(config.num_classes)(SequencePooling("mean")(states))
    return NamedInputsModel({"token_ids": token_ids}, outputs)


def test_a_checkpoint_of_an_own_architecture_loads_when_its_layers_have_no_names(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(registry, "_ARCHITECTURES", dict(registry._ARCHITECTURES))
    zoo.register_model("unnamed", "text_classification", {"tiny": UnnamedConfig()})(unnamed_layers)
    model = zoo.build("unnamed")
    model.save(tmp_path / "model.keras")
    loaded = zoo.build("unnamed", weights=tmp_path / "model.keras")
    tokens = {"token_ids": np.array([[2, 3, 4]])}
    np.testing.assert_array_equal(loaded(tokens), model(tokens))


@pytest.mark.parametrize("name", ["sentiment_classifier/"])
def test_a_name_that_ends_in_a_slash_is_refused(name):
    with pytest.raises(ValueError, match="unknown model name"):
        zoo.get_config(name)


def test_a_model_of_an_unknown_task_cannot_be_registered(monkeypatch):
    monkeypatch.setattr(registry, "_ARCHITECTURES", dict(registry._ARCHITECTURES))
    with pytest.raises(ValueError, match="unknown task"):
        zoo.register_model("mine", "juggling", {"tiny": UnnamedConfig()})(unnamed_layers)


@pytest.mark.parametrize("key", ["files", "task", "labels", "training"])
def test_a_manifest_without_a_key_is_a_value_error_that_names_it(tmp_path, key):
    small_pipeline().save(tmp_path / "run")
    file = tmp_path / "run" / "manifest.json"
    manifest = json.loads(file.read_text())
    del manifest[key]
    file.write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"manifest\.json"):
        zoo.load(tmp_path / "run")


@pytest.mark.parametrize("version", ["1", None, 1.5, [1]])
def test_a_format_version_that_is_no_integer_is_a_value_error(tmp_path, version):
    small_pipeline().save(tmp_path / "run")
    file = tmp_path / "run" / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format_version": version}))
    with pytest.raises(ValueError, match=r"manifest\.json"):
        zoo.load(tmp_path / "run")


@pytest.mark.parametrize("files", [{}, {"labels.txt": {}}, []], ids=str)
def test_a_manifest_whose_files_are_nonsense_is_a_value_error(tmp_path, files):
    small_pipeline().save(tmp_path / "run")
    file = tmp_path / "run" / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "files": files}))
    (tmp_path / "run" / "model.keras").unlink()
    with pytest.raises(ValueError, match=r"model\.keras|manifest\.json"):
        zoo.load(tmp_path / "run")


def test_a_tokenizer_that_is_none_is_a_value_error_that_names_the_file(tmp_path):
    from attnzoo.zoo.files import checksums

    small_pipeline().save(tmp_path / "run")
    (tmp_path / "run" / "tokenizer.json").write_text("{}")
    file = tmp_path / "run" / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["files"] = checksums(tmp_path / "run", manifest["files"])
    file.write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        zoo.load(tmp_path / "run")


def test_a_wrong_input_in_a_stream_is_named_by_its_place_in_the_stream():
    pipeline = small_pipeline()
    texts = ["good"] * 40 + [None]
    with pytest.raises(ValueError, match="one of type NoneType"):
        list(pipeline.stream(texts, batch_size=1))


def test_a_single_text_streams_as_one_input():
    assert len(list(small_pipeline().stream("good film"))) == 1


def test_a_text_with_a_lone_surrogate_is_answered_or_refused_as_a_value_error():
    with pytest.raises(ValueError, match="half a surrogate pair"):
        small_pipeline()(["good \ud800 film"])


def test_an_interrupted_overwrite_keeps_the_old_pipeline(monkeypatch, tmp_path):
    import os

    small_pipeline(seed=1).save(tmp_path / "run")
    calls = []

    def replace_once(source, target):
        calls.append(target)
        if len(calls) == 4:  # The model is the new one, the manifest the old one.
            raise KeyboardInterrupt
        original(source, target)

    original = os.replace
    monkeypatch.setattr("os.replace", replace_once)
    with pytest.raises(KeyboardInterrupt):
        small_pipeline(seed=2).save(tmp_path / "run", overwrite=True)
    monkeypatch.undo()
    zoo.load(tmp_path / "run")
