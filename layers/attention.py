"""The one formula of attention: weights = normalizer(score(q, k), mask), output = weights @ v."""

import keras
from keras import ops

from . import normalizers, scores
from .lookup import serialize


@keras.saving.register_keras_serializable("attnzoo")
class Attention(keras.layers.Layer):
    """Weights values by the normalised relevance of their keys to each query; has no projections.

    `MultiHeadSelfAttention` projects its input to queries, keys and values and calls this layer,
    which is where an exporter finds the whole formula in one place.

    Args:
        score: Relevance of keys to queries: `"dot"` or a registered callable
            `f(query, key) -> scores`. Defaults to `"dot"`.
        normalizer: What makes weights of scores: `"softmax"` or a registered callable
            `f(scores, mask) -> weights`. Defaults to `"softmax"`.
        dropout: Rate in [0, 1) at which weights are dropped in training. Defaults to 0.0.

    Call arguments:
        query: `(batch, heads, query_length, key_dim)`.
        key: `(batch, heads, key_length, key_dim)`.
        value: `(batch, heads, key_length, value_dim)`.
        attention_mask: Boolean, broadcastable to `(batch, heads, query_length, key_length)`,
            True = attend. Defaults to None.
        training: Whether to drop weights. Defaults to None (Keras decides).

    Returns:
        The outputs `(batch, heads, query_length, value_dim)` and the weights
        `(batch, heads, query_length, key_length)`.

    Example:
    >>> import numpy as np
    >>> states = np.ones((2, 4, 5, 8), "float32")
    >>> outputs, weights = Attention()(states, states, states)
    >>> tuple(outputs.shape), tuple(weights.shape)
    ((2, 4, 5, 8), (2, 4, 5, 5))

    References:
        Vaswani et al., 2017, "Attention is all you need", section 3.2.1.
    """

    def __init__(self, score="dot", normalizer="softmax", dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.score = score
        self.normalizer = normalizer
        self.dropout = dropout
        self.score_function = scores.get(score)
        self.normalizer_function = normalizers.get(normalizer)
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, query_shape, key_shape=None, value_shape=None):
        """Has no weights of its own; marks the layer as built."""
        self.built = True

    def call(self, query, key, value, attention_mask=None, training=None):
        """Returns the weighted values and the weights."""
        weights = self.normalizer_function(self.score_function(query, key), attention_mask)
        weights = self.dropout_layer(weights, training=training)
        return ops.matmul(weights, value), weights

    def compute_output_shape(self, query_shape, key_shape, value_shape):
        """Shapes of the outputs and of the weights."""
        return (*query_shape[:-1], value_shape[-1]), (*query_shape[:-1], key_shape[-2])

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "score": serialize(self.score),
            "normalizer": serialize(self.normalizer),
            "dropout": self.dropout,
        }
