"""LoRA and heads: few weights learn, and what comes of it is an ordinary model."""

import keras
import numpy as np
import pytest

from attnzoo import export, training, zoo
from attnzoo.cli.main import main
from attnzoo.training import callbacks
from attnzoo.training.adapters import adapted, attention_projections
from attnzoo.training.callbacks import EpochSeeds
from attnzoo.training.layer_levels import frozen

from ..layer_test_case import randomize_weights
from ..pretrained.small_checkpoints import bert_checkpoint
from ..zoo.small_models import reduced_overrides, small_model
from .runs import assert_same_run, new_pipeline

RECIPE = training.get_recipe("lora", epochs=3, batch_size=8, learning_rate=1e-2, lora_rank=2)


def transformer(data, name="sentiment_classifier/tiny", **overrides):
    """A pipeline of two small blocks, as if it were pretrained."""
    return new_pipeline(data, name, num_layers=2, **overrides)


def values(model):
    return {f"{i}/{w.path}": np.array(w) for i, w in enumerate(model.weights)}


def changed(before, model):
    """The weights that are others than before."""
    after = values(model)
    assert list(after) == list(before)
    return {path.split("/", 1)[1] for path in before if (before[path] != after[path]).any()}


def test_few_weights_of_an_encoder_of_the_size_of_minilm_learn():
    sizes = {"hidden_dim": 384, "num_layers": 6, "num_heads": 12, "intermediate_dim": 1536}
    model = zoo.build("sentiment_classifier", vocabulary_size=30522, **sizes)
    whole = model.count_params()
    rank = training.get_recipe("lora").lora_rank
    with frozen(model, "backbone"), adapted(model, rank):
        learning = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
        assert learning == 6 * 4 * 2 * 384 * rank + 384 * 2 + 2
        assert learning < 0.03 * whole
    assert model.count_params() == whole


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_an_adapter_is_merged_as_in_numpy(dtype):
    model = small_model("sentiment_classifier", dtype=dtype)
    names = [weight.path for weight in model.weights]
    with frozen(model, "backbone"), adapted(model, 2, seed=1):
        randomize_weights(model)
        expected = {
            name: np.array(dense._kernel, "float64")
            + np.array(dense.lora_kernel_a, "float64") @ np.array(dense.lora_kernel_b, "float64")
            for name, dense in attention_projections(model).items()
        }
    for name, dense in attention_projections(model).items():
        np.testing.assert_allclose(dense.kernel, expected[name], rtol=1e-6, atol=1e-6)
        assert "lora_rank" not in dense.get_config()
    assert [weight.path for weight in model.weights] == names
    assert len(model.trainable_variables) == len(names)


def test_new_adapters_change_no_answer():
    model = small_model("sentiment_classifier")
    inputs = {"token_ids": np.array([[2, 5, 7, 3]])}
    before = np.array(model(inputs))
    with frozen(model, "backbone"), adapted(model, 2):
        np.testing.assert_array_equal(model(inputs), before)


def test_adapters_learn_beside_the_base_and_are_kept_alone(toy_data, tmp_path):
    base = transformer(toy_data)
    base.save(tmp_path / "base")
    before = values(base.model)
    history = training.fit(base, toy_data, RECIPE, out=tmp_path / "run", verbose=0)
    model = history.pipeline.model
    kernels = {dense._kernel.path for dense in attention_projections(model).values()}
    assert changed(before, model) == kernels | {"logits/kernel", "logits/bias"}

    file = tmp_path / "run" / "adapters.npz"
    with np.load(file) as arrays:
        assert arrays["encoder_block_1/value/a"].shape == (32, 2)
        assert {name.split("/")[0] for name in arrays} == {
            *("encoder_block_0", "encoder_block_1", "logits", "labels", "base")
        }
    texts = list(toy_data.test.inputs())
    expected = history.pipeline.logits(texts)
    loaded = training.load_adapters(file, zoo.load(tmp_path / "base"))
    assert loaded.labels == ["bad", "good"]
    np.testing.assert_array_equal(loaded.logits(texts), expected)
    np.testing.assert_array_equal(zoo.load(tmp_path / "run").logits(texts), expected)
    keras.utils.set_random_seed(1)
    randomize_weights(base.model)
    with pytest.raises(ValueError, match="a base with other weights"):
        training.load_adapters(tmp_path / "run", base)


