import math

import keras
import numpy as np
import pytest

from attnzoo import training
from attnzoo.training.optimizer import make_optimizer

from ..zoo.small_models import every_model, small_model

RECIPE = training.Recipe(learning_rate=2e-3, warmup=0.1, weight_decay=0.05)


def rates(recipe, total_steps, steps):
    schedule = make_optimizer(recipe, total_steps)._learning_rate
    return [float(schedule(step)) for step in steps]


def test_the_rate_rises_from_zero_to_its_peak_and_falls_to_zero():
    values = rates(RECIPE, 1000, [0, 50, 100, 550, 1000, 1200])
    assert values == pytest.approx([0.0, 1e-3, 2e-3, 1e-3, 0.0, 0.0], abs=1e-9)


def test_the_rate_falls_along_a_cosine():
    steps = range(100, 1001, 45)
    expected = [1e-3 * (1 + math.cos(math.pi * (step - 100) / 900)) for step in steps]
    assert rates(RECIPE, 1000, steps) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("warmup", "total_steps"), [(0.0, 100), (0.1, 1), (0.99, 10), (0.5, 2)])
def test_short_trainings_and_odd_warmups_have_a_schedule(warmup, total_steps):
    recipe = training.Recipe(warmup=warmup)
    values = rates(recipe, total_steps, range(total_steps + 1))
    assert np.isfinite(values).all()
    assert max(values) == pytest.approx(recipe.learning_rate, rel=0.01)


@every_model
def test_kernels_and_embeddings_decay_biases_and_normalisations_do_not(name):
    optimizer = make_optimizer(RECIPE, 10)
    weights = small_model(name).trainable_variables
    optimizer.build(weights)
    for weight in weights:
        assert optimizer._use_weight_decay(weight) == (len(weight.shape) > 1), weight.path


def test_the_recipe_sets_the_optimiser():
    optimizer = make_optimizer(training.Recipe(clip_norm=0.5, ema_momentum=0.9, beta_2=0.98), 10)
    assert (optimizer.weight_decay, optimizer.global_clipnorm) == (0.05, 0.5)
    assert (optimizer.use_ema, optimizer.ema_momentum, optimizer.epsilon) == (True, 0.9, 1e-8)
    assert optimizer.beta_2 == 0.98
    assert not make_optimizer(training.Recipe(ema_momentum=None), 10).use_ema


def test_gradients_are_gathered_over_batches_before_a_step():
    """As with one batch of all rows: the mean is clipped, and moves the weights once."""
    recipe = training.Recipe(
        gradient_accumulation_steps=2, clip_norm=1.0, warmup=0.0, ema_momentum=None
    )
    optimizer = make_optimizer(recipe, 10)
    kernel = keras.Variable(np.ones(2, "float32"), name="kernel")
    optimizer.apply([keras.ops.convert_to_tensor([3.0, 0.0])], [kernel])
    np.testing.assert_array_equal(kernel, np.ones(2))
    optimizer.apply([keras.ops.convert_to_tensor([3.0, 8.0])], [kernel])
    # The mean (3, 4) has norm 5.
    np.testing.assert_allclose(optimizer._momentums[0], 0.1 * np.array([0.6, 0.8]), rtol=1e-6)
    assert (np.array(kernel) != 1).all()
    assert make_optimizer(training.Recipe(), 10).gradient_accumulation_steps is None
