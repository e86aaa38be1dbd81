import keras
import numpy as np
import pytest

from attnzoo import training, zoo

from .runs import new_pipeline
from .toy_data import toy_reviews, write_rows


@pytest.fixture(scope="module")
def pipeline(toy_data):
    return new_pipeline(toy_data, "sentiment_classifier/tiny", num_layers=1)


@pytest.fixture
def other_data(tmp_path):
    """Reviews of three labels, none of them those of the toy reviews."""
    rows = [(text, ("awful", "fair", "fine")[i % 3]) for i, (text, _) in enumerate(toy_reviews(30))]
    return training.load_data(write_rows(tmp_path / "a.tsv", rows), verbose=False)


def test_the_vocabulary_and_the_labels_are_those_of_the_data(pipeline, toy_data):
    assert pipeline.labels == ["bad", "good"]
    assert pipeline.config.num_classes == 2
    assert pipeline.config.vocabulary_size == pipeline.preprocessor.tokenizer.get_vocab_size()
    for ids in pipeline.preprocessor.encode(toy_data.train.inputs()):
        assert pipeline.preprocessor.tokenizer.token_to_id("[UNK]") not in ids


def test_no_embedding_is_made_for_nothing(toy_data):
    pipeline = training.prepare("sentiment_classifier/tiny", toy_data)
    size = pipeline.preprocessor.tokenizer.get_vocab_size()
    assert size < zoo.get_config("sentiment_classifier/tiny").vocabulary_size
    assert pipeline.config.vocabulary_size == size


def test_overrides_reach_the_configuration(toy_data):
    pipeline = training.prepare(
        "sentiment_classifier/tiny", toy_data, hidden_dim=16, dtype="mixed_bfloat16"
    )
    assert pipeline.config.hidden_dim == 16
    assert "mixed_bfloat16" in {layer.dtype_policy.name for layer in pipeline.model.layers}
    with pytest.raises(ValueError, match="Did you mean 'hidden_dim'"):
        training.prepare("sentiment_classifier/tiny", toy_data, hiden_dim=16)


def test_a_vocabulary_can_keep_case(toy_data):
    texts = ["good", "GOOD"]
    for lowercase, same in ((True, True), (False, False)):
        pipeline = training.prepare("sentiment_classifier/tiny", toy_data, lowercase=lowercase)
        first, second = pipeline.preprocessor.encode(texts)
        assert np.array_equal(first, second) == same


def test_only_the_train_split_is_shuffled(pipeline, toy_data):
    for name in ("train", "validation", "test"):
        assert pipeline.make_batches(toy_data.split(name)).shuffle == (name == "train")
    assert not pipeline.make_batches(toy_data.train, shuffle=False).shuffle


def test_batches_hold_every_row_of_a_split(pipeline, toy_data):
    expected = sorted(ids.tolist() for ids in pipeline.preprocessor.encode(toy_data.train.inputs()))
    rows = [
        ids[mask].tolist()
        for inputs, _ in pipeline.batches(toy_data.train, batch_size=7).as_numpy_iterator()
        for ids, mask in zip(inputs["token_ids"], inputs["padding_mask"], strict=True)
    ]
    assert sorted(rows) == expected


def test_dropouts_of_a_recipe_change_the_tokens_of_each_epoch(pipeline, toy_data):
    batches = pipeline.make_batches(
        toy_data.train, shuffle=False, batch_size=60, subword_dropout=0.5, token_dropout=0.2
    )
    first, second = (next(iter(batches))[0]["token_ids"] for _ in range(2))
    assert not np.array_equal(first, second)
    assert (first == pipeline.preprocessor.tokenizer.token_to_id("[MASK]")).any()


def test_plain_keras_trains_a_prepared_pipeline(small_architecture, toy_data):
    pipeline = new_pipeline(toy_data)
    pipeline.model.compile(
        keras.optimizers.Adam(0.05),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    pipeline.model.fit(pipeline.batches(toy_data.train, batch_size=8), epochs=5, verbose=0)
    _, accuracy = pipeline.model.evaluate(pipeline.batches(toy_data.test), verbose=0)
    assert accuracy > 0.9
    assert training.evaluate(pipeline, toy_data.test).accuracy == pytest.approx(accuracy)


def test_a_loaded_pipeline_keeps_its_tokenizer_and_weights(pipeline, toy_data):
    again = training.prepare(pipeline, toy_data)
    assert again.model is not pipeline.model
    assert again.preprocessor.tokenizer.to_str() == pipeline.preprocessor.tokenizer.to_str()
    for weight, expected in zip(again.model.weights, pipeline.model.weights, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_other_labels_get_a_new_head(pipeline, other_data):
    again = training.prepare(pipeline, other_data)
    assert again.labels == ["awful", "fair", "fine"]
    assert again.config == pipeline.config.replace(num_classes=3)
    for weight, expected in zip(again.model.weights, pipeline.model.weights, strict=True):
        if weight.path.startswith("logits"):
            assert weight.shape[-1] == 3
        else:
            np.testing.assert_array_equal(weight, expected)


def test_an_override_against_a_loaded_pipeline_is_refused(pipeline, toy_data):
    with pytest.raises(ValueError, match="conflict with the checkpoint"):
        training.prepare(pipeline, toy_data, hidden_dim=64)
    assert training.prepare(pipeline, toy_data, dropout=0.3).config.dropout == 0.3


@pytest.mark.parametrize("loaded", [True, False], ids=["pipeline", "name"])
def test_data_of_another_task_are_refused(pipeline, toy_data, loaded):
    data = training.Data("mine", "juggling", ["a", "b"], toy_data.train, toy_data.validation)
    with pytest.raises(ValueError, match=r"data of task 'text_classification'.*task='juggling'"):
        training.prepare(pipeline if loaded else "sentiment_classifier/tiny", data)