def test_what_was_traced_with_adapters_is_not_asked_without_them(tagged_data, tagger, tmp_path):
    """Entities are scored by the very model that is kept, in every epoch."""
    recipe = training.get_recipe("lora", "token_classification", tagged_data, epochs=2)
    assert recipe.monitor == "val_f1"
    history = training.fit(tagger, tagged_data, recipe, out=tmp_path / "run", verbose=0)
    sentences = list(tagged_data.test.inputs())
    expected = zoo.load(tmp_path / "run").logits(sentences)
    for received, row in zip(history.pipeline.logits(sentences), expected, strict=True):
        np.testing.assert_allclose(received, row, atol=1e-6)


def test_a_run_that_crashed_goes_on_as_if_it_had_not(toy_data, tmp_path, monkeypatch):
    monkeypatch.setattr(callbacks, "SECONDS_BETWEEN_BACKUPS", 0)
    expected = training.fit(
        transformer(toy_data), toy_data, RECIPE, out=tmp_path / "whole", verbose=0
    )
    begin = EpochSeeds.on_epoch_begin

    def crashing(self, epoch, logs=None):
        if epoch == 2:
            raise InterruptedError
        begin(self, epoch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(EpochSeeds, "on_epoch_begin", crashing)
        with pytest.raises(InterruptedError):
            training.fit(transformer(toy_data), toy_data, RECIPE, out=tmp_path / "run", verbose=0)
    keras.utils.set_random_seed(999)
    resumed = training.fit(None, toy_data, RECIPE, out=tmp_path / "run", resume=True, verbose=0)
    assert_same_run(resumed, expected)
    kept, other = (dict(np.load(tmp_path / name / "adapters.npz")) for name in ("run", "whole"))
    for name in other:
        np.testing.assert_array_equal(kept[name], other[name])


def test_only_the_head_learns(toy_data):
    pipeline = transformer(toy_data)
    before = values(pipeline.model)
    recipe = training.get_recipe("head", epochs=1, batch_size=8)
    training.fit(pipeline, toy_data, recipe, verbose=0)
    assert changed(before, pipeline.model) == {"logits/kernel", "logits/bias"}


@pytest.mark.parametrize("recipe", ["finetune", "lora", "head"])
def test_images_have_these_recipes_too(recipe):
    images = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3)).astype("uint8")
    data = training.load_data((images, np.arange(16) % 2), "image_classification", verbose=False)
    pipeline = training.prepare(
        "image_classifier/tiny", data, **reduced_overrides("image_classifier")
    )
    before = values(pipeline.model)
    history = training.fit(
        pipeline, data, training.get_recipe(recipe, data.task, epochs=1, batch_size=8), verbose=0
    )
    layers = {path.split("/")[0] for path in changed(before, history.pipeline.model)}
    assert ("encoder_block_0" in layers) == (recipe != "head")
    assert ("patch_embedding" in layers) == (recipe == "finetune")
    assert "logits" in layers


@pytest.mark.parametrize("recipe", ["lora", "head"])
def test_a_checkpoint_is_trained_and_exported_on_the_command_line(
    recipe, toy_data, tmp_path, capsys
):
    bert_checkpoint(tmp_path / "bert")
    run = str(tmp_path / "run")
    code = main(
        [
            *("train", "sentiment_classifier", "--weights", str(tmp_path / "bert"), "--out", run),
            *("--data", toy_data.spec, "--recipe", recipe, "--set", "epochs=1"),
        ]
    )
    assert code == 0, capsys.readouterr()
    assert (tmp_path / "run" / "adapters.npz").exists() == (recipe == "lora")
    export.to_onnx(zoo.load(run), tmp_path / "dist")  # Verified against the pipeline.


def test_where_adapters_have_no_place_it_is_said(small_architecture, toy_data):
    with pytest.raises(ValueError, match=r"model of encoder blocks.*lora_rank=2"):
        training.fit(new_pipeline(toy_data), toy_data, RECIPE, verbose=0)
    with pytest.raises(ValueError, match=r'freeze="backbone".*freeze=None, lora_rank=4'):
        training.get_recipe("scratch", lora_rank=4)
    with pytest.raises(ValueError, match=r"integer not below zero.*lora_rank=1.5"):
        training.get_recipe("lora", lora_rank=1.5)
