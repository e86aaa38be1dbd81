import pytest

from attnzoo import training


@pytest.mark.parametrize("name", ["scratch", "demo"])
def test_a_recipe_is_found_by_name_and_can_be_changed(name):
    recipe = training.get_recipe(name)
    assert isinstance(recipe, training.TextRecipe)
    changed = training.get_recipe(name, epochs=2, patience=1)
    assert changed == recipe.replace(epochs=2, patience=1) != recipe
    assert training.get_recipe(name) == recipe


def test_a_recipe_itself_may_be_given():
    recipe = training.Recipe(epochs=3)
    assert training.get_recipe(recipe) is not None
    assert training.get_recipe(recipe, batch_size=4) == training.Recipe(epochs=3, batch_size=4)


def test_an_unknown_recipe_is_refused():
    with pytest.raises(
        ValueError, match=r"\['demo', 'few', 'finetune', 'head', 'lora', 'scratch'.*recipe='scrach'"
    ):
        training.get_recipe("scrach")


def test_an_unknown_field_is_refused_with_the_closest_one():
    with pytest.raises(ValueError, match=r"Did you mean 'epochs'\?.*epoch=3"):
        training.get_recipe("demo", epoch=3)


def test_a_recipe_is_frozen():
    with pytest.raises(AttributeError):
        training.Recipe().epochs = 3


BAD_VALUES = {
    "epochs": (0, -1, 1.5, "3", None),
    "batch_size": (0, 2.5),
    "learning_rate": (0.0, -1e-3, float("nan"), None),
    "clip_norm": (0,),
    "weight_decay": (-0.1,),
    "patience": (-1,),
    "warmup": (1.0, -0.1),
    "beta_2": (1.0, -0.1),
    "label_smoothing": (1.0,),
    "subword_dropout": (1.5,),
    "token_dropout": ("much",),
}


@pytest.mark.parametrize(("field", "value"), [(k, v) for k, vs in BAD_VALUES.items() for v in vs])
def test_a_value_out_of_range_is_refused(field, value):
    with pytest.raises(ValueError, match=f"`{field}` of a recipe, expected a.*{field}={value!r}"):
        training.get_recipe("demo", **{field: value})
