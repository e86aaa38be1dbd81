"""Transcripts become symbols and texts again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.zoo.symbols import BLANK, SPACE, SymbolEncoder, TextStream, is_ctc, symbols_of, text_of


@pytest.mark.parametrize("text", ["A", "GO ON", "a b  c", " x ", "", "é 東京"])
def test_a_text_comes_back_with_single_spaces(text):
    assert text_of(symbols_of(text)) == " ".join(text.split())
    assert " " not in symbols_of(text)


def test_labels_survive_a_file_of_lines():
    labels = [BLANK, SPACE, "A"]
    assert ("\n".join(labels) + "\n").splitlines() == labels
    assert is_ctc(labels)
    assert not is_ctc(["A", BLANK])
    assert not is_ctc([])


def test_characters_are_encoded_one_by_one():
    encode = SymbolEncoder([BLANK, SPACE, "A", "B"])
    assert encode("AB A").tolist() == [2, 3, 1, 2]


def test_pieces_are_encoded_longest_first_and_words_begin_with_a_space():
    labels = [BLANK, SPACE, "▁A", "A", "AB", "B"]
    encode = SymbolEncoder(labels)
    for text in ("AB", "AAB BA", "B"):
        assert text_of(labels[i] for i in encode(text)) == text
    assert encode("AAB").tolist() == [2, 4]


def test_a_symbol_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="Received: 'Ö' in 'AÖ'"):
        SymbolEncoder([BLANK, SPACE, "A"])("AÖ")


@given(st.lists(st.lists(st.sampled_from(["A", "B", SPACE, f"{SPACE}CD", "E "])), max_size=8))
def test_text_that_comes_in_pieces_is_the_text_of_the_whole(pieces):
    stream = TextStream()
    spelled = "".join([stream(symbols) for symbols in pieces])
    assert spelled == text_of(symbol for symbols in pieces for symbol in symbols)
