"""From the logits of CTC to symbols: the best path, a beam, or the words of a lexicon."""

from typing import NamedTuple

import numpy as np


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
