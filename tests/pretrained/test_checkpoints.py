"""Folders in the format of Hugging Face: read whole, or refused by name."""

import json
import re

import ml_dtypes
import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.zoo.image_preprocessor import ImagePreprocessor
from attnzoo.zoo.pretrained import FAMILIES, Checkpoint, save_checkpoint

from ..layer_test_case import randomize_weights
from .small_checkpoints import (
    LABELS,
    bert_checkpoint,
    bert_pipeline,
    change_settings,
    change_tensors,
)

TEXTS = ["a good film", "", "very bad films!"]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "bert"


def assert_same_weights(model, expected):
    for weight, reference in zip(model.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(weight, reference, err_msg=weight.path)


# === Read ===


@pytest.mark.parametrize("name", ["sentiment_classifier", "sequence_tagger"])
def test_what_was_written_is_read_with_its_head_and_labels(folder, name):
    written = bert_checkpoint(folder, name)
    read = zoo.load(folder)
    assert read.model.name == name
    assert read.labels == LABELS
    assert zoo.config_of(read.model).to_dict() == {
        **zoo.config_of(written.model).to_dict(),
        **{field: getattr(read.config, field) for field in read.config.free_fields},
    }
    assert_same_weights(read.model, written.model)
    assert repr(read(TEXTS)) == repr(written(TEXTS))
    assert_same_weights(zoo.build(name, weights=folder), written.model)


def test_every_tensor_and_every_weight_is_accounted_for(folder):
    written = bert_checkpoint(folder)
    model, report = Checkpoint(folder).build()
    assert set(report.loaded) == {weight.path for weight in model.weights}
    tensors = {name for names in report.loaded.values() for name in names}
    assert len(tensors) == len(written.model.weights)
    assert report.ignored == {}
    assert report.missing == report.mismatched == []


def test_other_classes_make_a_new_head_and_say_so(folder):
    written = bert_checkpoint(folder)
    with pytest.warns(UserWarning, match=r"head of 3 classes is replaced.*new one of 5.*logits"):
        model = zoo.build("sentiment_classifier", weights=folder, num_classes=5)
    old, new = ({w.path: w.numpy() for w in m.weights} for m in (written.model, model))
    changed = {path.split("/")[0] for path in new if not np.array_equal(old[path], new[path])}
    assert changed == {"logits"}


def test_no_classes_give_the_backbone(folder):
    written = bert_checkpoint(folder)
    backbone = zoo.build("sentiment_classifier", weights=folder, num_classes=0)
    inputs = written.preprocessor.collate(written.preprocessor.encode(TEXTS))
    np.testing.assert_allclose(backbone(inputs), written.embed(TEXTS), atol=1e-6)
    tagger = zoo.load(folder, "sequence_tagger")
    assert tagger.labels == []
    assert [rows.shape for rows in tagger.embed(TEXTS)] == [(3, 16), (0, 16), (4, 16)]


def test_a_model_without_a_head_gives_vectors_and_no_labels(folder):
    bert_checkpoint(folder, num_classes=0, pooling="mean", pooler_activation=None)
    pipeline = zoo.load(folder)
    assert pipeline.config.pooling == "mean"
    assert pipeline.embed(TEXTS).shape == (3, 16)
    np.testing.assert_allclose(
        np.linalg.norm(pipeline.embed(TEXTS, normalize=True), axis=1), 1, atol=1e-6
    )
    with pytest.raises(ValueError, match="a model with a head"):
        pipeline(TEXTS)
    with pytest.warns(UserWarning, match="no such head"):
        zoo.build("sentiment_classifier", weights=folder, num_classes=2)


def test_fewer_positions_are_the_first_ones(folder):
    written = bert_checkpoint(folder)
    model = zoo.build("sentiment_classifier", weights=folder, max_sequence_length=8)
    np.testing.assert_array_equal(
        model.get_layer("position").table, written.model.get_layer("position").table[:8]
    )
    with pytest.raises(ValueError, match="no longer input than the checkpoint has"):
        zoo.build("sentiment_classifier", weights=folder, max_sequence_length=21)
    with pytest.raises(ValueError, match=r"conflict with the checkpoint.*hidden_dim=8"):
        zoo.build("sentiment_classifier", weights=folder, hidden_dim=8)


def test_the_first_names_of_normalisations_are_read(folder):
    written = bert_checkpoint(folder)

    def older(tensors):
        renamed = {}
        for name, array in tensors.items():
            if "LayerNorm" in name:
                name = name.replace("weight", "gamma").replace("bias", "beta")
            renamed[name] = array
        return renamed | {"bert.embeddings.position_ids": np.arange(20)[None]}

    change_tensors(folder, older)
    assert_same_weights(zoo.load(folder).model, written.model)


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16, "float64"])
def test_other_precisions_are_read(folder, dtype):
    written = bert_checkpoint(folder)
    change_tensors(folder, lambda tensors: {n: a.astype(dtype) for n, a in tensors.items()})
    model = zoo.load(folder).model
    for weight, reference in zip(model.weights, written.model.weights, strict=True):
        expected = reference.numpy().astype(dtype).astype("float32")
        np.testing.assert_array_equal(weight, expected)


