"""The formula of attention within reach: every query sees the keys around it, in linear time."""

import math

import keras
import numpy as np
from keras import ops

from . import positions
from .attention import Attention
from .blocks import Blocks, within_reach
from .checks import check_not_negative, is_count

_STYLES = ("regular", "chunked_limited")


@keras.saving.register_keras_serializable("attnzoo")
class WindowedAttention(Attention):
    """Lets each query see only the keys within its window: truncated, local, sliding attention.

    The formula is `Attention`'s. With `window=(left, right)`, a query at position `t` sees

    - `"regular"`: keys `t - left` to `t + right`;
    - `"chunked_limited"`: its own chunk, where chunks are `right + 1` positions long and begin at
      position 0, and the `left` positions before the *chunk*. Stacked layers look ahead no further
      than the end of the chunk. (NeMo's style of this name, but `left` need not be a multiple of
      the chunk.)

    The first `global_tokens` positions are beyond windows: they see all and are seen by all, with
    the same projections; each key still counts once. Sequences are computed in `Blocks`, forward
    and backward in time and memory proportional to `length * (left + right + block)`.

    Of several windows each call uses one, which `window_index` says: a model that has seen all of
    them in training may later be used with any. The time is that of the widest.

    A stream is attended to by `initial_state` and `step`, a few positions at a time.

    Args:
        window: `(left, right)`, how many positions before and after itself a query sees; or several
            such pairs.
        window_style: `"regular"` or `"chunked_limited"`. Defaults to `"regular"`.
        global_tokens: Number of first positions that see all and are seen by all. Defaults to 0.
        score: See `Attention`. Defaults to `"dot"`.
        normalizer: See `Attention`. Defaults to `"softmax"`.
        position: See `Attention`. Defaults to None.
        causal: Whether a query sees only its own key and earlier ones, which a window with
            `right=0` says already; global tokens become causal too. Defaults to False.
        dropout: See `Attention`. Defaults to 0.0.

    Call arguments:
        query: `(batch, heads, length, key_dim)`.
        key: `(batch, heads, length, key_dim)`.
        value: `(batch, heads, length, value_dim)`.
        padding_mask: `(batch, length)`, True = real. Defaults to None (all real).
        attention_mask: Not supported: a mask of all pairs costs what the window saves.
        return_attention_scores: Whether to return the weights too, which takes the memory of all
            pairs. Defaults to False.
        window_index: Which of several windows to use, an integer scalar. Defaults to None (the
            first).
        training: Whether to drop weights. Defaults to None (Keras decides).

    Returns:
        The outputs `(batch, heads, length, value_dim)`, and the weights
        `(batch, heads, query, key)`, zero outside the window, or None if they are not asked for.

    Raises:
        ValueError: If an argument is out of range, `causal=True` with a window that looks ahead, or
            an `attention_mask` is given.

    Example:
    >>> import numpy as np
    >>> states = np.ones((1, 1, 5, 8), "float32")
    >>> layer = WindowedAttention(window=(1, 1))
    >>> _, weights = layer(states, states, states, return_attention_scores=True)
    >>> np.asarray(weights[0, 0], "float64").round(2).tolist()[:3]
    [[0.5, 0.5, 0.0, 0.0, 0.0], [0.33, 0.33, 0.33, 0.0, 0.0], [0.0, 0.33, 0.33, 0.33, 0.0]]

    References:
        Beltagy et al., 2020, "Longformer: the long-document Transformer", section 3 (windows and
        global tokens; there with projections of their own).
        Noroozi et al., 2024, "Stateful Conformer with cache-based inference for streaming automatic
        speech recognition", section 2 (regular and chunk-aware look-ahead).
    """

    def __init__(
        self,
        window,
        window_style="regular",
        global_tokens=0,
        score="dot",
        normalizer="softmax",
        position=None,
        causal=False,
        dropout=0.0,
        **kwargs,
    ):
        super().__init__(score, normalizer, position, causal, dropout, **kwargs)
        self.windows = _as_pairs(window)
        _check(self.windows, window_style, global_tokens, causal)
        self.window = self.windows if _are_several(window) else self.windows[0]
        self.window_style = window_style
        self.global_tokens = global_tokens
        lefts, rights = zip(*self.windows, strict=True)
        chunks = [self._chunk(right) for right in rights]
        chunk = None if chunks[0] is None else math.lcm(*chunks)
        self._blocks = Blocks(max(lefts), max(rights), chunk)
        # Which keys each query sees, (windows, block, span).
        self._visible = np.stack(
            [self._blocks.visible(left, right, self._chunk(right)) for left, right in self.windows]
        )

    def _chunk(self, right):
        """Length of the chunks that end so far after their first position, if there are any."""
        return right + 1 if self.window_style == "chunked_limited" else None

    def call(
        self,
        query,
        key,
        value,
        padding_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        window_index=None,
        training=None,
    ):
        """Returns the weighted values, and the weights on request."""
        if attention_mask is not None:
            raise ValueError(
                "Expected no `attention_mask` with a `window`: a mask of all pairs costs what the "
                "window saves. Pass `padding_mask`, or give the whole pattern as `attention_mask` "
                f"to a layer without a window. Received: window={self.window}, "
                f"attention_mask of shape {tuple(attention_mask.shape)}"
            )
        if padding_mask is not None:
            padding_mask = ops.cast(padding_mask, "bool")
        length, first = ops.shape(query)[2], self.global_tokens
        visible = self._visible[0]
        if window_index is not None:
            visible = ops.take(ops.convert_to_tensor(self._visible), window_index, axis=0)
        weights, columns = self._block_weights(query, key, padding_mask, visible, training)
        outputs = ops.matmul(weights, self._blocks.windows(value))
        outputs = self._blocks.join(outputs, length)
        pairs = self._blocks.dense(weights, length) if return_attention_scores else None
        if not first:
            return outputs, pairs
        columns = self._blocks.join(columns, length)
        outputs = outputs + ops.matmul(columns, value[:, :, :first])
        # The global tokens' own queries see all keys: they are ordinary attention.
        global_outputs, rows = super().call(
            query[:, :, :first], key, value, padding_mask=padding_mask, training=training
        )
        outputs = ops.concatenate([global_outputs, outputs[:, :, first:]], axis=2)
        if return_attention_scores:
            pairs = ops.concatenate([columns, pairs[..., first:]], axis=3)
            pairs = ops.concatenate([rows, pairs[:, :, first:]], axis=2)
        return outputs, pairs

    def _block_weights(self, query, key, padding_mask, visible, training):
        """Weights of each block's window and of the global tokens, normalised together.

        Returns:
            `(batch, heads, blocks, block, span)`, and `(batch, heads, blocks, block, tokens)` or
            None if there are no global tokens.
        """
        query, key = self._rotate(query, key)
        mask = self._window_mask(ops.shape(query)[2], padding_mask, visible)
        query, windows = self._blocks.blocks(query), self._blocks.windows(key)
        scores = self._scores(query, windows, self._blocks.offsets)
        if not self.global_tokens:
            return self._normalize(scores, mask, training), None
        columns, columns_mask = self._global_columns(query, key, padding_mask)
        scores = ops.concatenate([scores, columns], axis=-1)
        mask = ops.concatenate([mask, columns_mask], axis=-1)
        weights = self._normalize(scores, mask, training)
        return weights[..., : self._blocks.span], weights[..., self._blocks.span :]

    def _window_mask(self, length, padding_mask, visible):
        """Which query sees which key of its window, `(batch or 1, 1, blocks, block, span)`."""
        position = self._blocks.key_positions(length)
        # Global tokens are seen beside the windows, so that none counts twice.
        real = ops.logical_and(position >= self.global_tokens, position < length)[None, None]
        if padding_mask is not None:
            windows = self._blocks.windows(padding_mask[:, None, :, None])
            real = ops.logical_and(real, windows[..., 0])
        return ops.logical_and(real[..., None, :], visible)

    def _global_columns(self, query_blocks, key, padding_mask):
        """Scores of all queries against the global tokens, and which may be attended.

        Returns:
            Scores `(batch, heads, blocks, block, tokens)`, with fewer tokens than `global_tokens`
            if the sequence is shorter; and a mask of that shape with one head, and one sequence if
            there is no padding.
        """
        key = key[:, :, : self.global_tokens]
        _, heads, count, block, key_dim = ops.shape(query_blocks)
        queries = ops.reshape(query_blocks, (-1, heads, count * block, key_dim))
        position = ops.arange(count * block, dtype="int32")[:, None]
        tokens = ops.shape(key)[2]
        offsets = ops.arange(tokens, dtype="int32") - position
        scores = self._scores(queries, key, offsets)
        mask = (offsets <= (0 if self.causal else tokens))[None, None]
        if padding_mask is not None:
            real = padding_mask[:, None, None, : self.global_tokens]
            mask = ops.logical_and(mask, real)
        return tuple(
            ops.reshape(columns, (-1, columns.shape[1], count, block, tokens))
            for columns in (scores, mask)
        )

    @property
    def lookahead(self):
        """Positions by which `step` lags behind: what a query waits for before it is answered."""
        return 0 if self.window_style == "chunked_limited" else self.windows[0][1]

    def initial_state(self, batch_size, num_heads, key_dim, value_dim):
        """Returns the state before the first position: what `step` takes first.

        Args:
            batch_size: Number of sequences that go in step.
            num_heads: Number of heads.
            key_dim: Size of queries and keys.
            value_dim: Size of values.

        Returns:
            Dict of zeros: `key` and `value` of the positions that are still to be seen and `mask`,
            whether they are real; `query` of those that are not answered yet, if any.

        Raises:
            ValueError: If there are global tokens, which see all that is to come.
        """
        if self.global_tokens:
            raise ValueError(
                "Expected no global tokens in a stream, as they see all that is to come. "
                f"Received: global_tokens={self.global_tokens}"
            )
        kept_positions = self.windows[0][0] + self.lookahead

        def zeros(length, size):
            return ops.zeros((batch_size, num_heads, length, size), self.compute_dtype)

        state = {
            "key": zeros(kept_positions, key_dim),
            "mask": ops.zeros((batch_size, kept_positions), "bool"),
            "value": zeros(kept_positions, value_dim),
        }
        return {**state, "query": zeros(self.lookahead, key_dim)} if self.lookahead else state

    def step(self, query, key, value, state, padding_mask):
        """Attends for as many positions as come in, `lookahead` positions before these.

        The first of several windows is used.

        Args:
            query: Queries of the next positions, `(batch, heads, length, key_dim)`; with chunks,
                whole ones.
            key: Their keys `(batch, heads, length, key_dim)`.
            value: Their values `(batch, heads, length, value_dim)`.
            state: What `initial_state` or the last `step` returned.
            padding_mask: `(batch, length)`, True = real.

        Returns:
            The outputs `(batch, heads, length, value_dim)`, whether the positions that they are of
            are real, `(batch, length)`, and the new state.

        Raises:
            ValueError: If chunks are not whole.
        """
        (left, right), length = self.windows[0], query.shape[2]
        chunk = self._chunk(right)
        if chunk is not None and length % chunk:
            raise ValueError(
                f"Expected whole chunks of {chunk} positions in a step, as this attention sees "
                f"them. Received: {length} positions"
            )
        key = ops.concatenate([state["key"], key], axis=2)
        value = ops.concatenate([state["value"], value], axis=2)
        mask = ops.concatenate([state["mask"], ops.cast(padding_mask, "bool")], axis=1)
        after = {"key": key[:, :, length:], "mask": mask[:, length:], "value": value[:, :, length:]}
        if self.lookahead:
            query = ops.concatenate([state["query"], query], axis=2)
            query, after["query"] = query[:, :, :length], query[:, :, length:]
        # From here on positions are counted from the first query.
        queries, keys = np.arange(length), np.arange(key.shape[2]) - left
        if isinstance(self.position_layer, positions.RotaryPosition):
            key = self.position_layer(key)
            query = self.position_layer(query, start_index=left)
        visible = within_reach(queries, keys, left, right, chunk)
        seen = ops.logical_and(mask[:, None, None, :], visible)
        weights = self._weights(query, key, keys - queries[:, None], seen, training=False)
        return ops.matmul(weights, value), mask[:, left : left + length], after

    def compute_output_spec(
        self,
        query,
        key,
        value,
        padding_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        window_index=None,
        training=None,
    ):
        """Symbolic outputs and weights."""
        if not return_attention_scores:
            raise ValueError(
                "Expected `return_attention_scores=True` where the layer is a part of a Functional "
                "model by itself, as it would give None for the weights otherwise; or use "
                "`MultiHeadSelfAttention(window=...)`."
            )
        shapes = self.compute_output_shape(query.shape, key.shape, value.shape)
        return tuple(keras.KerasTensor(shape, dtype=self.compute_dtype) for shape in shapes)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "window": self.window,
            "window_style": self.window_style,
            "global_tokens": self.global_tokens,
        }


