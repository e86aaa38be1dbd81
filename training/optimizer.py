"""The optimiser of a recipe, of Keras's own parts."""

import keras
from keras import ops

from .layer_levels import rate_factors


def make_optimizer(recipe, total_steps, model=None):
    """Returns AdamW with linear warm-up and decay to zero over `total_steps`.

    Args:
        recipe: `Recipe`.
        total_steps: Steps of the whole training.
        model: The model, whose layers learn at rates of their own if the recipe says so. Defaults
            to None (all learn at one rate).
    """
    warmup_steps = max(1, round(recipe.warmup * total_steps))
    decay_steps = max(1, total_steps - warmup_steps)
    if recipe.schedule == "linear":
        schedule = LinearDecay(recipe.learning_rate, warmup_steps, decay_steps)
    else:
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0,
            decay_steps=decay_steps,
            warmup_target=recipe.learning_rate,
            warmup_steps=warmup_steps,
        )
    factors = [] if model is None else rate_factors(model, recipe.layer_decay, recipe.head_rate)
    kind, rates = keras.optimizers.AdamW, {}
    if any(factor != 1 for factor in factors):
        kind, rates = LayerwiseAdamW, {"rate_factors": factors}
    optimizer = kind(
        schedule,
        weight_decay=recipe.weight_decay,
        beta_2=recipe.beta_2,
        epsilon=1e-8,  # As in the papers and in torch; Keras's default is 1e-7.
        global_clipnorm=recipe.clip_norm,
        use_ema=recipe.ema_momentum is not None,
        ema_momentum=recipe.ema_momentum or 0.0,
        gradient_accumulation_steps=(
            recipe.gradient_accumulation_steps if recipe.gradient_accumulation_steps > 1 else None
        ),
        **rates,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "token"])
    return optimizer


@keras.saving.register_keras_serializable("attnzoo")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises from zero to its peak and falls to zero, both along lines.

    Args:
        peak: The highest rate.
        warmup_steps: Steps in which it rises, at least 1.
        decay_steps: Steps in which it falls, at least 1.

    Example:
    >>> schedule = LinearDecay(0.1, warmup_steps=2, decay_steps=4)
    >>> [round(float(schedule(step)), 3) for step in range(7)]
    [0.0, 0.05, 0.1, 0.075, 0.05, 0.025, 0.0]
    """

    def __init__(self, peak, warmup_steps, decay_steps):
        super().__init__()
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.decay_steps = decay_steps

    def __call__(self, step):
        """Returns the rate of a step."""
        step = ops.cast(step, "float32")
        rising = step / self.warmup_steps
        falling = 1 - (step - self.warmup_steps) / self.decay_steps
        return self.peak * ops.maximum(ops.minimum(rising, falling), 0.0)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "decay_steps": self.decay_steps,
        }


@keras.saving.register_keras_serializable("attnzoo")
class LayerwiseAdamW(keras.optimizers.AdamW):
    """AdamW whose variables learn, and decay, at factors of the learning rate.

    It is one optimiser, where `keras.optimizers.MultiOptimizer` has one for each rate: the
    gradient is clipped by the norm of all of it, and there is one moving average of all weights.

    Args:
        learning_rate: As of `keras.optimizers.AdamW`. Defaults to 0.001.
        rate_factors: Factor of each variable, in the order of the model's `trainable_variables`.
            Defaults to None (1 for each).
        **kwargs: As of `keras.optimizers.AdamW`.
    """

    def __init__(self, learning_rate=0.001, rate_factors=None, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.rate_factors = None if rate_factors is None else list(rate_factors)

    def build(self, variables):
        """Makes the optimiser's variables."""
        if self.rate_factors is None:
            self.rate_factors = [1.0] * len(variables)
        if len(self.rate_factors) != len(variables):
            raise ValueError(
                "Expected as many `rate_factors` as the model has trainable variables, "
                f"{len(variables)}. Received: {len(self.rate_factors)}"
            )
        super().build(variables)

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable."""
        rate = learning_rate * self.rate_factors[self._get_variable_index(variable)]
        if self._use_weight_decay(variable):
            decay = ops.cast(rate * self.weight_decay, variable.dtype)
            self.assign_sub(variable, variable * decay)
        super().update_step(gradient, variable, rate)

    def _apply_weight_decay(self, variables):
        """Does nothing: Keras would decay all at one rate; `update_step` decays each at its own."""

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "rate_factors": self.rate_factors}
