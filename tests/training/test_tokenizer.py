import pytest

from attnzoo import training
from attnzoo.training.tokenizer import SPECIAL_TOKENS


def test_special_tokens_come_first_and_padding_is_zero(tokenizer):
    assert [tokenizer.id_to_token(i) for i in range(5)] == list(SPECIAL_TOKENS)
    assert tokenizer.token_to_id("[PAD]") == 0


def test_a_text_is_enclosed_and_its_pieces_join_to_its_words(tokenizer):
    tokens = tokenizer.encode("A really WONDERFUL film").tokens
    assert (tokens[0], tokens[-1]) == ("[CLS]", "[SEP]")
    assert " ".join(tokens[1:-1]).replace(" ##", "") == "a really wonderful film"


def test_a_pair_has_two_segments(tokenizer):
    encoding = tokenizer.encode("a film", "a book")
    assert encoding.tokens.count("[SEP]") == 2
    first = encoding.tokens.index("[SEP]") + 1
    assert encoding.type_ids == [0] * first + [1] * (len(encoding.ids) - first)


def test_frequent_words_are_whole_in_a_large_vocabulary(toy_data):
    tokenizer = training.train_wordpiece(toy_data.train.inputs(), vocabulary_size=1000)
    assert tokenizer.encode("really wonderful").tokens == ["[CLS]", "really", "wonderful", "[SEP]"]


def test_the_vocabulary_is_no_larger_than_asked(toy_data):
    for size in (60, 90):
        tokenizer = training.train_wordpiece(toy_data.train.inputs(), vocabulary_size=size)
        assert tokenizer.get_vocab_size() == size


def test_case_and_accents_are_dropped_or_kept():
    texts = ["Été FILM", "Été FILM"]
    dropped = training.train_wordpiece(texts, vocabulary_size=60)
    kept = training.train_wordpiece(texts, vocabulary_size=60, lowercase=False)
    assert dropped.encode("été").tokens == dropped.encode("ETE").tokens
    assert "[UNK]" not in dropped.encode("Été film").tokens
    assert "[UNK]" in kept.encode("ete").tokens
    assert kept.encode("Été FILM").tokens != kept.encode("ÉTÉ FILM").tokens


def test_rare_pairs_are_not_merged():
    texts = ["abcd abcd wxyz"]
    assert "##z" in training.train_wordpiece(texts, 100, min_frequency=2).encode("wxyz").tokens
    assert "wxyz" in training.train_wordpiece(texts, 100, min_frequency=1).encode("wxyz").tokens


def test_an_unknown_character_is_an_unknown_token(tokenizer):
    assert tokenizer.encode("a 東").tokens == ["[CLS]", "a", "[UNK]", "[SEP]"]


def test_texts_are_read_once():
    texts = iter(["a fine film", "a fine day"])
    assert training.train_wordpiece(texts).get_vocab_size() > len(SPECIAL_TOKENS)
    assert next(texts, None) is None


@pytest.mark.parametrize("texts", [[], [""], ["  ", "\t"]], ids=str)
def test_texts_without_a_character_are_refused(texts):
    with pytest.raises(training.DataError, match="no character"):
        training.train_wordpiece(texts)
