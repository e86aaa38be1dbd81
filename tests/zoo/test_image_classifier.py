"""The vision Transformer: its sizes, its stems, its positions at another resolution."""

import keras
import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.zoo.interpolation import interpolate_grid

from .images import SHAPE, encoded, random_pixels, small_image_pipeline
from .small_models import logits_of, sample, small_model


@pytest.mark.parametrize(
    ("preset", "published"), [("tiny", 5_717_416), ("small", 22_050_664), ("base", 86_567_656)]
)
def test_a_preset_is_as_large_as_its_model_in_timm(preset, published):
    """But for the class token's position, which here is a part of the token."""
    model = zoo.build(f"image_classifier/{preset}", num_classes=1000)
    assert model.count_params() + zoo.config_of(model).hidden_dim == published


def test_the_presets_for_cifar_are_as_small_as_they_are_said_to_be():
    assert zoo.build("image_classifier/cifar").count_params() < 6_500_000
    assert zoo.build("image_classifier/cifar_small").count_params() < 1_500_000


def test_the_first_dense_layer_sees_normalised_patches():
    model = small_model("image_classifier", pixel_mean=(0.4, 0.5, 0.6), pixel_std=(0.2,))
    images = random_pixels(2, *SHAPE)
    embed = keras.Model(model.input, model.get_layer("patches").output)
    kernel, bias = (np.asarray(w, "float64") for w in model.get_layer("patch_embedding").weights)
    pixels = (images / 255 - [0.4, 0.5, 0.6]) / 0.2
    patches = pixels.reshape(2, 2, 4, 2, 4, 3).transpose(0, 1, 3, 2, 4, 5).reshape(2, 4, -1)
    expected = patches @ kernel.reshape(-1, kernel.shape[-1]) + bias
    np.testing.assert_allclose(embed({"images": images}), expected, atol=1e-4)


@pytest.mark.parametrize("stem", ["patch", "convolutional"])
@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize(
    "position", ["learned", "sincos_2d", "rope", "conditional", "relative", None]
)
def test_stems_poolings_and_positions_go_together(stem, pooling, position):
    model = small_model("image_classifier", stem=stem, pooling=pooling, position=position)
    logits = logits_of(model, sample(model, [1, 1]))
    assert np.isfinite(logits).all()
    assert np.abs(logits[0] - logits[1]).max() > 1e-3


@pytest.mark.parametrize(
    ("fields", "size", "names"),
    [
        ({"pooling": "cls_mean"}, 64, ["class"]),
        ({"distillation_token": True}, 32, ["class", "distillation"]),
        (
            {"pooling": "cls_distillation", "distillation_token": True},
            64,
            ["class", "distillation"],
        ),
    ],
)
def test_tokens_come_before_the_patches_and_their_vectors_are_pooled(fields, size, names):
    model = small_model("image_classifier", num_classes=0, **fields)
    config = zoo.config_of(model)
    assert config.position_names[: len(names)] == names
    assert len(config.position_names) == len(names) + 4
    assert model.get_layer("encoder_block_0").output.shape[1] == len(names) + 4
    assert logits_of(model, sample(model, [1])).shape == (1, size)
    assert config.pooled_dim == size


@pytest.mark.parametrize(
    "fields", [{"pooling": "cls_distillation"}, {"pooling": "mean", "distillation_token": True}]
)
def test_a_distillation_token_that_nothing_sees_is_refused(fields):
    with pytest.raises(ValueError, match="`distillation_token"):
        zoo.get_config("image_classifier").replace(**fields)


def test_without_positions_the_order_of_patches_is_not_seen_and_with_them_it_is():
    images = random_pixels(1, *SHAPE)
    swapped = images.copy()
    swapped[:, :4], swapped[:, 4:] = images[:, 4:], images[:, :4]
    for position, seen in ((None, False), ("learned", True), ("sincos_2d", True)):
        model = small_model("image_classifier", position=position)
        first, second = (logits_of(model, {"images": i}) for i in (images, swapped))
        assert (np.abs(first - second).max() > 1e-3) == seen


def test_the_stem_halves_the_image_as_often_as_it_must():
    config = zoo.get_config("image_classifier/cifar").replace(patch_size=8)
    model = zoo.build("image_classifier/cifar", patch_size=8)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [64, 128, 256]
    assert model.get_layer("patches").output.shape == (None, 16, config.hidden_dim)


# === Another resolution ===


@pytest.mark.parametrize("position", ["learned", "sincos_2d", "rope", "conditional"])
def test_a_checkpoint_serves_another_resolution(tmp_path, position):
    saved = small_model("image_classifier", position=position, num_classes=3)
    saved.save(tmp_path / "model.keras")
    model = zoo.build("image_classifier", weights=tmp_path / "model.keras", image_shape=(12, 16, 3))
    assert zoo.config_of(model) == zoo.config_of(saved).replace(image_shape=(12, 16, 3))
    assert np.isfinite(logits_of(model, sample(model, [1]))).all()
    for weight, old in zip(model.weights, saved.weights, strict=True):
        if weight.shape == old.shape:
            np.testing.assert_array_equal(weight, old)
        else:
            expected = interpolate_grid(np.asarray(old), (2, 2), (3, 4))
            np.testing.assert_array_equal(weight, expected)


def test_another_patch_size_of_a_checkpoint_is_refused(tmp_path):
    small_model("image_classifier").save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"conflict with the checkpoint.*patch_size=2"):
        zoo.build("image_classifier", weights=tmp_path / "model.keras", patch_size=2)


# === Pipeline ===


def test_a_pipeline_answers_files_bytes_and_pixels_alike_and_keeps_doing_so(tmp_path):
    pipeline = small_image_pipeline()
    pixels = random_pixels(8, 8, 3)
    (tmp_path / "image.png").write_bytes(encoded(pixels))
    path = tmp_path / "image.png"
    (expected,) = pipeline([pixels])
    assert list(expected.probabilities) == ["cat", "dog", "frog"]
    for inputs in (path, str(path), path.read_bytes(), [path]):
        assert pipeline(inputs) == [expected]
    pipeline.save(tmp_path / "run")
    assert zoo.load(tmp_path / "run")([path]) == [expected]


def test_positions_of_the_encoder_have_names():
    pipeline = small_image_pipeline()
    ticks = pipeline.preprocessor.ticks(None)
    assert ticks == ["class", "0,0", "0,1", "1,0", "1,1"]
    assert small_image_pipeline(pooling="mean").preprocessor.ticks(None) == ticks[1:]


# === Configuration ===


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image_shape": (8, 9, 3)}, "multiples of `patch_size`"),
        ({"image_shape": (8, 8)}, "`image_shape`, expected"),
        ({"image_shape": (8, 8, 4)}, "1 or 3 channels"),
        ({"image_shape": (0, 8, 3)}, "`image_shape`, expected"),
        ({"stem": "wavelet"}, "`stem`, expected one of"),
        ({"pooling": "max"}, "`pooling`, expected one of"),
        ({"stem": "convolutional", "image_shape": (9, 9, 3), "patch_size": 3}, "power of 2"),
        ({"pixel_std": (0.0,)}, "`pixel_std`"),
        ({"pixel_mean": (0.5, 0.5)}, "`pixel_mean`"),
    ],
    ids=str,
)
def test_an_impossible_configuration_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        small_model("image_classifier", **fields)
