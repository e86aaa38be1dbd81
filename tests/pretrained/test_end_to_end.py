"""What goes for every model goes for a checkpoint: trained, exported, served, converted."""

import json

import keras
import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from attnzoo import export, training, zoo
from attnzoo.cli.main import main
from attnzoo.zoo.image_preprocessor import ImagePreprocessor
from attnzoo.zoo.pretrained import save_checkpoint
from attnzoo.zoo.text_preprocessor import TextPreprocessor

from ..layer_test_case import randomize_weights
from .small_checkpoints import LABELS, bert_checkpoint, bert_pipeline

TEXTS = ["a good film", "", "very bad films!"]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "bert"


def assert_same_predictions(received, expected):
    assert [p.label for p in received] == [p.label for p in expected]
    np.testing.assert_allclose(
        [p.probability for p in received], [p.probability for p in expected], atol=1e-5
    )


def run(capsys, *arguments):
    """The JSON that a verb prints."""
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", ["sentiment_classifier", "sequence_tagger"])
def test_a_checkpoint_is_exported_to_both_formats(folder, tmp_path, name):
    bert_checkpoint(folder, name, max_sequence_length=70)
    pipeline = zoo.load(folder)
    report = export.to_artefact(pipeline, tmp_path / "dist")
    assert report.passed
    for variant in ("onnx/model.onnx", "savedmodel/1"):
        predictor = export.load(tmp_path / "dist" / variant)
        if name == "sentiment_classifier":
            assert_same_predictions(predictor(TEXTS), pipeline(TEXTS))
        else:
            tags = [[word.label for word in text.words] for text in predictor(TEXTS)]
            assert tags == [[word.label for word in text.words] for text in pipeline(TEXTS)]


def with_pairs(pipeline):
    """The pipeline with a tokenizer that has a form for pairs."""
    settings = json.loads(pipeline.preprocessor.tokenizer.to_str())
    end = {"SpecialToken": {"id": "[SEP]", "type_id": 1}}
    second = [{"Sequence": {"id": "B", "type_id": 1}}, end]
    settings["post_processor"]["pair"] = [*settings["post_processor"]["single"], *second]
    tokenizer = Tokenizer.from_str(json.dumps(settings))
    preprocessor = TextPreprocessor(tokenizer, 20, num_segments=2)
    return zoo.Pipeline(pipeline.model, preprocessor, pipeline.labels)


def test_pairs_are_answered_by_the_model_and_by_its_exports(tmp_path):
    pipeline = with_pairs(bert_pipeline())
    pairs = [("a good film", "bad"), "good", ("bad", "a good film")]
    expected = pipeline(pairs)
    assert len({prediction.probability for prediction in expected}) == 3
    export.to_artefact(pipeline, tmp_path / "dist")
    for variant in ("onnx/model.onnx", "savedmodel/1"):
        assert_same_predictions(export.load(tmp_path / "dist" / variant)(pairs), expected)


def test_the_second_text_is_of_the_second_segment():
    pipeline = with_pairs(bert_pipeline())
    (encoded,) = pipeline.preprocessor.encode([("good", "bad film")])
    batch = pipeline.preprocessor.collate([encoded], length=8)
    assert batch["token_ids"].tolist() == [[2, 5, 3, 6, 7, 3, 0, 0]]
    assert batch["segment_ids"].tolist() == [[0, 0, 0, 1, 1, 1, 0, 0]]
    of_one = {**batch, "segment_ids": np.zeros((1, 8), "int32")}
    logits = [np.asarray(pipeline.model(b)) for b in (batch, of_one)]
    assert np.abs(logits[0] - logits[1]).max() > 1e-3
    del of_one["segment_ids"]
    np.testing.assert_array_equal(np.asarray(pipeline.model(of_one)), logits[1])


def test_a_tokenizer_that_is_no_wordpiece_is_left_to_the_client(tmp_path):
    pipeline = bert_pipeline(num_segments=1, pooler_activation=None, head_activation="tanh")
    vocabulary = {"<pad>": 1, "<unk>": 0, "</s>": 2, "good": 3, "bad": 4}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    preprocessor = TextPreprocessor(tokenizer, 20, num_segments=1)
    assert preprocessor.pad_id == 1
    pipeline = zoo.Pipeline(pipeline.model, preprocessor, LABELS)
    export.to_savedmodel(pipeline, tmp_path / "dist")
    assert "None takes raw inputs" in (tmp_path / "dist/README.md").read_text("utf-8")
    texts = ["good bad", "bad"]
    assert_same_predictions(export.load(tmp_path / "dist")(texts), pipeline(texts))


IMAGE_FAMILIES = {
    "vit": {},
    "deit": {"pooling": "cls_distillation", "distillation_token": True},
    "dinov2": {"pooling": "cls_mean", "layer_scale": 1.0},
}


