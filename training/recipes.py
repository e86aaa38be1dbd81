"""Recipes by name: each task has its own."""

from .tasks import get_training_task


def get_recipe(recipe=None, task="text_classification", data=None, pretrained=False, **changes):
    """Returns a `Recipe` from its name or a `Recipe`, with changes.

    Args:
        recipe: `"scratch"`, `"demo"` or another name that the task has, or a `Recipe`. Defaults to
            None: `"finetune"` if `pretrained`, else `"scratch"`.
        task: Name of the task. Defaults to `"text_classification"`.
        data: `Data` that decide which recipe a name means, where a task has several kinds. Defaults
            to None.
        pretrained: Whether the weights are those of a checkpoint. Defaults to False.
        **changes: Fields to change.

    Raises:
        ValueError: If the name or a field is unknown.

    Example:
    >>> get_recipe("scratch", epochs=3).epochs
    3
    """
    if recipe is None:
        recipe = "finetune" if pretrained else "scratch"
    if isinstance(recipe, str):
        recipes = get_training_task(task).recipes
        if data is not None:
            recipe = get_training_task(task).recipe_name(recipe, data)
        if recipe not in recipes:
            raise ValueError(
                f"Received an unknown recipe, expected one of {sorted(recipes)} or a `Recipe`. "
                f"Received: recipe={recipe!r}"
            )
        recipe = recipes[recipe]
    return recipe.replace(**changes)