def test_a_vocabulary_file_makes_the_same_tokenizer(folder):
    written = bert_checkpoint(folder)
    tokenizer = written.preprocessor.tokenizer
    tokens = [tokenizer.id_to_token(index) for index in range(tokenizer.get_vocab_size())]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", "utf-8")
    preprocessor = zoo.load(folder).preprocessor
    encoded, expected = (p.encode(TEXTS) for p in (preprocessor, written.preprocessor))
    assert [list(ids) for ids in encoded] == [list(ids) for ids in expected]
    (pair,) = preprocessor.encode([("good", "bad film")])
    batch = preprocessor.collate([pair], length=8)
    assert batch["token_ids"].tolist() == [[2, 5, 3, 6, 7, 3, 0, 0]]
    assert batch["segment_ids"].tolist() == [[0, 0, 0, 1, 1, 1, 0, 0]]


def test_the_scale_of_pixels_goes_both_ways(tmp_path):
    scale = {"pixel_mean": (0.4, 0.5, 0.6), "pixel_std": (0.1, 0.2, 0.3)}
    sizes = {"hidden_dim": 8, "intermediate_dim": 12, "num_layers": 1, "num_heads": 2}
    model = zoo.build(
        "image_classifier/tiny",
        num_classes=3,
        image_shape=(8, 12, 3),
        patch_size=4,
        **sizes,
        **scale,
    )
    randomize_weights(model)
    pipeline = zoo.Pipeline(model, ImagePreprocessor((8, 12, 3)), LABELS)
    assert save_checkpoint(pipeline, tmp_path / "vit") == "vit"
    read = zoo.load(tmp_path / "vit")
    assert (read.config.pixel_mean, read.config.pixel_std) == tuple(scale.values())
    assert read.config.image_shape == (8, 12, 3)
    images = [np.random.default_rng(0).integers(0, 256, (9, 9, 3), "uint8")]
    np.testing.assert_allclose(read.logits(images), pipeline.logits(images), atol=1e-6)
    larger = zoo.build("image_classifier", weights=tmp_path / "vit", image_shape=(16, 16, 3))
    assert larger.get_layer("position").table.shape == (16, 8)
    path = tmp_path / "vit" / "preprocessor_config.json"
    settings = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**settings, "do_center_crop": True}), "utf-8")
    (note,) = zoo.load(tmp_path / "vit").training["checkpoint"]["notes"]
    assert "cropped" in note
    path.write_text(json.dumps({**settings, "rescale_factor": 1 / 127}), "utf-8")
    with pytest.raises(ValueError, match="to scale pixels by 1/255"):
        zoo.load(tmp_path / "vit")


