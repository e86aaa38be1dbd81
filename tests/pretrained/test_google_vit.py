"""Google's files of ViT: the same numbers as the same tensors give in transformers."""

import keras
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file

from attnzoo import zoo
from attnzoo.cli.main import main
from attnzoo.zoo.pretrained import save_checkpoint

from .test_parity import TOLERANCE, expected

HEADS, LAYERS = 4, 2
CLASSIC = {"attention": 1, "feed_forward": 3, "feed_forward_norm": 2}
BIG_VISION = {"attention": 0, "feed_forward": 0, "feed_forward_norm": 1}
_NORMS = ("before", "after")
_DENSE = {
    **{f"attention.attention.{part}": (24, 24) for part in ("query", "key", "value")},
    "attention.output.dense": (24, 24),
    "intermediate.dense": (32, 24),
    "output.dense": (24, 32),
}


def google_tensors(theirs, numbers):
    """The tensors of transformers' ViT as vision_transformer and big_vision lay them out."""
    theirs = {name.removeprefix("vit."): array for name, array in theirs.items()}
    tensors = {
        "cls": theirs["embeddings.cls_token"],
        "embedding/bias": theirs["embeddings.patch_embeddings.projection.bias"],
        "head/kernel": theirs["classifier.weight"].T,
        "head/bias": theirs["classifier.bias"],
        "Transformer/encoder_norm/scale": theirs["layernorm.weight"],
        "Transformer/encoder_norm/bias": theirs["layernorm.bias"],
    }
    kernel = theirs["embeddings.patch_embeddings.projection.weight"]
    tensors["embedding/kernel"] = np.einsum("oihw->hwio", kernel)
    positions = theirs["embeddings.position_embeddings"]
    if numbers is CLASSIC:
        tensors["Transformer/posembed_input/pos_embedding"] = positions
    else:
        tensors["cls"] = tensors["cls"] + positions[:, :1]
        tensors["pos_embedding"] = positions[:, 1:]
    for index in range(LAYERS):
        layer, block = f"encoder.layer.{index}.", f"Transformer/encoderblock_{index}/"
        attention = f"{block}MultiHeadDotProductAttention_{numbers['attention']}/"
        for part in ("query", "key", "value"):
            weight = theirs[f"{layer}attention.attention.{part}.weight"]
            bias = theirs[f"{layer}attention.attention.{part}.bias"]
            tensors[f"{attention}{part}/kernel"] = weight.T.reshape(len(weight), HEADS, -1)
            tensors[f"{attention}{part}/bias"] = bias.reshape(HEADS, -1)
        weight = theirs[f"{layer}attention.output.dense.weight"]
        tensors[f"{attention}out/kernel"] = weight.T.reshape(HEADS, -1, len(weight))
        tensors[f"{attention}out/bias"] = theirs[f"{layer}attention.output.dense.bias"]
        for number, part in ((0, "intermediate"), (1, "output")):
            dense = f"{block}MlpBlock_{numbers['feed_forward']}/Dense_{number}/"
            tensors[f"{dense}kernel"] = theirs[f"{layer}{part}.dense.weight"].T
            tensors[f"{dense}bias"] = theirs[f"{layer}{part}.dense.bias"]
        for number, part in ((0, "before"), (numbers["feed_forward_norm"], "after")):
            norm = f"{block}LayerNorm_{number}/"
            tensors[f"{norm}scale"] = theirs[f"{layer}layernorm_{part}.weight"]
            tensors[f"{norm}bias"] = theirs[f"{layer}layernorm_{part}.bias"]
    return tensors


def stacked(tensors):
    """The same with each tensor of all blocks in one, as big_vision scans them."""
    first = [name for name in tensors if "encoderblock_0/" in name]
    rest = {name: array for name, array in tensors.items() if "encoderblock_" not in name}
    return rest | {
        name.replace("_0/", "/", 1): np.stack(
            [tensors[name.replace("block_0/", f"block_{index}/")] for index in range(LAYERS)]
        )
        for name in first
    }


def under(prefix, tensors):
    return {prefix + name: array for name, array in tensors.items()}


FORMS = {
    "classic": lambda theirs: google_tensors(theirs, CLASSIC),
    "classic_optimizer": lambda theirs: under("opt/target/", google_tensors(theirs, CLASSIC)),
    "big_vision": lambda theirs: under("params/", google_tensors(theirs, BIG_VISION)),
    "big_vision_stacked": lambda theirs: under(
        "params/", stacked(google_tensors(theirs, BIG_VISION))
    ),
}


def random_tensors(numbers=CLASSIC, seed=0):
    """Tensors of a small ViT by Google's names, without transformers."""
    generator = np.random.default_rng(seed)
    norms = [f"encoder.layer.{i}.layernorm_{part}" for i in range(LAYERS) for part in _NORMS]
    dense = {
        f"encoder.layer.{i}.{name}": shape for i in range(LAYERS) for name, shape in _DENSE.items()
    }
    shapes = {
        "embeddings.cls_token": (1, 1, 24),
        "embeddings.position_embeddings": (1, 10, 24),
        "embeddings.patch_embeddings.projection.weight": (24, 3, 4, 4),
        "embeddings.patch_embeddings.projection.bias": (24,),
        "classifier.weight": (3, 24),
        "classifier.bias": (3,),
        **{f"{name}.{w}": (24,) for name in ("layernorm", *norms) for w in ("weight", "bias")},
        **{f"{name}.weight": shape for name, shape in dense.items()},
        **{f"{name}.bias": shape[:1] for name, shape in dense.items()},
    }
    tensors = {n: generator.normal(0, 0.2, s).astype("float32") for n, s in shapes.items()}
    return google_tensors(tensors, numbers)


