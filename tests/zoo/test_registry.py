import keras
import pytest

from attnzoo import zoo
from attnzoo.zoo.registry import Architecture, Preset, get_architecture, register
from attnzoo.zoo.tasks import TASKS, get_task

from .small_models import every_model


@pytest.fixture
def names():
    return zoo.list_models()


def test_models_are_listed_by_name(names):
    assert "sentiment_classifier" in names
    assert names == sorted(set(names))


def test_a_pattern_keeps_the_models_it_matches(names):
    assert zoo.list_models("*") == names
    assert zoo.list_models("sentiment*") == ["sentiment_classifier"]
    assert zoo.list_models("*_classifier") == [n for n in names if n.endswith("_classifier")]
    assert zoo.list_models("[st]*") == [n for n in names if n[0] in "st"]
    assert zoo.list_models("sentiment") == []
    assert zoo.list_models("SENTIMENT*") == []


def test_a_task_keeps_its_models(names):
    by_task = {task: zoo.list_models(task=task) for task in TASKS}
    assert sorted(name for found in by_task.values() for name in found) == names
    assert "sentiment_classifier" in by_task["text_classification"]
    assert zoo.list_models(task="juggling") == []
    assert zoo.list_models("x*", task="text_classification") == []


def test_presets_are_listed_smallest_first():
    assert zoo.list_presets("sentiment_classifier", pretrained=False) == [
        "sentiment_classifier/tiny",
        "sentiment_classifier/small",
        "sentiment_classifier/base",
    ]


def test_the_presets_of_all_models_are_those_of_each(names):
    assert zoo.list_presets() == [preset for name in names for preset in zoo.list_presets(name)]


def test_presets_with_weights_and_without_are_all_of_them():
    assert sorted([*zoo.list_presets(pretrained=True), *zoo.list_presets(pretrained=False)]) == (
        sorted(zoo.list_presets())
    )


@every_model
def test_every_model_has_a_tiny_preset_a_task_and_a_description(name):
    architecture = get_architecture(name)
    assert f"{name}/tiny" in zoo.list_presets(name)
    assert get_task(architecture.task).name == architecture.task
    assert architecture.description
    assert zoo.get_config(name) == architecture.presets[architecture.default_preset].config


@every_model
def test_a_configuration_is_frozen_and_printable(name):
    config = zoo.get_config(f"{name}/tiny")
    field = next(iter(config.to_dict()))
    with pytest.raises(AttributeError, match="cannot assign"):
        setattr(config, field, 1)
    for key, value in config.to_dict().items():
        assert f"{key}={value!r}" in repr(config)


UNKNOWN_NAMES = {
    "sentiment_clasifier": "Did you mean 'sentiment_classifier'?",
    "sentiment_classifier/tinny": "Did you mean 'sentiment_classifier/tiny'?",
    "Sentiment_Classifier": "Did you mean 'sentiment_classifier'?",
    "nothing like it": "unknown model name",
    "": "unknown model name",
}


@pytest.mark.parametrize("lookup", [zoo.get_config, zoo.build], ids=["get_config", "build"])
@pytest.mark.parametrize("name", UNKNOWN_NAMES)
def test_an_unknown_name_is_refused_with_the_closest_one(lookup, name):
    with pytest.raises(ValueError, match="unknown model name") as error:
        lookup(name)
    assert UNKNOWN_NAMES[name] in str(error.value)
    assert str(error.value).endswith(f"Received: {name!r}")


def test_presets_of_an_unknown_model_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'sentiment_classifier'"):
        zoo.list_presets("sentiment_classifer")


PATHS = [
    "./sentiment_classifier",
    "/sentiment_classifier/tiny",
    "~/sentiment_classifier",
    "runs/sentiment_classifier/tiny",
    "sentiment_classifier/tiny/model.keras",
    "../sentiment_classifier",
]


@pytest.mark.parametrize("path", PATHS)
def test_what_looks_like_a_path_is_refused_not_guessed(path):
    with pytest.raises(ValueError, match=r"A saved model is loaded by `zoo\.load\(path\)`"):
        zoo.get_config(path)


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match=r"expected one of \[.*'text_classification'.*juggling"):
        get_task("juggling")


CONFIG = zoo.ModelConfig()


@pytest.mark.parametrize("name", ["Upper", "with-dash", "with/slash", "1st", "", "with space"])
def test_only_a_plain_name_can_be_registered(name, names):
    architecture = Architecture(name, "text_classification", len, {"small": Preset(CONFIG)})
    with pytest.raises(ValueError, match="invalid architecture name"):
        register(architecture)
    assert zoo.list_models() == names


def test_a_default_preset_must_be_one_of_the_presets(names):
    with pytest.raises(ValueError, match=r"expected one of \['huge'\].*default_preset='tiny'"):
        zoo.register_model(
            "my_model", "text_classification", {"huge": CONFIG}, default_preset="tiny"
        )(len)
    assert zoo.list_models() == names


def test_a_model_without_presets_is_refused():
    with pytest.raises(ValueError, match="no presets for 'my_model'"):
        zoo.register_model("my_model", "text_classification", {})


def test_a_taken_name_is_refused(names):
    decorate = zoo.register_model("sentiment_classifier", "text_classification", {"small": CONFIG})
    with pytest.raises(ValueError, match=r"taken.*'sentiment_classifier'"):
        decorate(len)
    assert zoo.get_config("sentiment_classifier/tiny").hidden_dim == 32
    assert zoo.list_models() == names


def test_an_unknown_attribute_of_the_zoo_is_named():
    with pytest.raises(AttributeError, match=r"'attnzoo\.zoo' has no attribute 'nothing'"):
        zoo.nothing  # noqa: B018


def test_every_public_name_is_there():
    for name in zoo.__all__:
        assert getattr(zoo, name).__doc__


def test_config_of_refuses_a_model_that_is_not_of_the_zoo():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)], name="mine")
    with pytest.raises(ValueError, match=r"built by `zoo\.build`.*Sequential 'mine'"):
        zoo.config_of(model)
