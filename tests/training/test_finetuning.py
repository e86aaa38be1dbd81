"""Fine-tuning: what learns, at which rate, and what stays."""

import keras
import numpy as np
import pytest

from attnzoo import training, zoo
from attnzoo.training import callbacks
from attnzoo.training.callbacks import EpochSeeds
from attnzoo.training.layer_levels import frozen, layer_levels, rate_factors
from attnzoo.training.optimizer import LayerwiseAdamW, LinearDecay, make_optimizer

from ..pretrained.small_checkpoints import bert_checkpoint
from ..zoo.small_models import every_model, small_model
from .runs import assert_same_run, new_pipeline

RECIPE = training.get_recipe("finetune", epochs=3, batch_size=8, learning_rate=1e-2)


def transformer(data, **overrides):
    """A pipeline of two small blocks."""
    return new_pipeline(data, "sentiment_classifier/tiny", num_layers=2, **overrides)


def values(model):
    return {variable.path: np.array(variable) for variable in model.weights}


def changed(before, after):
    """Names of the layers that have another weight than before."""
    return {path.split("/")[0] for path in before if (before[path] != after[path]).any()}


# === Levels and rates ===


@every_model
def test_every_weight_is_of_one_level(name):
    model = small_model(name)
    embeddings, blocks, head = layer_levels(model)
    layers = [*embeddings, *(layer for block in blocks for layer in block), *head]
    assert len(blocks) == zoo.config_of(model).num_layers
    assert sum(len(layer.weights) for layer in layers) == len(model.weights)
    assert "logits" in [layer.name for layer in head] or name.startswith("graph")


def test_rates_fall_from_the_head_to_the_embeddings():
    model = zoo.build("sentiment_classifier/tiny", num_layers=3, head_activation="tanh")
    factors = rate_factors(model, layer_decay=0.5, head_rate=10.0)
    by_layer = {
        variable.path.split("/")[0]: factor
        for variable, factor in zip(model.trainable_variables, factors, strict=True)
    }
    assert by_layer == {
        "token_embedding": 0.125,
        **({"position": 0.125} if "position" in by_layer else {}),
        "encoder_block_0": 0.25,
        "encoder_block_1": 0.5,
        "encoder_block_2": 1.0,
        **({"final_norm": 1.0} if "final_norm" in by_layer else {}),
        "head_dense": 10.0,
        "logits": 10.0,
    }


def numpy_adamw(weights, gradients, rates, factors, decays, clip_norm, beta_2, epsilon, momentum):
    """AdamW in float64 as in the papers, each variable at a rate of its own; and the averages."""
    weights = [w.astype("float64") for w in weights]
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    average = [w.copy() for w in weights]
    for step, (step_gradients, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        norm = np.sqrt(sum((g.astype("float64") ** 2).sum() for g in step_gradients))
        for i, gradient in enumerate(step_gradients):
            g = gradient * min(1.0, clip_norm / norm)
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = beta_2 * second[i] + (1 - beta_2) * g**2
            update = (first[i] / (1 - 0.9**step)) / (
                np.sqrt(second[i] / (1 - beta_2**step)) + epsilon
            )
            weights[i] -= rate * factors[i] * (update + decays[i] * weights[i])
            average[i] = (
                (momentum * average[i] + (1 - momentum) * weights[i])
                if step > 1
                else (weights[i].copy())
            )
    return weights, average


def test_each_variable_learns_and_decays_at_its_own_rate_as_in_numpy():
    generator = np.random.default_rng(0)
    names = ("kernel", "kernel", "bias")
    weights = [generator.normal(size=shape).astype("float32") for shape in ((3, 4), (4, 2), (2,))]
    variables = [keras.Variable(w, name=name) for w, name in zip(weights, names, strict=True)]
    gradients = [
        [generator.normal(size=w.shape).astype("float32") for w in weights] for _ in range(5)
    ]
    schedule = LinearDecay(0.1, 2, 3)
    optimizer = LayerwiseAdamW(
        schedule,
        [0.25, 1.0, 10.0],
        weight_decay=0.5,
        beta_2=0.98,
        epsilon=1e-8,
        global_clipnorm=1.0,
        use_ema=True,
        ema_momentum=0.6,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    for step_gradients in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in step_gradients], variables)
    expected, averages = numpy_adamw(
        weights,
        gradients,
        rates=[0.0, 0.05, 0.1, 0.1 * 2 / 3, 0.1 / 3],
        factors=(0.25, 1.0, 10.0),
        decays=(0.5, 0.5, 0.0),
        clip_norm=1.0,
        beta_2=0.98,
        epsilon=1e-8,
        momentum=0.6,
    )
    for variable, weight in zip(variables, expected, strict=True):
        np.testing.assert_allclose(variable, weight, rtol=2e-5, atol=2e-6)
    for variable, average in zip(optimizer._model_variables_moving_average, averages, strict=True):
        np.testing.assert_allclose(variable, average, rtol=2e-5, atol=2e-6)


