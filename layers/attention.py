"""The one formula of attention: normalizer(score(q, k) + bias, mask) @ v."""

import keras
from keras import ops

from . import normalizers, positions, scores
from .lookup import kept, serialize
from .masks import combined_mask


@keras.saving.register_keras_serializable("attnzoo")
class Attention(keras.layers.Layer):
    """Weights values by the normalised relevance of their keys to each query; has no projections.

    `MultiHeadSelfAttention` projects its input to queries, keys and values and calls this layer,
    which is where an exporter finds the whole formula in one place. Every query may attend to
    every key; `WindowedAttention` is the same formula within reach only.

    Args:
        score: Relevance of keys to queries: a name of `scores.SCORES` or a registered callable
            `f(query, key) -> scores`. Defaults to `"dot"`.
        normalizer: What makes weights of scores: a name of `normalizers.NORMALIZERS` or a
            registered callable `f(scores, mask) -> weights`. Defaults to `"softmax"`.
        position: Positions that rotate queries and keys or are added to the scores: a name of
            `positions.POSITIONS` or a layer. Defaults to None.
        causal: Whether a query sees only its own key and earlier ones. Defaults to False.
        dropout: Rate in [0, 1) at which weights are dropped in training. Defaults to 0.0.

    Call arguments:
        query: `(batch, heads, query_length, key_dim)`.
        key: `(batch, heads, key_length, key_dim)`.
        value: `(batch, heads, key_length, value_dim)`.
        padding_mask: `(batch, key_length)`, True = real. Defaults to None (all real).
        attention_mask: `(query, key)`, `(batch, query, key)` or `(batch, heads, query, key)`,
            True = attend. Defaults to None.
        training: Whether to drop weights. Defaults to None (Keras decides).

    Returns:
        The outputs `(batch, heads, query_length, value_dim)` and the weights
        `(batch, heads, query_length, key_length)`.

    Raises:
        ValueError: If an argument is unknown, or `position` acts on the input vectors.

    Example:
    >>> import numpy as np
    >>> states = np.ones((2, 4, 5, 8), "float32")
    >>> outputs, weights = Attention()(states, states, states)
    >>> tuple(outputs.shape), tuple(weights.shape)
    ((2, 4, 5, 8), (2, 4, 5, 5))

    References:
        Vaswani et al., 2017, "Attention is all you need", section 3.2.1.
    """

    def __init__(
        self,
        score="dot",
        normalizer="softmax",
        position=None,
        causal=False,
        dropout=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.causal = causal
        self.dropout = dropout
        self.score_function = scores.get(score, dtype=self.dtype_policy)
        self.normalizer_function = normalizers.get(normalizer)
        self.position_layer = positions.get(position, dtype=self.dtype_policy, name="position")
        if isinstance(self.position_layer, positions.InputPosition):
            raise ValueError(
                "Expected a `position` that acts on queries and keys or on scores; add "
                f"{type(self.position_layer).__name__} to the input instead, or give it to "
                f"`MultiHeadSelfAttention`. Received: position={position!r}"
            )
        self.score = kept(score, self.score_function)
        self.normalizer = kept(normalizer, self.normalizer_function)
        self.position = kept(position, self.position_layer)
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, query_shape, key_shape=None, value_shape=None):
        """Builds the score and the position, which may have weights of their own."""
        for part in (self.score_function, self.position_layer):
            if isinstance(part, keras.layers.Layer) and not part.built:
                part.build(query_shape)

    def call(self, query, key, value, padding_mask=None, attention_mask=None, training=None):
        """Returns the weighted values and the weights."""
        query, key = self._rotate(query, key)
        mask = combined_mask(query, key, padding_mask, attention_mask, self.causal)
        offsets = ops.arange(ops.shape(key)[2])[None, :] - ops.arange(ops.shape(query)[2])[:, None]
        weights = self._weights(query, key, offsets, mask, training)
        return ops.matmul(weights, value), weights

    def _rotate(self, query, key):
        if isinstance(self.position_layer, positions.RotaryPosition):
            return self.position_layer(query), self.position_layer(key)
        return query, key

    def _weights(self, query, key, offsets, mask, training):
        """The formula, for queries `(batch, heads, ..., query, key_dim)` and their keys.

        Args:
            query: Rotated queries.
            key: Rotated keys that each query may look at.
            offsets: Position of each key less that of each query, integer `(..., query, key)`.
            mask: Boolean, broadcastable to the scores, True = attend; or None.
            training: Whether to drop weights.
        """
        return self._normalize(self._scores(query, key, offsets), mask, training)

    def _scores(self, query, key, offsets):
        scores_ = self.score_function(query, key)
        if isinstance(self.position_layer, positions.ScorePosition):
            scores_ = scores_ + self.position_layer(query, offsets)
        return scores_

    def _normalize(self, scores_, mask, training):
        weights = self.normalizer_function(scores_, mask)
        return self.dropout_layer(weights, training=training)

    def compute_output_shape(self, query_shape, key_shape, value_shape):
        """Shapes of the outputs and of the weights."""
        return (*query_shape[:-1], value_shape[-1]), (*query_shape[:-1], key_shape[-2])

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "score": serialize(self.score),
            "normalizer": serialize(self.normalizer),
            "position": serialize(self.position),
            "causal": self.causal,
            "dropout": self.dropout,
        }
