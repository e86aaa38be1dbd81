"""From the logits of CTC to symbols: the best path, a beam, or the words of a lexicon."""

import math
from collections import Counter
from typing import NamedTuple

import numpy as np

from .symbols import SPACE, SymbolEncoder


class Span(NamedTuple):
    """A symbol and the vectors that it was read from.

    Args:
        symbol: Index of its class.
        start: First vector.
        end: Last vector, exclusive.
    """

    symbol: int
    start: int
    end: int


def log_softmax(logits):
    """Returns log-probabilities along the last axis, in float64."""
    logits = np.asarray(logits, "float64")
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


class GreedyDecoder:
    """The best symbol of each vector, repetitions merged and blanks (class 0) left out.

    Example:
    >>> GreedyDecoder()(np.eye(3)[[1, 1, 0, 1, 2]])
    [Span(symbol=1, start=0, end=2), Span(symbol=1, start=3, end=4), Span(symbol=2, start=4, end=5)]
    """

    def __call__(self, logits):
        """Returns the `Span`s of logits `(vectors, num_classes)`."""
        best = np.asarray(logits).argmax(axis=-1)
        if not len(best):
            return []
        starts = np.flatnonzero(np.concatenate([[True], best[1:] != best[:-1]]))
        ends = np.append(starts[1:], len(best))
        return [
            Span(int(best[start]), int(start), int(end))
            for start, end in zip(starts, ends, strict=True)
            if best[start]
        ]


class GreedyStream:
    """The symbols of `GreedyDecoder`, from logits that come in chunk by chunk.

    Example:
    >>> decoder = GreedyStream()
    >>> decoder(np.eye(3)[[1, 1, 0, 1]]), decoder(np.eye(3)[[1, 2]])
    ([1, 1], [2])
    """

    def __init__(self):
        self._last = 0

    def __call__(self, logits):
        """Returns the classes of the symbols that begin in these logits `(vectors, classes)`."""
        best = np.asarray(logits).argmax(axis=-1)
        if not len(best):
            return []
        before = np.concatenate([[self._last], best[:-1]])
        self._last = int(best[-1])
        return best[(best != before) & (best != 0)].tolist()


class BeamDecoder:
    """The most probable symbols, the sum over all their paths; not those of one best path.

    Args:
        beam: Beginnings that are kept after each vector; the search is exact where there are not
            more. Defaults to 20.
        threshold: Symbols less probable than this in a vector are not tried in it. Defaults to
            1e-5.

    Raises:
        ValueError: If `beam` is not positive.

    Example:
    >>> logits = np.log([[0.6, 0.4], [0.6, 0.4]])  # `--` has 0.36; `1-`, `-1`, `11` have 0.64.
    >>> len(GreedyDecoder()(logits)), len(BeamDecoder()(logits))
    (0, 1)

    References:
        Hannun et al., 2014, "First-pass large vocabulary continuous speech recognition using
        bi-directional recurrent DNNs", algorithm 1.
    """

    def __init__(self, beam=20, threshold=1e-5):
        if beam < 1:
            raise ValueError(f"Expected `beam` to be positive. Received: beam={beam}")
        self.beam = beam
        self.threshold = threshold

    def __call__(self, logits):
        """Returns the `Span`s of logits `(vectors, num_classes)`."""
        log_probabilities = log_softmax(logits)
        symbols = self._best(log_probabilities)
        return align(log_probabilities, symbols)

    def _best(self, log_probabilities):
        """Returns the classes of the best complete beginning."""
        lowest = math.log(self.threshold) if self.threshold else -math.inf
        # Beginning -> log-probability of the paths that end in blank, and of those that do not.
        beginnings = {self._root(): (0.0, -math.inf)}
        for row in log_probabilities.tolist():
            new = {}
            for beginning, (blank, symbol) in beginnings.items():
                either = _log_add(blank, symbol)
                old = new.get(beginning, _NEVER)
                last = beginning.symbol
                new[beginning] = (
                    _log_add(old[0], either + row[0]),
                    _log_add(old[1], symbol + row[last]) if last else old[1],
                )
                for after in self._extensions(beginning, len(row)):
                    if row[after] < lowest:
                        continue
                    longer = self._longer(beginning, after)
                    old = new.get(longer, _NEVER)
                    ends = (blank if after == last else either) + row[after]
                    new[longer] = (old[0], _log_add(old[1], ends))
            ranked = sorted(new.items(), key=_rank, reverse=True)
            beginnings = dict(ranked[: self.beam])
        complete = [
            (_log_add(*ends) + language, beginning)
            for beginning, ends in beginnings.items()
            if (language := self._final(beginning)) is not None
        ]
        if not complete:  # The beam lost all that could still become whole.
            complete = [(_rank(item), item[0]) for item in beginnings.items()]
        return max(complete, key=lambda pair: pair[0])[1].symbols()

    def _root(self):
        return _Beginning(None, 0)

    def _extensions(self, beginning, num_classes):
        """Returns the symbols that may come next."""
        return range(1, num_classes)

    def _longer(self, beginning, symbol):
        """Returns the one beginning that is longer by a symbol."""
        longer = beginning.longer.get(symbol)
        if longer is None:
            longer = beginning.longer[symbol] = _Beginning(beginning, symbol)
        return longer

    def _final(self, beginning):
        """Returns the score of its words if it may end here, else None."""
        return 0.0