def _are_several(window):
    """Whether an argument is several windows, and not the two numbers of one."""
    return bool(window) and isinstance(window, list | tuple) and isinstance(window[0], list | tuple)


def _as_pairs(window):
    """Returns one window, or several, as a tuple of windows."""
    windows = window if _are_several(window) else (window,)
    for pair in windows:
        if (
            not isinstance(pair, tuple | list)
            or len(pair) != 2
            or not all(is_count(reach) for reach in pair)
        ):
            raise ValueError(
                "Received an invalid value for argument `window`, expected a pair of non-negative "
                f"integers (left, right), or several such pairs. Received: window={window!r}"
            )
    return tuple(map(tuple, windows))


def _check(windows, window_style, global_tokens, causal):
    if window_style not in _STYLES:
        raise ValueError(
            "Received an invalid value for argument `window_style`, expected one of "
            f"{list(_STYLES)}. Received: window_style={window_style!r}"
        )
    check_not_negative(global_tokens=global_tokens)
    if causal and window_style == "chunked_limited":
        raise ValueError(
            "Expected `causal=False` with `window_style='chunked_limited'`, where a query sees its "
            "whole chunk; use the style 'regular'. Received: causal=True"
        )
    for left, right in windows:
        if causal and right:
            raise ValueError(
                "Expected a window that does not look ahead with `causal=True`; use "
                f"window=({left}, 0). Received: window={(left, right)}"
            )