def write(tensors, path):
    np.savez(path, **tensors)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_logits_are_those_of_the_same_tensors_in_transformers(
    checkpoints, tmp_path, form, record_property
):
    inputs, outputs = expected(checkpoints, "vit_square")
    theirs = load_file(checkpoints / "vit_square" / "model.safetensors")
    pipeline = zoo.load(write(FORMS[form](theirs), tmp_path / "vit.npz"))
    logits = np.asarray(pipeline.model(inputs))
    record_property("logits", float(np.abs(logits - outputs["logits"]).max()))
    np.testing.assert_allclose(logits, outputs["logits"], atol=TOLERANCE, rtol=0)
    assert pipeline.labels == ["LABEL_0", "LABEL_1", "LABEL_2"]
    checkpoint = pipeline.training["checkpoint"]
    assert checkpoint["ignored"] == {}
    assert checkpoint["missing"] == checkpoint["mismatched"] == []


def test_it_is_written_as_a_folder_that_transformers_reads(checkpoints, ask_transformers, tmp_path):
    inputs, outputs = expected(checkpoints, "vit_square")
    theirs = load_file(checkpoints / "vit_square" / "model.safetensors")
    pipeline = zoo.load(write(google_tensors(theirs, CLASSIC), tmp_path / "vit.npz"))
    assert save_checkpoint(pipeline, tmp_path / "vit") == "vit"
    (answer,) = ask_transformers({tmp_path / "vit": inputs})
    np.testing.assert_allclose(answer["logits"], outputs["logits"], atol=TOLERANCE, rtol=0)


def test_a_model_without_class_token_is_pooled_by_its_mean(tmp_path):
    tensors = random_tensors(BIG_VISION)
    del tensors["cls"]
    model = zoo.build("image_classifier", weights=write(tensors, tmp_path / "vit.npz"))
    assert zoo.config_of(model).pooling == "mean"
    np.testing.assert_array_equal(
        model.get_layer("position").table, tensors["pos_embedding"].reshape(-1, 24)
    )


def test_the_dense_layer_of_pretraining_belongs_to_the_head(tmp_path):
    generator = np.random.default_rng(1)
    before = {"kernel": generator.normal(0, 0.2, (24, 24)), "bias": generator.normal(size=24)}
    before = {f"pre_logits/{name}": a.astype("float32") for name, a in before.items()}
    path = write(random_tensors() | before, tmp_path / "vit.npz")
    images = generator.integers(0, 256, (2, 12, 12, 3), "uint8")
    model = zoo.build("image_classifier", weights=path)
    backbone = zoo.build("image_classifier", weights=path, num_classes=0)
    pooled = np.asarray(backbone({"images": images}))
    hidden = np.tanh(pooled @ before["pre_logits/kernel"] + before["pre_logits/bias"])
    tensors = random_tensors()
    logits = hidden @ tensors["head/kernel"] + tensors["head/bias"]
    np.testing.assert_allclose(model({"images": images}), logits, atol=TOLERANCE)
    with pytest.warns(UserWarning, match="head of 3 classes is replaced"):
        zoo.build("image_classifier", weights=path, num_classes=5)


def test_bfloat16_and_another_resolution(tmp_path):
    tensors = random_tensors()
    rounded = {name: a.astype(ml_dtypes.bfloat16) for name, a in tensors.items()}
    path = write({n: a.view("V2") for n, a in rounded.items()}, tmp_path / "vit.npz")
    model = zoo.build("image_classifier", weights=path, image_shape=(16, 20, 3))
    np.testing.assert_array_equal(
        model.get_layer("logits").kernel, rounded["head/kernel"].astype("float32")
    )
    assert model.get_layer("position").table.shape == (20, 24)


def test_the_command_line_converts_it(tmp_path, capsys):
    path = write(random_tensors(), tmp_path / "vit.npz")
    assert main(["convert", str(path), "--out", str(tmp_path / "vit")]) == 0
    assert "google_vit checkpoint vit.npz: every tensor is accounted for" in capsys.readouterr().out
    converted, read = zoo.load(tmp_path / "vit").model, zoo.load(path).model
    assert isinstance(converted, keras.Model)
    for weight, reference in zip(converted.weights, read.weights, strict=True):
        np.testing.assert_array_equal(weight, reference)


WRONG = {
    "another model": ({"w": np.ones(3)}, "to hold a ViT of Google's.*'w'"),
    "pickled": ({"w": np.array([{}], object)}, "an archive of arrays of numbers"),
    "one more tensor": ({**random_tensors(), "MAPHead_0/probe": np.ones(3)}, "MAPHead_0/probe"),
    "one less": (
        {name: a for name, a in random_tensors().items() if name != "head/kernel"},
        "missing tensors: head/kernel",
    ),
    "no square": (
        {**random_tensors(), "Transformer/posembed_input/pos_embedding": np.ones((1, 9, 24))},
        "as a square has patches. Received: 8",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_fit_is_refused(tmp_path, wrong):
    tensors, message = WRONG[wrong]
    path = write(tensors, tmp_path / "vit.npz")
    with pytest.raises(ValueError, match=message):
        zoo.load(path)


def test_a_damaged_file_is_refused(tmp_path):
    path = write(random_tensors(), tmp_path / "vit.npz")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="whole"):
        zoo.load(path)
