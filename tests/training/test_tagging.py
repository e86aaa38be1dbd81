"""A tagger from tagged sentences to a trained pipeline."""

import numpy as np
import pytest

from attnzoo import training, zoo
from attnzoo.training.tasks.token_classification import TokenClassificationTraining


def test_every_word_of_every_sentence_is_in_a_batch_with_its_label(tagger, tagged_data):
    batches = tagger.make_batches(tagged_data.train, batch_size=7, shuffle=False)
    counted = np.zeros(len(tagged_data.label_names), int)
    for inputs, labels, weights in batches:
        assert inputs["word_starts"].shape == labels.shape == weights.shape
        np.testing.assert_array_equal(weights, inputs["word_starts"] >= 0)
        counted += np.bincount(labels[weights > 0], minlength=len(counted))
    np.testing.assert_array_equal(counted, np.bincount(tagged_data.train.flat_labels))


def test_a_sentence_of_more_tokens_than_the_longest_becomes_several_rows(tagger):
    split = training.Split(
        "train", [training.sources.Row(["Anna"] * 100, None, "")], [np.arange(100, dtype="int32")]
    )
    examples = TokenClassificationTraining().examples(tagger.preprocessor, split)
    longest = tagger.preprocessor.max_sequence_length
    assert len(examples) > 1
    assert (examples.lengths <= longest).all()
    np.testing.assert_array_equal(np.concatenate(examples.labels), np.arange(100))


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.999])
def test_a_masked_word_is_one_mask_and_keeps_its_label(tagger, tagged_data, rate):
    batches = tagger.make_batches(tagged_data.train, batch_size=1000, token_dropout=rate)
    ((inputs, _, weights),) = batches
    first = np.take_along_axis(inputs["token_ids"], np.maximum(inputs["word_starts"], 0), axis=1)
    mask_id = tagger.preprocessor.tokenizer.token_to_id("[MASK]")
    share = (first[weights > 0] == mask_id).mean()
    words = weights.sum()
    assert abs(share - rate) < 4 * np.sqrt(0.25 / words)
    assert words == len(tagged_data.train.flat_labels)


def test_padded_words_do_not_change_the_loss(tagger, tagged_data):
    model = tagger.model
    model.compile(loss=training.SmoothedCrossentropy(0.1), weighted_metrics=["accuracy"])
    (batch,) = tagger.make_batches(tagged_data.test, batch_size=1000, shuffle=False)
    inputs, labels, weights = batch
    wrong = np.where(weights > 0, labels, 1)
    expected = model.test_on_batch(inputs, labels, weights, return_dict=True)
    received = model.test_on_batch(inputs, wrong, weights, return_dict=True)
    assert received == pytest.approx(expected)


def test_it_learns_and_answers_as_it_did_when_it_was_saved(tagged_data, tmp_path):
    history = training.fit(
        "sequence_tagger/tiny",
        tagged_data,
        training.get_recipe("demo", "token_classification", epochs=30, patience=30),
        out=tmp_path / "run",
        verbose=0,
        num_layers=1,
    )
    most_frequent = np.bincount(tagged_data.test.flat_labels).max() / len(
        tagged_data.test.flat_labels
    )
    assert training.evaluate(history.pipeline, tagged_data.test).accuracy > most_frequent + 0.2
    loaded = zoo.load(tmp_path / "run")
    sentences = ["Anna met Paris in Rome.", ["Rome", "slept"], "", []]
    assert loaded(sentences) == history.pipeline(sentences)
    assert [len(tagged.words) for tagged in loaded(sentences)] == [6, 2, 0, 0]


def test_words_of_a_text_are_answered_with_their_places(tagger):
    text = "  Anna met\tParis (Rome)."
    (tagged,) = tagger(text)
    assert [word.word for word in tagged.words] == ["Anna", "met", "Paris", "(", "Rome", ")", "."]
    assert [text[word.start : word.end] for word in tagged.words] == [w.word for w in tagged.words]


def test_a_sentence_of_five_thousand_words_is_tagged_whole(tagger):
    (tagged,) = tagger([["Anna", "slept"] * 2500])
    assert len(tagged.words) == 5000


def test_data_of_another_task_are_refused(tagged_data, toy_data):
    with pytest.raises(ValueError, match="Expected data of task 'text_classification'"):
        training.prepare("sentiment_classifier/tiny", tagged_data)
    with pytest.raises(ValueError, match="Expected data of task 'token_classification'"):
        training.prepare("sequence_tagger/tiny", toy_data)