@pytest.mark.parametrize("family", IMAGE_FAMILIES)
@pytest.mark.parametrize("num_classes", [0, 3])
def test_models_of_images_are_written_read_and_exported(folder, tmp_path, family, num_classes):
    sizes = {"hidden_dim": 8, "intermediate_dim": 16, "num_layers": 1, "num_heads": 2}
    model = zoo.build(
        *("image_classifier/tiny", None, num_classes),
        **{"image_shape": (8, 8, 3), "patch_size": 4, **sizes, **IMAGE_FAMILIES[family]},
    )
    randomize_weights(model)
    pipeline = zoo.Pipeline(model, ImagePreprocessor((8, 8, 3)), LABELS[:num_classes])
    images = list(np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), "uint8"))
    if num_classes or family != "deit":  # A backbone of DeiT's is pooled by its first token.
        assert save_checkpoint(pipeline, folder) == family
        np.testing.assert_allclose(
            zoo.load(folder).embed(images), pipeline.embed(images), atol=1e-6
        )
    assert export.to_artefact(pipeline, tmp_path / "dist").passed


def byte_level_tokenizer():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([" a good film, very bad films, a film"] * 5, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), add_prefix_space=False
    )
    return tokenizer


def metaspace_tokenizer():
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [("▁a", -1.0), ("▁good", -1.0), ("▁film", -1.0), ("s", -1.0), ("▁", -3.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


@pytest.mark.parametrize("make", [byte_level_tokenizer, metaspace_tokenizer])
def test_a_tagger_of_another_tokenizer_finds_words_and_their_pieces(folder, make):
    overrides = {"num_segments": 1, "vocabulary_size": 310}
    bert_checkpoint(folder, "sequence_tagger", **overrides)
    make().save(str(folder / "tokenizer.json"))
    tagger = zoo.load(folder)
    (tagged,) = tagger(["a good  films"])
    assert [word.word for word in tagged.words] == ["a", "good", "films"]
    assert [(word.start, word.end) for word in tagged.words] == [(0, 1), (2, 6), (8, 13)]
    tokenizer = tagger.preprocessor.tokenizer
    (encoded,) = tagger.preprocessor.encode([["a", "good", "films"]])
    assert encoded.token_ids.tolist() == tokenizer.encode("a good films").ids
    assert encoded.word_starts.tolist()[:3] == [1, 2, 3]


def test_a_backbone_learns_new_labels(folder, tmp_path, capsys):
    bert_checkpoint(folder, num_classes=0, pooling="mean", pooler_activation=None)
    data = tmp_path / "reviews.tsv"
    rows = ["text\tlabel", *("a good film\tyes", "bad films\tno") * 12]
    data.write_text("\n".join(rows) + "\n", "utf-8")
    settings = ("--set", "epochs=1", "--set", "batch_size=8")
    answer = run(capsys, "train", folder, "--data", data, "--out", tmp_path / "run", *settings)
    assert answer["out"] == str(tmp_path / "run")
    trained = zoo.load(tmp_path / "run")
    assert trained.labels == ["no", "yes"]
    assert trained.config.num_segments == 2
    assert trained.training["checkpoint"]["model_type"] == "bert"


def test_a_checkpoint_becomes_a_tagger_that_is_trained(folder, tmp_path, capsys):
    bert_checkpoint(folder)
    data = tmp_path / "tags.conll"
    data.write_text("a O\ngood B-X\nfilm O\n\nbad B-X\nfilms O\n\n" * 12, "utf-8")
    run(
        capsys,
        *("train", "sequence_tagger", "--weights", folder, "--data", data),
        *("--out", tmp_path / "run", "--set", "epochs=1", "--set", "batch_size=8"),
    )
    trained = zoo.load(tmp_path / "run")
    assert trained.labels == ["B-X", "O"]
    with pytest.raises(ValueError, match="sentences of 20 tokens at most"):
        trained(["good " * 19])


def test_plain_keras_trains_it(folder):
    bert_checkpoint(folder)
    data = training.load_data("demo", "text_classification", verbose=False)
    pipeline = training.prepare(zoo.load(folder), data)
    pipeline.model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = pipeline.model.fit(pipeline.batches(data.validation), epochs=1, verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_convert_goes_both_ways(folder, tmp_path, capsys):
    written = bert_checkpoint(folder)
    answer = run(capsys, "convert", folder, "--out", tmp_path / "ours")
    assert answer["architecture"] == "sentiment_classifier"
    assert answer["ignored"] == {}
    answer = run(capsys, "convert", tmp_path / "ours", "--out", tmp_path / "theirs")
    assert answer["model_type"] == "bert"
    assert_same_predictions(zoo.load(tmp_path / "theirs")(TEXTS), written(TEXTS))
    assert main(["convert", str(folder), "--out", str(tmp_path / "ours")]) == 1
    assert "Expected nothing at" in capsys.readouterr().err
    assert main(["convert", str(folder), "--out", str(tmp_path / "t"), "--model", "x"]) == 1
    assert main(["predict", str(folder), "a good film"]) == 0