class LexiconDecoder(BeamDecoder):
    """The most probable words of a lexicon, spelled with the model's symbols.

    Args:
        words: The words.
        labels: The model's labels; the first is blank.
        bigrams: `Bigrams`, which say what words follow which. Defaults to None (all alike).
        language_weight: Factor on their log-probabilities. Defaults to 0.5.
        beam: As in `BeamDecoder`. Defaults to 100.
        threshold: As in `BeamDecoder`. Defaults to 1e-5.

    Raises:
        ValueError: If no word can be spelled.

    Example:
    >>> labels = ["<blank>", "▁", "A", "B"]
    >>> spans = LexiconDecoder(["AB"], labels)(np.log([[0.1, 0.1, 0.7, 0.1], [0.1, 0.1, 0.5, 0.3]]))
    >>> [labels[span.symbol] for span in spans]
    ['A', 'B']
    """

    def __init__(self, words, labels, bigrams=None, language_weight=0.5, beam=100, threshold=1e-5):
        super().__init__(beam, threshold)
        self.bigrams = bigrams
        self.language_weight = language_weight if bigrams is not None else 0.0
        encoder = SymbolEncoder(labels)
        # Pieces of words say themselves where one begins; characters need a space between.
        self._separator = None
        if all(len(label) == 1 for label in labels[1:]) and SPACE in labels:
            self._separator = labels.index(SPACE)
        self._tree = _Node()
        known = set("".join(labels[1:]))
        self.words = sorted({word for word in words if word and set(word) <= known})
        if not self.words:
            raise ValueError(
                f"Expected words of the symbols {''.join(sorted(known))!r:.200}. "
                f"Received: {list(words)[:5]}"
            )
        for word in self.words:
            node = self._tree
            for symbol in encoder(word).tolist():
                node = node.children.setdefault(symbol, _Node())
            node.word = word

    def _root(self):
        return _Beginning(None, 0, self._tree)

    def _extensions(self, beginning, num_classes):
        node = beginning.node
        if node.word is None:
            return node.children
        if self._separator is not None:
            return (*node.children, self._separator)
        return {**self._tree.children, **node.children}

    def _longer(self, beginning, symbol):
        longer = beginning.longer.get(symbol)
        if longer is None:
            node, word, language = beginning.node, beginning.word, beginning.language
            if symbol in node.children:
                node = node.children[symbol]
            else:  # A word is over.
                language += self._language(word, node.word)
                word = node.word
                node = self._tree
                if self._separator is None:
                    node = node.children[symbol]
            longer = _Beginning(beginning, symbol, node, word, language)
            beginning.longer[symbol] = longer
        return longer

    def _final(self, beginning):
        if beginning.parent is None:
            return beginning.language
        if beginning.node.word is None:
            return None
        word = beginning.node.word
        return (
            beginning.language
            + self._language(beginning.word, word)
            + self._language(word, Bigrams.END)
        )

    def _language(self, before, word):
        if not self.language_weight:
            return 0.0
        return self.language_weight * self.bigrams.log_probability(before, word)