def test_the_optimiser_is_written_and_read():
    model = small_model("sentiment_classifier")
    optimizer = make_optimizer(RECIPE, 10, model)
    restored = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert restored.get_config() == optimizer.get_config()
    assert restored.rate_factors[-1] == 10.0


def test_factors_of_another_model_are_refused():
    optimizer = LayerwiseAdamW(rate_factors=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"trainable variables, 1. Received: 2"):
        optimizer.build([keras.Variable(np.zeros(3))])


def test_models_that_learn_at_one_rate_have_the_optimiser_of_keras():
    model = small_model("sentiment_classifier")
    assert type(make_optimizer(training.Recipe(), 10, model)) is keras.optimizers.AdamW


# === What stays ===


def test_frozen_embeddings_stay_and_the_rest_learns(toy_data, tmp_path):
    pipeline = transformer(toy_data)
    before = values(pipeline.model)
    training.fit(pipeline, toy_data, RECIPE, out=tmp_path / "run", verbose=0)
    embeddings, _, _ = layer_levels(pipeline.model)
    every = {layer.name for layer in pipeline.model.layers if layer.weights}
    stayed = {layer.name for layer in embeddings}
    assert changed(before, values(pipeline.model)) == every - stayed
    assert "token_embedding" in stayed
    for model in (pipeline.model, zoo.load(tmp_path / "run").model):
        assert len(model.trainable_variables) == len(before)


def test_a_part_that_was_frozen_before_stays_so():
    model = small_model("sentiment_classifier")
    model.get_layer("encoder_block_0").trainable = False
    with frozen(model, "backbone"):
        assert {v.path for v in model.trainable_variables} == {"logits/kernel", "logits/bias"}
    assert not model.get_layer("encoder_block_0").trainable
    assert model.get_layer("token_embedding").trainable


def test_a_run_that_crashed_goes_on_as_if_it_had_not(toy_data, tmp_path, monkeypatch):
    monkeypatch.setattr(callbacks, "SECONDS_BETWEEN_BACKUPS", 0)
    expected = training.fit(transformer(toy_data), toy_data, RECIPE, verbose=0)
    begin = EpochSeeds.on_epoch_begin

    def crashing(self, epoch, logs=None):
        if epoch == 2:
            raise InterruptedError
        begin(self, epoch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(EpochSeeds, "on_epoch_begin", crashing)
        pipeline = transformer(toy_data)
        with pytest.raises(InterruptedError):
            training.fit(pipeline, toy_data, RECIPE, out=tmp_path, verbose=0)
    assert len(pipeline.model.trainable_variables) == len(pipeline.model.weights)
    keras.utils.set_random_seed(999)
    resumed = training.fit(None, toy_data, RECIPE, out=tmp_path, resume=True, verbose=0)
    assert_same_run(resumed, expected)


# === Recipes ===


def test_entities_choose_the_epoch_of_a_fine_tuned_tagger(tagged_data):
    task = "token_classification"
    assert training.get_recipe("finetune", task, tagged_data).monitor == "val_f1"
    assert training.get_recipe("finetune", task).monitor == "val_accuracy"
    assert training.get_recipe(None, task, tagged_data).monitor == "val_f1"


def test_the_weights_of_a_checkpoint_choose_the_recipe(toy_data, tmp_path):
    bert_checkpoint(tmp_path / "bert")
    history = training.fit(zoo.load(tmp_path / "bert"), toy_data, out=tmp_path / "run", verbose=0)
    assert history.pipeline.training["recipe"] == training.get_recipe("finetune").__dict__
    assert training.get_recipe(None, pretrained=True) == training.get_recipe("finetune")
    assert training.get_recipe(None) == training.get_recipe("scratch")


@pytest.mark.parametrize(
    ("field", "value"),
    [("schedule", "step"), ("freeze", "head"), ("layer_decay", 0), ("head_rate", 0)],
)
def test_a_value_out_of_range_is_refused(field, value):
    with pytest.raises(ValueError, match=f"`{field}` of a recipe, expected .*{field}={value!r}"):
        training.get_recipe("finetune", **{field: value})
