"""What every registered architecture must do, whatever it is."""

import keras
import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.layers import NamedInputsModel

from .small_models import (
    dimensions,
    every_model,
    every_padded_model,
    learnable_targets,
    logits_of,
    model_inputs,
    reduced_overrides,
    sample,
    small_model,
    task_of,
    unit_of,
)

LENGTHS = [7, 3, 1, 5, 0]


@pytest.fixture(scope="module")
def models():
    """A small model of each architecture, made once and not changed by any test."""
    return {name: small_model(name, num_classes=3) for name in zoo.list_models()}


@every_model
def test_it_is_functional_with_the_inputs_it_declares(models, name):
    model = models[name]
    assert isinstance(model, NamedInputsModel)
    assert isinstance(model, keras.src.models.Functional)
    assert model.name == name
    expected = {spec.name for spec in task_of(model).inputs(zoo.config_of(model))}
    masks = task_of(model).masks
    assert set(model.input) == expected - {lengths for lengths, _ in masks.values()} | set(masks)
    assert list(model.input) == sorted(model.input), "Keras pairs dict inputs by sorted key"
    for key, tensor in model.input.items():
        assert tensor._keras_history.operation.optional == (key in masks)


@every_model
def test_every_layer_with_weights_has_a_name_of_its_own(models, name):
    again = small_model(name, num_classes=3)
    named = [layer.name for layer in models[name].layers if layer.weights]
    assert named == [layer.name for layer in again.layers if layer.weights]


@every_model
@pytest.mark.parametrize("lengths", [[7, 3, 1, 5, 0], [16], [1, 1]], ids=str)
def test_logits_have_the_declared_shape_and_are_finite(models, name, lengths):
    model = models[name]
    tensors = sample(model, lengths)
    sizes = dimensions(model, tensors)
    declared = {spec.name: spec for spec in task_of(model).outputs(zoo.config_of(model))}["logits"]
    logits = logits_of(model, tensors)
    assert logits.shape == tuple(sizes.get(size, size) for size in declared.shape)
    assert logits.shape[-1] == 3
    assert logits.dtype == declared.dtype
    assert np.isfinite(logits).all()
    assert keras.backend.standardize_dtype(model.output.dtype) == "float32"


@every_model
def test_without_classes_it_is_the_backbone(models, name):
    backbone = small_model(name, num_classes=0)
    tensors = sample(backbone, LENGTHS)
    features = logits_of(backbone, tensors)
    assert features.shape[-1] == zoo.config_of(backbone).hidden_dim
    assert np.isfinite(features).all()
    (declared,) = task_of(backbone).outputs(zoo.config_of(backbone))
    sizes = dimensions(backbone, tensors)
    assert features.shape == tuple(sizes.get(size, size) for size in declared.shape)
    assert len(backbone.weights) < len(models[name].weights)


@every_model
def test_the_activation_that_is_asked_for_ends_the_model(models, name):
    model = small_model(name, num_classes=3, classifier_activation="softmax")
    model.set_weights(models[name].get_weights())
    tensors = sample(model, LENGTHS)
    logits = logits_of(models[name], tensors).astype("float64")
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    expected = exponentials / exponentials.sum(-1, keepdims=True)
    np.testing.assert_allclose(logits_of(model, tensors), expected, atol=1e-6)


@every_model
def test_the_configuration_is_kept_with_the_model(models, name):
    expected = zoo.get_config(f"{name}/tiny").replace(**reduced_overrides(name, num_classes=3))
    assert zoo.config_of(models[name]) == expected


@every_model
def test_an_unknown_override_is_refused_with_the_closest_one(name):
    with pytest.raises(ValueError, match=r"Did you mean 'hidden_dim'\?.*hiden_dim=32"):
        zoo.build(f"{name}/tiny", hiden_dim=32)


@every_model
@pytest.mark.parametrize("num_classes", [-1, 1, True, 2.5, "3"])
def test_an_impossible_number_of_classes_is_refused(name, num_classes):
    with pytest.raises(ValueError, match=rf"expected 0 .*num_classes={num_classes!r}"):
        small_model(name, num_classes=num_classes)


@every_model
@pytest.mark.parametrize("value", [0, -1, 1.5, True, None])
def test_a_size_that_is_none_is_refused(name, value):
    config = zoo.get_config(name)
    assert {"hidden_dim", "num_layers", "num_heads"} <= set(config.positive_fields)
    for field in config.positive_fields:
        with pytest.raises(ValueError, match=f"expected a positive integer.*{field}={value!r}"):
            config.replace(**{field: value})


@every_model
@pytest.mark.parametrize("value", [1.0, -0.1, "half", None])
def test_a_rate_that_is_none_is_refused(name, value):
    with pytest.raises(ValueError, match=rf"a rate in \[0, 1\).*dropout={value!r}"):
        zoo.get_config(name).replace(dropout=value)


@every_model
def test_a_hidden_size_that_heads_do_not_divide_is_refused(name):
    with pytest.raises(ValueError, match="num_heads"):
        small_model(name, hidden_dim=31)


