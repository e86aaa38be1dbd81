"""`zoo.build(weights=...)`: a checkpoint decides the sizes."""

import keras
import numpy as np
import pytest

from attnzoo import zoo

from .small_models import every_model, logits_of, reduced_overrides, sample, small_model

LENGTHS = [5, 2]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """For each architecture a model with three classes and the folder that it is saved in."""
    saved = {}
    for name in zoo.list_models():
        folder = tmp_path_factory.mktemp(name)
        model = small_model(name, num_classes=3)
        model.save(folder / "model.keras")
        model.save_weights(folder / "model.weights.h5")
        saved[name] = model, folder
    return saved


def assert_same_weights(model, expected):
    for weight, reference in zip(model.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(weight, reference)


@every_model
@pytest.mark.parametrize("file", ["", "model.keras"], ids=["folder", ".keras file"])
@pytest.mark.parametrize("as_string", [True, False], ids=["string", "path"])
def test_a_checkpoint_brings_weights_and_configuration(checkpoints, name, file, as_string):
    saved, folder = checkpoints[name]
    weights = str(folder / file) if as_string else folder / file
    model = zoo.build(name, weights=weights)  # The default preset has other sizes.
    assert zoo.config_of(model) == zoo.config_of(saved)
    assert_same_weights(model, saved)
    tensors = sample(model, LENGTHS)
    np.testing.assert_array_equal(logits_of(model, tensors), logits_of(saved, tensors))


@every_model
def test_a_weights_file_fills_a_model_of_its_size(checkpoints, name):
    saved, folder = checkpoints[name]
    overrides = reduced_overrides(name, num_classes=3)
    model = zoo.build(f"{name}/tiny", weights=folder / "model.weights.h5", **overrides)
    assert_same_weights(model, saved)


@every_model
def test_a_weights_file_of_another_size_is_refused(checkpoints, name):
    _, folder = checkpoints[name]
    with pytest.raises(ValueError, match=r"[Ss]hape|size"):
        zoo.build(
            f"{name}/tiny",
            weights=folder / "model.weights.h5",
            **reduced_overrides(name, num_classes=3, hidden_dim=16),
        )


@every_model
def test_a_weights_file_with_fewer_layers_is_refused(checkpoints, name):
    _, folder = checkpoints[name]
    with pytest.raises(ValueError, match=r"encoder_block_1|layers|objects could not be loaded"):
        zoo.build(
            f"{name}/tiny",
            weights=folder / "model.weights.h5",
            **reduced_overrides(name, num_classes=3, num_layers=2),
        )


@every_model
def test_overrides_that_change_no_weight_are_free(checkpoints, name):
    saved, folder = checkpoints[name]
    model = zoo.build(name, weights=folder, dropout=0.5, hidden_dim=32)
    assert zoo.config_of(model) == zoo.config_of(saved).replace(dropout=0.5)
    assert_same_weights(model, saved)


@every_model
def test_an_override_against_the_checkpoint_is_refused(checkpoints, name):
    _, folder = checkpoints[name]
    with pytest.raises(
        ValueError,
        match=r"conflict with the checkpoint.*hidden_dim=64 \(checkpoint: 32\), num_layers=4",
    ):
        zoo.build(name, weights=folder, hidden_dim=64, num_layers=4, dropout=0.2)


@every_model
def test_an_unknown_override_is_refused_with_a_checkpoint_too(checkpoints, name):
    _, folder = checkpoints[name]
    with pytest.raises(ValueError, match="Did you mean 'hidden_dim'"):
        zoo.build(name, weights=folder, hiden_dim=32)


@every_model
def test_another_number_of_classes_makes_a_new_head_only(checkpoints, name):
    saved, folder = checkpoints[name]
    model = zoo.build(name, weights=folder, num_classes=5)
    tensors = sample(model, LENGTHS)
    assert logits_of(model, tensors).shape[-1] == 5
    old, new = ({w.path: w.numpy() for w in m.weights} for m in (saved, model))
    assert set(old) == set(new)
    changed = {path.split("/")[0] for path in old if not np.array_equal(old[path], new[path])}
    assert changed == {"logits"}


@every_model
def test_a_checkpoint_gives_its_backbone(checkpoints, name):
    saved, folder = checkpoints[name]
    model = zoo.build(name, weights=folder, num_classes=0)
    encoder = [weight for weight in saved.weights if not weight.path.startswith("logits")]
    assert_same_weights(model, type("Encoder", (), {"weights": encoder}))


@every_model
def test_the_same_number_of_classes_keeps_the_head(checkpoints, name):
    saved, folder = checkpoints[name]
    assert_same_weights(zoo.build(name, weights=folder, num_classes=3), saved)


@every_model
def test_a_checkpoint_loads_in_another_precision(checkpoints, name):
    saved, folder = checkpoints[name]
    model = zoo.build(name, weights=folder, dtype="mixed_bfloat16")
    assert "mixed_bfloat16" in {layer.dtype_policy.name for layer in model.layers}
    assert_same_weights(model, saved)


@every_model
def test_without_weights_they_are_random(name):
    overrides = reduced_overrides(name)
    first, second = (zoo.build(f"{name}/tiny", weights=None, **overrides) for _ in range(2))
    assert any(not np.array_equal(a, b) for a, b in zip(first.weights, second.weights, strict=True))


@pytest.mark.parametrize("missing", ["nowhere", "nowhere/model.keras", "gone.weights.h5"])
def test_a_path_where_nothing_is_raises(tmp_path, missing):
    with pytest.raises(FileNotFoundError, match=r"Expected `weights` to be.*nothing is there"):
        zoo.build("sentiment_classifier/tiny", weights=tmp_path / missing)


def test_a_folder_without_a_model_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing is there"):
        zoo.build("sentiment_classifier/tiny", weights=tmp_path)


def test_a_file_of_another_format_raises(tmp_path):
    (tmp_path / "model.txt").write_text("weights")
    with pytest.raises(ValueError, match=r"model\.txt"):
        zoo.build("sentiment_classifier/tiny", weights=tmp_path / "model.txt")


def test_a_keras_file_that_is_not_of_the_zoo_raises(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"built by `zoo\.build`"):
        zoo.build("sentiment_classifier/tiny", weights=tmp_path / "model.keras")
