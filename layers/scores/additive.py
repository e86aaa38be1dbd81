"""Additive score: a small network compares each query with each key."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class AdditiveScore(keras.layers.Layer):
    """Scores every query against every key by a network with one hidden layer per head.

    `score = v · tanh(query + key)`. The projections of query and key that the paper writes inside
    the tanh, `W_a s + U_a h`, are those of `MultiHeadSelfAttention`. Takes time and memory of
    `query_length * key_length * key_dim`, where the dot product needs no such cube.

    Args:
        kernel_initializer: Initialiser of `v`, `(heads, key_dim)`. Defaults to
            `"glorot_uniform"`.

    Call arguments:
        query: `(batch, heads, query_length, key_dim)`; a window puts an axis of blocks before the
            length: `(batch, heads, blocks, query_length, key_dim)`.
        key: `(batch, heads, key_length, key_dim)`, with blocks where the query has them.

    Returns:
        Scores `(batch, heads, query_length, key_length)`, with blocks where the query has them.

    Raises:
        ValueError: If the query has fewer than four axes.

    Example:
    >>> import numpy as np
    >>> query, key = np.ones((2, 4, 5, 8), "float32"), np.ones((2, 4, 7, 8), "float32")
    >>> tuple(AdditiveScore()(query, key).shape)
    (2, 4, 5, 7)

    References:
        Bahdanau et al., 2015, "Neural machine translation by jointly learning to align and
        translate", appendix A.1.2.
    """

    def __init__(self, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, query_shape):
        """Creates the weight `v` of each head."""
        if len(query_shape) < 4:
            raise ValueError(
                "Received an invalid shape for argument `query`, expected (batch, heads, "
                f"query_length, key_dim). Received: query.shape={tuple(query_shape)}"
            )
        self.kernel = self.add_weight(
            shape=(query_shape[1], query_shape[-1]),
            initializer=self.kernel_initializer,
            name="kernel",
        )

    def call(self, query, key):
        """Returns the scores of all pairs."""
        hidden = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        # A product of matrices, one column wide, reads the cube once; multiplying by v and summing
        # writes another.
        heads, key_dim = self.kernel.shape
        blocks = (1,) * (len(query.shape) - 4)
        column = ops.reshape(self.kernel, (heads, *blocks, 1, key_dim, 1))
        return ops.squeeze(ops.matmul(hidden, column), axis=-1)

    def compute_output_shape(self, query_shape, key_shape):
        """Shape of the scores."""
        return (*query_shape[:-1], key_shape[-2])

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
