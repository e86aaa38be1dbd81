import numpy as np
import pytest
from tokenizers import Tokenizer, models

from attnzoo.training import SubwordDropout, TokenDropout
from attnzoo.training.text_augmentation import compose
from attnzoo.training.tokenizer import SPECIAL_TOKENS


@pytest.fixture(scope="module")
def encoded(tokenizer, toy_data):
    return [np.array(e.ids, "int32") for e in tokenizer.encode_batch(list(toy_data.train.inputs()))]


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def joined(tokenizer, ids):
    """The text that pieces spell."""
    return " ".join(tokenizer.id_to_token(index) for index in ids).replace(" ##", "")


def pieces_without(tokenizer, token):
    """Maximal matching by the tokenizers library, with one entry of the vocabulary removed.

    The library cuts words only, so a piece from inside a word gets a first piece of its own.
    """
    vocabulary = tokenizer.get_vocab()
    del vocabulary[token]
    start = "\u2603"
    vocabulary[start] = max(vocabulary.values()) + 1
    word = token if not token.startswith("##") else start + token.removeprefix("##")
    model = models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=1000)
    tokens = Tokenizer(model).encode(word).tokens
    return [piece for piece in tokens if piece != start]


def test_each_piece_is_cut_as_if_it_were_not_in_the_vocabulary(tokenizer, generator):
    augmentation = SubwordDropout(tokenizer, rate=1.0)
    cut = 0
    for token, index in tokenizer.get_vocab().items():
        (ids,) = augmentation([np.array([index], "int32")], generator)
        pieces = [tokenizer.id_to_token(i) for i in ids]
        expected = [token] if token in SPECIAL_TOKENS else pieces_without(tokenizer, token)
        # What could not be spelt otherwise, such as a single character, stays.
        assert pieces == ([token] if "[UNK]" in expected else expected)
        cut += len(pieces) > 1
    assert cut > 30


def test_the_rest_of_a_cut_piece_may_use_any_entry(generator):
    vocabulary = {token: i for i, token in enumerate([*SPECIAL_TOKENS, "a", "aa", "##a", "##aa"])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.add_tokens(["aaaaa"])
    augmentation = SubwordDropout(tokenizer, rate=1.0)
    (ids,) = augmentation([np.array([tokenizer.token_to_id("aaaaa")])], generator)
    assert [tokenizer.id_to_token(i) for i in ids] == ["aa", "##aa", "##a"]


def test_cut_pieces_join_to_the_same_text(tokenizer, encoded, generator):
    augmented = SubwordDropout(tokenizer, rate=0.5)(encoded, generator)
    assert sum(map(len, augmented)) > sum(map(len, encoded))
    for ids, original in zip(augmented, encoded, strict=True):
        assert ids.dtype == "int32"
        assert joined(tokenizer, ids) == joined(tokenizer, original)


def test_pieces_are_cut_at_the_rate_that_is_asked_for(tokenizer, generator):
    longest = max(set(tokenizer.get_vocab()) - set(SPECIAL_TOKENS), key=len)
    rows = [np.full(100, tokenizer.token_to_id(longest), "int32")] * 100
    pieces = len(pieces_without(tokenizer, longest))
    augmented = SubwordDropout(tokenizer, rate=0.2)(rows, generator)
    cut = (sum(map(len, augmented)) - 10_000) / (pieces - 1)
    assert abs(cut - 2000) < 4 * np.sqrt(10_000 * 0.2 * 0.8)


def test_a_rate_of_zero_changes_nothing(tokenizer, encoded, generator):
    for augmentation in (SubwordDropout(tokenizer, 0.0), TokenDropout(tokenizer, 0.0)):
        for ids, original in zip(augmentation(encoded, generator), encoded, strict=True):
            np.testing.assert_array_equal(ids, original)


def test_the_rows_that_are_given_are_not_changed(tokenizer, encoded, generator):
    before = [ids.copy() for ids in encoded]
    SubwordDropout(tokenizer, 0.9)(encoded, generator)
    TokenDropout(tokenizer, 0.9)(encoded, generator)
    for ids, original in zip(encoded, before, strict=True):
        np.testing.assert_array_equal(ids, original)


def test_tokens_are_masked_at_the_rate_and_special_ones_stay(tokenizer, generator):
    special = [tokenizer.token_to_id(token) for token in SPECIAL_TOKENS]
    rows = [np.array([*special, *range(5, 55)], "int32")] * 200
    augmented = np.stack(TokenDropout(tokenizer, rate=0.3)(rows, generator))
    assert augmented.dtype == "int32"
    np.testing.assert_array_equal(augmented[:, :5], np.stack(rows)[:, :5])
    masked = augmented[:, 5:] == tokenizer.token_to_id("[MASK]")
    assert abs(masked.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / masked.size)
    np.testing.assert_array_equal(augmented[:, 5:][~masked], np.stack(rows)[:, 5:][~masked])


@pytest.mark.parametrize("kind", [SubwordDropout, TokenDropout])
def test_the_generator_decides(tokenizer, encoded, kind):
    augmentation = kind(tokenizer, 0.5)
    first, same, other = (
        np.concatenate(augmentation(encoded, np.random.default_rng(seed))) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_a_row_that_grew_is_cut_before_its_last_token(generator):
    def grow(encoded, generator):
        return [np.repeat(ids, 2) for ids in encoded]

    def increase(encoded, generator):
        return [ids + 1 for ids in encoded]

    augment = compose([grow, increase], max_length=5)
    rows = augment([np.array([1, 2, 3, 4]), np.array([1, 9])], generator)
    assert [row.tolist() for row in rows] == [[2, 2, 3, 3, 5], [2, 2, 10, 10]]


def test_without_augmentations_there_is_nothing_to_compose():
    assert compose([], 5) is None