def test_a_saved_pipeline_and_back_is_the_same(folder, tmp_path):
    written = bert_checkpoint(folder)
    zoo.load(folder).save(tmp_path / "pipeline")
    save_checkpoint(zoo.load(tmp_path / "pipeline"), tmp_path / "again")
    for file in ("config.json", "model.safetensors", "tokenizer.json"):
        assert (folder / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
    assert_same_weights(zoo.load(tmp_path / "again").model, written.model)


# === Pairs ===


def test_what_is_no_pair_is_refused():
    pipeline = bert_pipeline()
    with pytest.raises(ValueError, match="a form for pairs"):
        pipeline([("good", "bad")])
    with pytest.raises(ValueError, match="one of type tuple"):
        pipeline([("good", "bad", "film")])


# === Refused ===

WRONG_SETTINGS = {
    "another family": ({"model_type": "gpt2"}, "model_type among .*'bert'.*model_type='gpt2'"),
    "no family": ({"model_type": None}, "model_type=None"),
    "an unknown key": ({"sliding_window": 4}, "sliding_window=4"),
    "a decoder": ({"is_decoder": True}, r"is_decoder=True \(expected False\)"),
    "relative positions": (
        {"position_embedding_type": "relative_key"},
        r"position_embedding_type='relative_key' \(expected 'absolute'\)",
    ),
    "another activation": ({"hidden_act": "silu"}, "hidden_act='silu'"),
    "several labels at once": ({"problem_type": "multi_label_classification"}, "problem_type="),
    "fewer labels": ({"id2label": {"0": "a", "1": "b"}}, "2 labels, a head of 3 classes"),
    "the same label twice": ({"id2label": {"0": "a", "1": "a", "2": "b"}}, "each class once"),
    "labels that are none": ({"id2label": [1, 2, 3]}, "each class once"),
    "another width": ({"intermediate_size": 25}, "of another shape.*intermediate"),
    "more layers": ({"num_hidden_layers": 2}, "missing tensors: encoder.layer.1"),
    "a smaller vocabulary": ({"vocab_size": 7}, "ids up to .*an embedding of 7 rows"),
}


@pytest.mark.parametrize("wrong", WRONG_SETTINGS)
def test_a_configuration_that_does_not_fit_is_refused_by_name(folder, wrong):
    changes, message = WRONG_SETTINGS[wrong]
    bert_checkpoint(folder)
    change_settings(folder, **changes)
    with pytest.raises(ValueError, match=message):
        zoo.load(folder)


def truncate(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def add_tensor(folder):
    change_tensors(folder, lambda tensors: {**tensors, "bert.adapter": np.ones(3, "float32")})


def drop_tensor(folder):
    change_tensors(folder, lambda tensors: {k: v for k, v in tensors.items() if "query" not in k})


def quantise(folder):
    change_tensors(folder, lambda tensors: {k: v.astype("int8") for k, v in tensors.items()})


def pickle(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def index_without_files(folder):
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-00001-of-00001.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def index_outside(folder):
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"a": "../model.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


DAMAGES = {
    truncate: (ValueError, "truncated or damaged"),
    add_tensor: (ValueError, "does not have: bert.adapter"),
    drop_tensor: (ValueError, "missing tensors: encoder.layer.0.attention.self.query"),
    quantise: (ValueError, "quantised"),
    pickle: (ValueError, r"pytorch_model\.bin, pickled.*safe_serialization=True"),
    index_without_files: (FileNotFoundError, "model-00001-of-00001"),
    index_outside: (ValueError, "outside its folder"),
    lambda folder: (folder / "model.safetensors").unlink(): (FileNotFoundError, "safetensors"),
    lambda folder: (folder / "config.json").unlink(): (FileNotFoundError, "config.json"),
    lambda folder: (folder / "config.json").write_text("{"): (ValueError, "to be JSON"),
    lambda folder: (folder / "tokenizer.json").unlink(): (FileNotFoundError, "vocab.txt"),
    lambda folder: (folder / "tokenizer.json").write_text("{"): (ValueError, "a tokenizer"),
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_folder_is_refused(folder, damage):
    error, message = DAMAGES[damage]
    bert_checkpoint(folder)
    damage(folder)
    with pytest.raises(error, match=message):
        zoo.load(folder)


def test_an_architecture_that_the_family_has_not_is_refused(folder):
    bert_checkpoint(folder)
    with pytest.raises(ValueError, match=r"among \['sentiment_classifier', 'sequence_tagger'\]"):
        zoo.build("graph_classifier", weights=folder)


def test_a_model_that_transformers_has_not_is_not_written(folder):
    pipeline = bert_pipeline(position="rope")
    with pytest.raises(ValueError, match=r"is no bert by .*position='rope'"):
        save_checkpoint(pipeline, folder)
    pipeline = bert_pipeline(pooling="mean")
    with pytest.raises(ValueError, match="is no bert by pooling='mean'"):
        save_checkpoint(pipeline, folder)
    assert not folder.exists()


def test_nothing_is_overwritten(folder):
    pipeline = bert_checkpoint(folder)
    with pytest.raises(FileExistsError, match=re.escape(str(folder))):
        save_checkpoint(pipeline, folder)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_a_family_reads_the_settings_that_it_writes(family):
    for architecture in family.fields:
        config = family.config({"pad_token_id": 1}, architecture)
        assert family.config(family.settings(config), architecture) == config


@pytest.mark.parametrize(
    "fields",
    [
        {"num_segments": -1},
        {"num_segments": 1.5},
        {"embedding_dim": 0},
        {"embedding_dim": "wide"},
        {"head_dropout": 1.0},
        {"head_activation": "swish"},
        {"pooler_activation": "softmax"},
    ],
    ids=str,
)
def test_a_field_out_of_its_range_is_refused(fields):
    ((name, value),) = fields.items()
    with pytest.raises(ValueError, match=rf"`{name}`.*{name}={value!r}"):
        zoo.get_config("sentiment_classifier").replace(**fields)


@pytest.mark.parametrize("name", ["sentiment_classifier", "sequence_tagger"])
def test_embeddings_of_another_size_are_projected(name):
    model = zoo.build(f"{name}/tiny", embedding_dim=8, num_segments=2, embedding_norm=True)
    assert model.get_layer("token_embedding").output.shape[-1] == 8
    assert model.get_layer("embedding_norm").output.shape[-1] == 8
    assert model.get_layer("embedding_projection").output.shape[-1] == 32
