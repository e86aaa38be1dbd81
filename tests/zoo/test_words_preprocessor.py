"""Sentences to words, and words to pieces that remember where each word begins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from attnzoo.zoo.words_preprocessor import WordsPreprocessor

from .pipelines import VOCABULARY, small_tokenizer


@pytest.fixture(scope="module")
def preprocessor():
    return WordsPreprocessor(small_tokenizer(), 16)


def tokens(ids):
    return " ".join(VOCABULARY[index] for index in ids)


def test_a_text_is_cut_at_spaces_and_around_punctuation(preprocessor):
    (sentence,) = preprocessor.checked(["A  good film!  (unbelievable)"])
    assert sentence.words == ["A", "good", "film", "!", "(", "unbelievable", ")"]
    text = "A  good film!  (unbelievable)"
    places = zip(sentence.starts, sentence.ends, strict=True)
    assert [text[start:end] for start, end in places] == sentence.words


def test_words_keep_their_order_and_their_places_in_the_joined_text(preprocessor):
    (sentence,) = preprocessor.checked([["good", "film", "!"]])
    assert sentence == (["good", "film", "!"], [0, 5, 10], [4, 9, 11])


def test_the_first_piece_of_each_word_is_found_again(preprocessor):
    (encoded,) = preprocessor.encode([["Unbelievable", "films", "!"]])
    assert tokens(encoded.token_ids) == "[CLS] un ##believ ##able film ##s ! [SEP]"
    assert encoded.word_starts.tolist() == [1, 4, 6]


@pytest.mark.parametrize("word", ["\u200d", "\u0301", "東" * 300, "x" * 5000, "\x00", " "])
def test_a_word_that_the_tokenizer_leaves_nothing_of_is_unknown(preprocessor, word):
    (encoded,) = preprocessor.encode([["good", word, "film"]])
    assert len(encoded.word_starts) == 3
    assert VOCABULARY[encoded.token_ids[encoded.word_starts[1]]] == "[UNK]"
    assert VOCABULARY[encoded.token_ids[encoded.word_starts[2]]] == "film"


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(st.lists(words, max_size=9), min_size=1, max_size=4))
def test_every_word_has_a_place_of_its_own(preprocessor, sentences):
    encoded = preprocessor.encode(sentences)
    batch = preprocessor.collate(encoded)
    assert batch["word_starts"].shape[1] == max(1, *map(len, sentences), 1)
    for sentence, row, mask in zip(
        sentences, batch["word_starts"], batch["padding_mask"], strict=True
    ):
        starts = row[row >= 0]
        assert len(starts) == len(sentence)
        assert (row[len(sentence) :] == -1).all()
        assert (np.diff(starts) > 0).all()
        assert mask[starts].all()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_text_is_cut_as_its_words_say(preprocessor, text):
    (sentence,) = preprocessor.checked([text])
    for word, start, end in zip(*sentence, strict=True):
        assert text[start:end] == word
        assert word.strip()
    assert sentence.starts == sorted(sentence.starts)


def test_a_cut_text_has_the_pieces_of_the_whole(preprocessor):
    text = "A good film! Unbelievable films, (good)."
    tokenizer = Tokenizer.from_str(small_tokenizer().to_str())
    (encoded,) = preprocessor.encode([text])
    assert encoded.token_ids.tolist() == tokenizer.encode(text).ids


def test_a_long_sentence_is_never_cut_off(preprocessor):
    sentence = ["good", "films"] * 2500
    (encoded,) = preprocessor.encode([sentence])
    assert len(encoded.word_starts) == 5000
    assert len(encoded.token_ids) == 2 + 7500


def test_no_words_are_a_sentence_too(preprocessor):
    batch = preprocessor.collate(preprocessor.encode([[], ["good"]]))
    assert batch["word_starts"].tolist() == [[-1], [1]]
    assert batch["padding_mask"].tolist() == [[True, True, False], [True, True, True]]


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        (None, "a sentence, or a list of its words.*NoneType"),
        (b"good film", "a sentence, or a list of its words.*bytes"),
        (["good", 3], "every input to be a string.*int"),
        (["good", ""], "every word of a sentence to have a character"),
        (["good", "\ud800"], "half a surrogate pair"),
        ("good \ud800", "half a surrogate pair"),
    ],
)
def test_what_is_no_sentence_is_refused(preprocessor, sentence, message):
    with pytest.raises(ValueError, match=message):
        preprocessor.encode([sentence])


def test_it_is_saved_and_loaded(preprocessor, tmp_path):
    preprocessor.save(tmp_path)
    loaded = WordsPreprocessor.load(tmp_path, 16)
    (expected,), (received,) = preprocessor.encode(["A film!"]), loaded.encode(["A film!"])
    np.testing.assert_array_equal(received.token_ids, expected.token_ids)
    np.testing.assert_array_equal(received.word_starts, expected.word_starts)
