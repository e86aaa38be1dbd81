"""Decoders against the sum over all paths, written out."""

import itertools
import math

import numpy as np
import pytest

from attnzoo.zoo.ctc_decoding import (
    BeamDecoder,
    Bigrams,
    GreedyDecoder,
    LexiconDecoder,
    align,
    log_softmax,
)
from attnzoo.zoo.symbols import BLANK, SPACE

LABELS = [BLANK, SPACE, "A", "B"]


def logits(seed, vectors=5):
    return 2 * np.random.default_rng(seed).normal(size=(vectors, len(LABELS)))


def written(path):
    """What a path spells."""
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)


def all_paths(rows):
    """Every path with its log-probability."""
    rows = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
    for path in itertools.product(range(rows.shape[1]), repeat=len(rows)):
        yield path, sum(rows[place, symbol] for place, symbol in enumerate(path))


def probabilities(rows):
    """The probability of every sequence of symbols."""
    total = {}
    for path, score in all_paths(rows):
        total[written(path)] = total.get(written(path), 0.0) + math.exp(score)
    return total


def symbols(spans):
    return tuple(span.symbol for span in spans)


def text(classes):
    return "".join(LABELS[index] for index in classes)


@pytest.mark.parametrize("seed", range(8))
def test_greedy_writes_the_best_path(seed):
    rows = logits(seed, vectors=6)
    best = max(all_paths(rows), key=lambda pair: pair[1])[0]
    assert symbols(GreedyDecoder()(rows)) == written(best)


def test_greedy_says_which_vectors_a_symbol_came_from():
    path = [0, 2, 2, 0, 2, 3, 3, 3, 0]
    spans = GreedyDecoder()(np.eye(4)[path])
    assert spans == [(2, 1, 3), (2, 4, 5), (3, 5, 8)]


@pytest.mark.parametrize("decoder", [GreedyDecoder(), BeamDecoder(), LexiconDecoder("A", LABELS)])
def test_nothing_is_heard_in_no_vectors_and_in_blanks(decoder):
    assert decoder(np.zeros((0, 4))) == []
    assert decoder(np.eye(4)[[0, 0, 0]] * 50) == []


@pytest.mark.parametrize("seed", range(12))
def test_a_wide_beam_finds_the_most_probable_symbols(seed):
    rows = logits(seed)
    total = probabilities(rows)
    found = symbols(BeamDecoder(10**6, threshold=0)(rows))
    assert found == max(total, key=total.get)


def test_a_beam_hears_what_no_single_path_says():
    rows = np.log([[0.55, 0.05, 0.35, 0.05], [0.55, 0.05, 0.35, 0.05]])
    assert GreedyDecoder()(rows) == []
    assert symbols(BeamDecoder()(rows)) == (2,)


@pytest.mark.parametrize("seed", range(12))
def test_a_lexicon_allows_its_words_only(seed):
    rows, words = logits(seed), ["A", "AB", "BA"]
    total = {
        classes: probability
        for classes, probability in probabilities(rows).items()
        if not classes or set(text(classes).split(SPACE)) <= set(words)
    }
    found = symbols(LexiconDecoder(words, LABELS, beam=10**6, threshold=0)(rows))
    assert found == max(total, key=total.get)


@pytest.mark.parametrize("seed", range(12))
def test_bigrams_weigh_the_words(seed):
    rows, words = logits(seed), ["A", "AB", "B"]
    bigrams = Bigrams(["A B", "A AB", "B"], words)

    def score(classes, probability):
        if not classes:
            return math.log(probability)
        said = [None, *text(classes).split(SPACE), Bigrams.END]
        pairs = itertools.pairwise(said)
        return math.log(probability) + 0.8 * sum(bigrams.log_probability(*p) for p in pairs)

    total = {
        classes: score(classes, probability)
        for classes, probability in probabilities(rows).items()
        if not classes or set(text(classes).split(SPACE)) <= set(words)
    }
    decoder = LexiconDecoder(words, LABELS, bigrams, 0.8, beam=10**6, threshold=0)
    assert symbols(decoder(rows)) == max(total, key=total.get)


def test_pieces_of_words_need_no_space_between():
    labels = [BLANK, "▁", "▁A", "▁B", "A", "B"]
    rows = 9 * np.eye(6)[[2, 5, 0, 3, 3]]
    assert symbols(LexiconDecoder(["AB", "B"], labels)(rows)) == (2, 5, 3)
    # B alone is a word, but A is not: the B behind it belongs to it.
    assert symbols(LexiconDecoder(["AB"], labels)(rows)) in {(2, 5), (2, 5, 2, 5)}


def test_words_that_cannot_be_spelled_are_left_out():
    assert LexiconDecoder(["A", "Ö", ""], LABELS).words == ["A"]
    with pytest.raises(ValueError, match=r"Expected words of the symbols .*Received: \['Ö'\]"):
        LexiconDecoder(["Ö"], LABELS)


def test_a_beam_of_none_is_refused():
    with pytest.raises(ValueError, match="beam=0"):
        BeamDecoder(0)


def test_bigrams_are_a_distribution():
    words = ["go", "on", "home", "never"]
    bigrams = Bigrams(["go on", "go home", "on"], words)
    for before in (None, "go", "on", "never"):
        total = sum(math.exp(bigrams.log_probability(before, w)) for w in [*words, Bigrams.END])
        assert total == pytest.approx(1.0)
    assert bigrams.log_probability("go", "on") > bigrams.log_probability("go", "never")


@pytest.mark.parametrize("seed", range(6))
def test_symbols_lie_on_the_best_path_that_spells_them(seed):
    rows = log_softmax(logits(seed, vectors=6))
    for wanted in ((2,), (2, 2), (3, 1, 2)):
        paths = [pair for pair in all_paths(rows) if written(pair[0]) == wanted]
        best, _ = max(paths, key=lambda pair: pair[1])
        runs = [(s, list(of)) for s, of in itertools.groupby(enumerate(best), lambda p: p[1])]
        expected = [(s, of[0][0], of[-1][0] + 1) for s, of in runs if s]
        assert align(rows, wanted) == expected
