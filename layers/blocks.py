"""Blocks of queries and the windows of keys that they reach: attention in linear time."""

import math

import numpy as np
from keras import ops

from .chunks import from_chunks, number_of_chunks, pad_to_chunks, to_chunks


def within_reach(queries, keys, left, right, chunk=None):
    """Returns whether each query sees each key, NumPy booleans `(queries, keys)`.

    Args:
        queries: Positions of the queries, NumPy integers; chunks begin at position 0.
        keys: Positions of the keys.
        left: How many positions before itself (before its chunk) a query sees.
        right: How many positions after itself a query sees; unused with `chunk`.
        chunk: Length of the chunks in which queries see one another, instead of `right`. Defaults
            to None (each query has its own reach).

    Example:
    >>> within_reach(np.arange(3), np.arange(3), left=1, right=0).astype(int).tolist()
    [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    """
    queries = queries[:, None]
    if chunk is None:
        return (keys >= queries - left) & (keys <= queries + right)
    first = queries // chunk * chunk
    return (keys >= first - left) & (keys < first + chunk)


class Blocks:
    """Cuts a sequence into blocks of queries, each with one window of the keys that it reaches.

    A block of neighbouring queries shares a window, so that scores are products of matrices; which
    of the window's keys each query sees is the same in every block, and known beforehand.

    Args:
        left: How many positions before itself (before its chunk) a query sees at most.
        right: How many positions after itself a query sees at most; unused with `chunk`.
        chunk: Length of the chunks in which queries see one another, instead of `right`, or a
            multiple of it. Defaults to None (each query has its own reach).

    Attributes:
        block: Queries in a block.
        span: Keys in a block's window.
        offsets: Position of each key less that of each query, NumPy integers `(block, span)`.
    """

    def __init__(self, left, right, chunk=None):
        # Small blocks reach few keys in vain, large ones make efficient products of matrices. Of
        # 16, 32, 64 and 128 queries, measured at windows of 8 to 256 keys, these took least time.
        reach = left + (right if chunk is None else chunk)
        self.block = 16 if reach <= 16 else 32 if reach <= 64 else 64
        if chunk is not None:
            self.block = chunk * max(1, self.block // chunk)
            right = 0  # A chunk ends where its block does, or before.
        # Windows are put together of pieces: eight keys at a time copy as fast as a whole block.
        self._piece = math.gcd(self.block, 8)
        self._before, self._after = (math.ceil(n / self._piece) for n in (left, right))
        # Position of a window's first key less that of the block's first query.
        self._first = -self._before * self._piece
        self._keys = np.arange(self._first, self.block + self._after * self._piece)
        self._queries = np.arange(self.block)
        self.span = len(self._keys)
        self.offsets = self._keys - self._queries[:, None]

    def visible(self, left, right, chunk=None):
        """Which of the window's keys each query sees, see `within_reach`: `(block, span)`."""
        return within_reach(self._queries, self._keys, left, right, chunk)

    def count(self, length):
        """Number of blocks that a sequence of this length fills, the last maybe in part."""
        return number_of_chunks(length, self.block)

    def key_positions(self, length):
        """Position in the sequence of each key of each window, `(blocks, span)`.

        Those below 0, or from `length` on, are none of the sequence's: their keys are arbitrary.
        """
        first = ops.arange(self.count(length), dtype="int32") * self.block
        return first[:, None] + np.arange(self._first, self._first + self.span, dtype="int32")

    def blocks(self, states):
        """`(batch, heads, length, size)` to `(batch, heads, blocks, block, size)`, zeros added."""
        return to_chunks(states, self.block)

    def windows(self, states):
        """`(batch, heads, length, size)` to `(batch, heads, blocks, span, size)`."""
        count = self.count(ops.shape(states)[2])
        heads, size = states.shape[1], states.shape[-1]
        pieces = self.block // self._piece  # in a block
        index = ops.arange(count, dtype="int32")[:, None] * pieces + np.arange(
            -self._before, pieces + self._after, dtype="int32"
        )
        index = ops.clip(index, 0, count * pieces - 1)
        # All sequences end to end: a lookup along the first axis has the cheapest gradient.
        sequence = ops.arange(ops.shape(states)[0] * heads, dtype="int32") * (count * pieces)
        rows = ops.reshape(pad_to_chunks(states, self.block), (-1, self._piece * size))
        windows = ops.take(rows, sequence[:, None, None] + index, axis=0)
        return ops.reshape(windows, (-1, heads, count, self.span, size))

    def join(self, blocks, length):
        """`(batch, heads, blocks, block, size)` to `(batch, heads, length, size)`."""
        return from_chunks(blocks, length)

    def dense(self, weights, length):
        """Weights of windows, zero outside `visible`, as `(batch, heads, query, key)` of all pairs.

        Each block's weights belong `block` columns further right than those of the block before.
        Rows laid end to end at a distance of `row`, cut again into rows of `row - block`, lie so.
        """
        heads, count = weights.shape[1], self.count(length)
        row = count * self.block + self.span
        weights = ops.transpose(weights, (0, 1, 3, 2, 4))  # (batch, heads, block, blocks, span)
        weights = ops.pad(weights, [[0, 0]] * 4 + [[0, row - self.span]])
        weights = ops.reshape(weights, (-1, heads, self.block, count * row))
        weights = weights[..., : count * (row - self.block)]
        weights = ops.reshape(weights, (-1, heads, self.block, count, row - self.block))
        weights = weights[..., -self._first : length - self._first]
        return self.join(ops.transpose(weights, (0, 1, 3, 2, 4)), length)
