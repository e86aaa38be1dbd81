"""The optimiser of a recipe, of Keras's own parts."""

import keras


def make_optimizer(recipe, total_steps):
    """Returns AdamW with linear warm-up and cosine decay to zero over `total_steps`.

    Args:
        recipe: `Recipe`.
        total_steps: Steps of the whole training.
    """
    warmup_steps = max(1, round(recipe.warmup * total_steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, total_steps - warmup_steps),
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup_steps,
    )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=recipe.weight_decay,
        beta_2=recipe.beta_2,
        epsilon=1e-8,  # As in the papers and in torch; Keras's default is 1e-7.
        global_clipnorm=recipe.clip_norm,
        use_ema=recipe.ema_momentum is not None,
        ema_momentum=recipe.ema_momentum or 0.0,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "token"])
    return optimizer