class Bigrams:
    """Which word follows which, counted in texts; a word never seen there has a little.

    Args:
        texts: Iterable of texts.
        words: All words that may come.
        share: Share of the bigrams in the mixture with single words. Defaults to 0.7.

    Example:
    >>> bigrams = Bigrams(["go on", "go home"], ["go", "on", "home"])
    >>> bigrams.log_probability("go", "on") > bigrams.log_probability("on", "go")
    True

    References:
        Jelinek and Mercer, 1980, "Interpolated estimation of Markov source parameters from sparse
        data".
    """

    END = "</s>"

    def __init__(self, texts, words, share=0.7):
        self.share = share
        self._singles, self._pairs, self._before = Counter(), Counter(), Counter()
        for text in texts:
            before = None
            for word in (*text.split(), self.END):
                self._singles[word] += 1
                self._pairs[before, word] += 1
                self._before[before] += 1
                before = word
        self._total = self._singles.total() + len({*words, *self._singles})

    def log_probability(self, before, word):
        """Returns the log-probability of a word after another; None is the beginning."""
        single = (self._singles[word] + 1) / self._total
        seen = self._before[before]
        if not seen:
            return math.log(single)
        return math.log(self.share * self._pairs[before, word] / seen + (1 - self.share) * single)


def align(log_probabilities, symbols):
    """Returns the `Span`s of symbols on the best of the paths that spell them.

    Args:
        log_probabilities: `(vectors, num_classes)`.
        symbols: Classes, of which there must be room for all.

    References:
        Graves et al., 2006, "Connectionist temporal classification", section 4.1.
    """
    if not len(symbols):
        return []
    states = np.zeros(2 * len(symbols) + 1, "int64")
    states[1::2] = symbols
    # From the state before the last one unless that is a blank, or the same symbol.
    may_skip = np.zeros(len(states), bool)
    may_skip[2:] = (states[2:] != 0) & (states[2:] != states[:-2])
    scores = np.full(len(states), -np.inf)
    scores[:2] = log_probabilities[0, states[:2]]
    steps = np.zeros((len(log_probabilities), len(states)), "int8")
    for index, row in enumerate(log_probabilities[1:], start=1):
        one, two = np.full((2, len(states)), -np.inf)
        one[1:] = scores[:-1]
        two[2:] = np.where(may_skip[2:], scores[:-2], -np.inf)
        candidates = np.stack([scores, one, two])
        steps[index] = candidates.argmax(axis=0)
        scores = candidates.max(axis=0) + row[states]
    state = len(states) - 1 if scores[-1] >= scores[-2] else len(states) - 2
    path = np.zeros(len(log_probabilities), "int64")
    for index in range(len(path) - 1, -1, -1):
        path[index] = state
        state -= steps[index, state]
    return [
        Span(int(symbol), int(vectors[0]), int(vectors[-1]) + 1)
        for place, symbol in enumerate(symbols)
        if len(vectors := np.flatnonzero(path == 2 * place + 1))
    ]


_NEVER = (-math.inf, -math.inf)


class _Node:
    """A place in the tree of a lexicon's words."""

    __slots__ = ("children", "word")

    def __init__(self):
        self.children = {}
        self.word = None  # That ends here.


class _Beginning:
    """Symbols that were heard so far; of a lexicon also where in it, and after which word."""

    __slots__ = ("language", "longer", "node", "parent", "symbol", "word")

    def __init__(self, parent, symbol, node=None, word=None, language=0.0):
        self.parent = parent
        self.symbol = symbol
        self.node = node
        self.word = word
        self.language = language
        self.longer = {}

    def symbols(self):
        symbols, beginning = [], self
        while beginning.parent is not None:
            symbols.append(beginning.symbol)
            beginning = beginning.parent
        return symbols[::-1]


def _rank(item):
    beginning, ends = item
    return _log_add(*ends) + beginning.language


def _log_add(a, b):
    """log(exp(a) + exp(b)) of two floats; NumPy's is ten times as slow for these."""
    if a < b:
        a, b = b, a
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))
