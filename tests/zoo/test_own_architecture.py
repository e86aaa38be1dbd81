import keras
import numpy as np
import pytest

from attnzoo import training, zoo
from attnzoo.zoo import registry

from ..training.toy_data import write_toy_reviews
from .bag_of_words import BagOfWordsConfig, bag_of_words, register


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """The user's model, for one test."""
    monkeypatch.setattr(registry, "_ARCHITECTURES", dict(registry._ARCHITECTURES))
    assert register(bag_of_words) is bag_of_words


TOKENS = {"token_ids": np.array([[2, 3, 4], [5, 6, 0]], "int32")}


def test_it_is_listed_beside_the_others():
    assert zoo.list_models("*_words", task="text_classification") == ["bag_of_words"]
    assert zoo.list_presets("bag_of_words") == ["bag_of_words/narrow", "bag_of_words/wide"]
    assert zoo.get_config("bag_of_words") == BagOfWordsConfig(), "the first preset is the default"


def test_its_name_is_now_taken():
    with pytest.raises(ValueError, match="taken"):
        register(bag_of_words)


def test_it_builds_with_overrides():
    model = zoo.build("bag_of_words/wide", num_classes=3)
    assert model(TOKENS).shape == (2, 3)
    assert zoo.config_of(model) == BagOfWordsConfig(hidden_dim=32, num_classes=3)
    with pytest.raises(ValueError, match="Did you mean 'hidden_dim'"):
        zoo.build("bag_of_words", hiden_dim=3)


def test_it_saves_and_comes_back_as_a_checkpoint(tmp_path):
    model = zoo.build("bag_of_words")
    model.save(tmp_path / "model.keras")
    loaded = zoo.build("bag_of_words/wide", weights=tmp_path / "model.keras")
    assert zoo.config_of(loaded) == BagOfWordsConfig()
    np.testing.assert_array_equal(loaded(TOKENS), model(TOKENS))


def test_it_trains_saves_and_answers(tmp_path):
    data = training.load_data(write_toy_reviews(tmp_path / "toy.tsv"), verbose=False)
    pipeline = training.prepare("bag_of_words", data)
    pipeline.model.compile(
        "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    before = pipeline.model.get_weights()
    pipeline.model.fit(pipeline.batches(data.train), verbose=0)
    after = pipeline.model.get_weights()
    assert all(np.abs(a - b).max() > 0 for a, b in zip(before, after, strict=True))

    pipeline.save(tmp_path / "run")
    loaded = zoo.load(tmp_path / "run")
    texts = ["a wonderful film", "dreadful"]
    assert loaded(texts) == pipeline(texts)


def test_a_builder_that_returns_something_else_is_refused():
    register(lambda config, dtype: keras.Sequential(), name="careless")
    with pytest.raises(ValueError, match=r"'careless' to return a `layers\.NamedInputsModel`"):
        zoo.build("careless")


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path):
    zoo.build("bag_of_words").save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"checkpoint of 'sentiment_classifier'.*'bag_of_words'"):
        zoo.build("sentiment_classifier/tiny", weights=tmp_path / "model.keras")
