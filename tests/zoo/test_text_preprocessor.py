import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from attnzoo.zoo.text_preprocessor import TextPreprocessor

from .pipelines import VOCABULARY, small_preprocessor, small_tokenizer


@pytest.fixture(scope="module")
def preprocessor():
    return small_preprocessor()


def tokens(ids):
    return " ".join(VOCABULARY[index] for index in ids)


def test_a_text_becomes_the_ids_of_its_pieces(preprocessor):
    encoded = preprocessor.encode(["A good film!", "Unbelievable films", ""])
    assert [tokens(ids) for ids in encoded] == [
        "[CLS] a good film ! [SEP]",
        "[CLS] un ##believ ##able film ##s [SEP]",
        "[CLS] [SEP]",
    ]
    assert all(ids.dtype == "int32" for ids in encoded)


def test_special_tokens_typed_in_a_text_are_plain_text(preprocessor):
    (ids,) = preprocessor.encode(["[CLS] good [PAD] [SEP] [MASK]"])
    assert tokens(ids) == "[CLS] [ cls ] good [ pad ] [ sep ] [ mask ] [SEP]"
    for name in ("[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]"):
        (ids,) = preprocessor.encode([f"good {name}"])
        inside = [VOCABULARY[index] for index in ids[1:-1]]
        assert not set(inside) & {"[CLS]", "[SEP]", "[PAD]", "[MASK]"}


def test_a_long_text_is_cut_and_still_ends_in_the_separator(preprocessor):
    (ids,) = preprocessor.encode(["good film " * 50])
    assert len(ids) == 16
    assert tokens(ids) == "[CLS] " + "good film " * 7 + "[SEP]"


@pytest.mark.parametrize("length", [3, 4, 40])
def test_the_cut_is_where_it_is_asked_for(length):
    (ids,) = small_preprocessor(length).encode(["good film " * 50])
    assert len(ids) == length


def test_the_tokenizer_that_is_given_is_not_changed():
    tokenizer = small_tokenizer()
    tokenizer.enable_padding(length=30)
    before = tokenizer.to_str()
    (ids,) = TextPreprocessor(tokenizer, 16).encode(["good"])
    assert tokens(ids) == "[CLS] good [SEP]", "it pads by itself, in collate"
    assert tokenizer.to_str() == before


def test_a_batch_is_padded_to_its_longest_row(preprocessor):
    batch = preprocessor.collate(preprocessor.encode(["good", "a good film"]))
    np.testing.assert_array_equal(batch["token_ids"], [[2, 5, 3, 0, 0], [2, 10, 5, 7, 3]])
    np.testing.assert_array_equal(batch["padding_mask"], [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    assert (batch["token_ids"].dtype, batch["padding_mask"].dtype) == ("int32", "bool")


def test_a_batch_is_padded_to_the_length_that_is_asked_for(preprocessor):
    batch = preprocessor.collate(preprocessor.encode(["good"]), length=6)
    np.testing.assert_array_equal(batch["token_ids"], [[2, 5, 3, 0, 0, 0]])
    np.testing.assert_array_equal(batch["padding_mask"], [[1, 1, 1, 0, 0, 0]])


def test_rows_without_a_token_are_all_padding(preprocessor):
    batch = preprocessor.collate([np.zeros(0, "int32")] * 2)
    np.testing.assert_array_equal(batch["token_ids"], [[0], [0]])
    np.testing.assert_array_equal(batch["padding_mask"], [[False], [False]])


def test_padding_uses_the_id_of_the_padding_token():
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "good": 1, "[PAD]": 2}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    preprocessor = TextPreprocessor(tokenizer, 8)
    batch = preprocessor.collate(preprocessor.encode(["good", "good good"]))
    np.testing.assert_array_equal(batch["token_ids"], [[1, 2], [1, 1]])


def test_it_comes_back_from_its_folder(preprocessor, tmp_path):
    preprocessor.save(tmp_path)
    loaded = TextPreprocessor.load(tmp_path, 16)
    texts = ["[CLS] a good film", "films " * 30, ""]
    for ids, expected in zip(loaded.encode(texts), preprocessor.encode(texts), strict=True):
        np.testing.assert_array_equal(ids, expected)


@pytest.mark.parametrize("wrong", [None, 3, b"good", ["good"], {"text": "good"}, float("nan")])
def test_what_is_not_a_string_is_refused_by_its_type(preprocessor, wrong):
    with pytest.raises(ValueError, match=rf"one of type {type(wrong).__name__}"):
        preprocessor.encode(["good", "bad", wrong, 5])


def test_texts_may_come_from_any_iterable(preprocessor):
    encoded = preprocessor.encode(text for text in ("good", "bad"))
    assert [tokens(ids) for ids in encoded] == ["[CLS] good [SEP]", "[CLS] bad [SEP]"]