@every_padded_model
def test_what_the_padding_holds_changes_nothing(models, name):
    model = models[name]
    tensors = sample(model, LENGTHS)
    filled = task_of(model).fill_padding(zoo.config_of(model), tensors, np.random.default_rng(1))
    assert any((filled[key] != tensors[key]).any() for key in tensors)
    np.testing.assert_array_equal(logits_of(model, filled), logits_of(model, tensors))


@every_padded_model
def test_more_padding_changes_nothing(models, name):
    model = models[name]
    lengths = [length for length in LENGTHS if length]
    expected = logits_of(model, sample(model, lengths))
    tensors = sample(model, lengths, length=max(lengths))
    tensors = {key: padded(key, value, 4 * unit_of(model)) for key, value in tensors.items()}
    logits = logits_of(model, tensors)[tuple(slice(size) for size in expected.shape)]
    np.testing.assert_allclose(logits, expected, atol=2e-6)


def padded(name, array, count):
    """The array with entries of padding behind every row, if its rows have a length."""
    if array.ndim == 1:
        return array
    value = -1 if name in ("edges", "word_starts") else 0
    around = [(0, 0), (0, count), *[(0, 0)] * (array.ndim - 2)]
    return np.pad(array, around, constant_values=value)


@every_model
def test_a_row_without_padding_needs_no_mask(models, name):
    model = models[name]
    inputs = model_inputs(model, sample(model, [6, 6]))
    bare = {key: value for key, value in inputs.items() if key not in task_of(model).masks}
    np.testing.assert_allclose(model(bare), model(inputs), atol=1e-6)


@every_model
def test_a_row_answers_the_same_in_any_company(models, name):
    model = models[name]
    inputs = model_inputs(model, sample(model, LENGTHS))
    logits = np.asarray(model(inputs))
    order = np.array([3, 0, 4, 2, 1])
    shuffled = {key: value[order] for key, value in inputs.items()}
    np.testing.assert_allclose(model(shuffled), logits[order], atol=2e-6)
    for row in range(len(LENGTHS)):
        alone = {key: value[row : row + 1] for key, value in inputs.items()}
        np.testing.assert_allclose(model(alone), logits[row : row + 1], atol=2e-6)


@every_model
@pytest.mark.parametrize(
    ("policy", "tolerance"), [("mixed_float16", 0.02), ("mixed_bfloat16", 0.1)]
)
def test_half_precision_gives_nearly_the_same_float32_logits(models, name, policy, tolerance):
    model = small_model(name, dtype=policy, num_classes=3)
    model.set_weights(models[name].get_weights())
    tensors = sample(model, LENGTHS)
    logits = logits_of(model, tensors)
    assert keras.backend.standardize_dtype(model.output.dtype) == "float32"
    assert all(weight.dtype == "float32" for weight in model.weights)
    assert np.isfinite(logits).all()
    assert not np.array_equal(logits, logits_of(models[name], tensors)), "not in half precision"
    np.testing.assert_allclose(
        logits, logits_of(models[name], tensors), atol=tolerance, rtol=tolerance
    )


@every_model
def test_the_global_policy_is_the_default(models, name):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small_model(name)
    finally:
        keras.config.set_dtype_policy(policy)
    assert "mixed_bfloat16" in {layer.dtype_policy.name for layer in model.layers}


@every_model
def test_unknown_and_missing_inputs_are_refused(models, name):
    model = models[name]
    inputs = model_inputs(model, sample(model, LENGTHS))
    required = next(key for key in inputs if key not in task_of(model).masks)
    renamed = {("ids" if key == required else key): value for key, value in inputs.items()}
    without = {key: value for key, value in inputs.items() if key != required}
    for wrong in ({**inputs, "extra": inputs[required]}, renamed, without, inputs[required]):
        with pytest.raises(ValueError, match="unknown or missing inputs"):
            model(wrong)
        if len(wrong):  # Of nothing at all, Keras itself cannot count the rows.
            with pytest.raises(ValueError, match="unknown or missing inputs"):
                model.predict(wrong, verbose=0)


@every_model
def test_seeds_decide_the_initial_weights(name):
    def weights(seed):
        keras.utils.set_random_seed(seed)
        return zoo.build(f"{name}/tiny", **reduced_overrides(name)).get_weights()

    first, same, other = weights(1), weights(1), weights(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@every_model
def test_plain_keras_trains_it(name):
    model = zoo.build(f"{name}/tiny", **reduced_overrides(name, num_classes=3))
    tensors = sample(model, np.arange(24) % 16 + 1)
    model.compile(
        keras.optimizers.Adam(1e-2),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=["accuracy"],
        jit_compile=False,
    )
    targets, weights = learnable_targets(model, tensors)
    history = model.fit(
        model_inputs(model, tensors),
        targets,
        sample_weight=weights,
        batch_size=8,
        epochs=5,
        verbose=0,
    ).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@every_model
@pytest.mark.parametrize("preset", ["small", "base"])
def test_every_preset_builds(name, preset):
    if f"{name}/{preset}" not in zoo.list_presets(name):
        pytest.skip(f"{name} has no preset {preset}")
    model = zoo.build(f"{name}/{preset}")
    assert zoo.config_of(model) == zoo.get_config(f"{name}/{preset}")
    assert np.isfinite(logits_of(model, sample(model, [2, 3]))).all()
