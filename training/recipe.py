"""Recipes: how a model is trained, as one printable value."""

from dataclasses import dataclass

from ..zoo.config import replace_fields

_RANGES = (
    (("epochs", "batch_size"), lambda v: isinstance(v, int) and v >= 1, "a positive integer"),
    (("learning_rate", "clip_norm"), lambda v: v > 0, "a positive number"),
    (("weight_decay", "patience", "consistency"), lambda v: v >= 0, "a number not below zero"),
    (
        ("warmup", "label_smoothing", "subword_dropout", "token_dropout"),
        lambda v: 0 <= v < 1,
        "a share in [0, 1)",
    ),
)


@dataclass(frozen=True)
class Recipe:
    """AdamW with linear warm-up and cosine decay, smoothed labels, averaged weights.

    Args:
        epochs: Epochs at most. Defaults to 8.
        batch_size: Rows in each step. Defaults to 32.
        learning_rate: Peak of the schedule. Defaults to 1e-3.
        warmup: Share of all steps in which the rate rises from zero. Defaults to 0.1.
        weight_decay: Decoupled decay of kernels and embeddings; biases and normalisations are
            left out. Defaults to 0.05.
        clip_norm: Largest global norm of the gradient. Defaults to 1.0.
        label_smoothing: Share of each target spread over all classes. Defaults to 0.1.
        ema_momentum: Momentum of the moving average of weights, which is what is evaluated and
            kept; None turns averaging off. Defaults to 0.99.
        subword_dropout: Rate of `SubwordDropout`. Defaults to 0.1.
        token_dropout: Rate of `TokenDropout`. Defaults to 0.2.
        consistency: Weight of `PairConsistency` (R-Drop), for which each row goes through the model
            twice; 0 turns it off. Defaults to 5.0.
        patience: Epochs without a better `monitor` before training stops. Defaults to 5.
        monitor: Validation metric that chooses the best weights. Defaults to `"val_accuracy"`.
        jit_compile: Whether to compile by XLA; pays on a GPU. Defaults to False.

    Raises:
        ValueError: If a field is out of its range.
    """

    epochs: int = 8
    batch_size: int = 32
    learning_rate: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    label_smoothing: float = 0.1
    ema_momentum: float | None = 0.99
    subword_dropout: float = 0.1
    token_dropout: float = 0.2
    consistency: float = 5.0
    patience: int = 5
    monitor: str = "val_accuracy"
    jit_compile: bool = False

    def __post_init__(self):
        for names, fits, expected in _RANGES:
            for name in names:
                value = getattr(self, name)
                if not isinstance(value, (int, float)) or not fits(value):
                    raise ValueError(
                        f"Received an invalid value for `{name}` of a recipe, expected {expected}. "
                        f"Received: {name}={value!r}"
                    )

    def replace(self, **changes):
        """Returns a copy with `changes`.

        Raises:
            ValueError: If a name is not a field.
        """
        return replace_fields(self, changes, "recipe")


RECIPES = {
    "scratch": Recipe(),
    # A few hundred sentences: many epochs, each of a second.
    "demo": Recipe(
        epochs=15,
        batch_size=16,
        learning_rate=2e-3,
        subword_dropout=0.0,
        token_dropout=0.1,
        consistency=0.0,
        patience=15,
    ),
}


def get_recipe(recipe, **changes):
    """Returns a `Recipe` from a name of `RECIPES` or a `Recipe`, with changes.

    Raises:
        ValueError: If the name is unknown.

    Example:
    >>> get_recipe("scratch", epochs=3).epochs
    3
    """
    if isinstance(recipe, str):
        if recipe not in RECIPES:
            raise ValueError(
                f"Received an unknown recipe, expected one of {sorted(RECIPES)} or a `Recipe`. "
                f"Received: recipe={recipe!r}"
            )
        recipe = RECIPES[recipe]
    return recipe.replace(**changes)
