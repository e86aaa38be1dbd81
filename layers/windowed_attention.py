"""The formula of attention within reach: every query sees the keys around it, in linear time."""

import keras
from keras import ops

from .attention import Attention
from .blocks import Blocks
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

    Args:
        window: `(left, right)`, how many positions before and after itself a query sees.
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
        _check(window, window_style, global_tokens, causal)
        self.window = tuple(window)
        self.window_style = window_style
        self.global_tokens = global_tokens
        left, right = window
        chunk = right + 1 if window_style == "chunked_limited" else None
        self._blocks = Blocks(left, right, chunk)

    def call(
        self,
        query,
        key,
        value,
        padding_mask=None,
        attention_mask=None,
        return_attention_scores=False,
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
        weights, columns = self._block_weights(query, key, padding_mask, training)
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

    def _block_weights(self, query, key, padding_mask, training):
        """Weights of each block's window and of the global tokens, normalised together.

        Returns:
            `(batch, heads, blocks, block, span)`, and `(batch, heads, blocks, block, tokens)` or
            None if there are no global tokens.
        """
        query, key = self._rotate(query, key)
        mask = self._window_mask(ops.shape(query)[2], padding_mask)
        query, windows = self._blocks.blocks(query), self._blocks.windows(key)
        scores = self._scores(query, windows, self._blocks.offsets)
        if not self.global_tokens:
            return self._normalize(scores, mask, training), None
        columns, columns_mask = self._global_columns(query, key, padding_mask)
        scores = ops.concatenate([scores, columns], axis=-1)
        mask = ops.concatenate([mask, columns_mask], axis=-1)
        weights = self._normalize(scores, mask, training)
        return weights[..., : self._blocks.span], weights[..., self._blocks.span :]

    def _window_mask(self, length, padding_mask):
        """Which query sees which key of its window, `(batch or 1, 1, blocks, block, span)`."""
        position = self._blocks.key_positions(length)
        # Global tokens are seen beside the windows, so that none counts twice.
        real = ops.logical_and(position >= self.global_tokens, position < length)[None, None]
        if padding_mask is not None:
            windows = self._blocks.windows(padding_mask[:, None, :, None])
            real = ops.logical_and(real, windows[..., 0])
        return ops.logical_and(real[..., None, :], self._blocks.visible)

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

    def compute_output_spec(
        self,
        query,
        key,
        value,
        padding_mask=None,
        attention_mask=None,
        return_attention_scores=False,
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


def _check(window, window_style, global_tokens, causal):
    if window_style not in _STYLES:
        raise ValueError(
            "Received an invalid value for argument `window_style`, expected one of "
            f"{list(_STYLES)}. Received: window_style={window_style!r}"
        )
    if (
        not isinstance(window, tuple | list)
        or len(window) != 2
        or not all(is_count(reach) for reach in window)
    ):
        raise ValueError(
            "Received an invalid value for argument `window`, expected a pair of non-negative "
            f"integers (left, right). Received: window={window!r}"
        )
    check_not_negative(global_tokens=global_tokens)
    if causal and window_style == "chunked_limited":
        raise ValueError(
            "Expected `causal=False` with `window_style='chunked_limited'`, where a query sees its "
            "whole chunk; use the style 'regular'. Received: causal=True"
        )
    if causal and window[1]:
        raise ValueError(
            "Expected a window that does not look ahead with `causal=True`; use "
            f"window=({window[0]}, 0). Received: window={tuple(window)}"
        )
