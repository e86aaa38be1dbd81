from pathlib import Path

import numpy as np
import pytest

from attnzoo.training import token_store
from attnzoo.training.token_store import TokenStore
from attnzoo.zoo.text_preprocessor import TextPreprocessor


class WithoutSpecialTokens:
    """Encodes a text as its code points, so that an empty text has no token."""

    def encode(self, texts):
        return [np.array([ord(character) for character in text], "int32") for text in texts]


TEXTS = ["a good film", "", "x", "so bad that it is good again", ""]


def assert_rows(rows, expected):
    assert len(rows) == len(expected)
    for ids, reference in zip(rows, expected, strict=True):
        assert ids.dtype == "int32"
        np.testing.assert_array_equal(ids, reference)


@pytest.mark.parametrize("at_once", [1, 2, 5, 10_000])
def test_it_holds_what_direct_encoding_gives(tokenizer, monkeypatch, at_once):
    monkeypatch.setattr(token_store, "_TEXTS_AT_ONCE", at_once)
    for preprocessor in (TextPreprocessor(tokenizer, 16), WithoutSpecialTokens()):
        expected = preprocessor.encode(TEXTS)
        store = TokenStore(preprocessor, iter(TEXTS))
        assert len(store) == 5
        np.testing.assert_array_equal(store.lengths, [len(ids) for ids in expected])
        for rows in ([0, 1, 2, 3, 4], [3, 0, 3], [1], []):
            assert_rows(store[np.array(rows, int)], [expected[row] for row in rows])


@pytest.mark.parametrize("texts", [[], ["", ""]], ids=["no text", "empty texts"])
def test_it_may_hold_no_token_at_all(texts):
    store = TokenStore(WithoutSpecialTokens(), texts)
    assert store.lengths.tolist() == [0] * len(texts)
    assert_rows(store[np.arange(len(texts))], [[]] * len(texts))


def test_its_file_goes_with_it():
    store = TokenStore(WithoutSpecialTokens(), TEXTS)
    folder = Path(store._folder.name)
    assert [path.stat().st_size for path in folder.iterdir()] == [4 * store.lengths.sum()]
    del store
    assert not folder.exists()


def test_texts_are_encoded_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr(token_store, "_TEXTS_AT_ONCE", 10)
    counts = []

    class Counting(WithoutSpecialTokens):
        def encode(self, texts):
            counts.append(len(texts))
            return super().encode(texts)

    TokenStore(Counting(), ("text" for _ in range(25)))
    assert counts == [10, 10, 5]
