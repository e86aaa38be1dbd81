"""Multi-head self-attention: a set of vectors in, a set of vectors out."""

import keras
from keras import ops

from .attention import Attention
from .checks import check_positive
from .lookup import serialize
from .masks import combined_mask, keras_mask


@keras.saving.register_keras_serializable("attnzoo")
class MultiHeadSelfAttention(keras.layers.Layer):
    """Lets every vector of a sequence gather from all others what is relevant to it.

    The input is projected to queries, keys and values; in each head a query's scores against all
    keys are normalised to weights, and the weighted values of all heads are projected back:
    `output = concat(heads) @ W_o`, `head = normalizer(score(x W_q, x W_k)) @ (x W_v)`.

    Args:
        num_heads: Number of heads: how many kinds of relevance are learned.
        key_dim: Size of each head's queries and keys. Defaults to None (input size divided by
            `num_heads`).
        value_dim: Size of each head's values. Defaults to None (`key_dim`).
        output_dim: Size of the output vectors. Defaults to None (input size).
        score: `"dot"` or a registered callable. Defaults to `"dot"`. See `attnzoo.layers.scores`.
        normalizer: `"softmax"` or a registered callable. Defaults to `"softmax"`. See
            `attnzoo.layers.normalizers`.
        causal: Whether a position sees only itself and earlier ones. Defaults to False.
        dropout: Rate at which attention weights are dropped in training. Defaults to 0.0.
        use_bias: Whether the four projections have biases. Defaults to True.
        kernel_initializer: Initialiser of the projections. Defaults to `"glorot_uniform"`.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        padding_mask: `(batch, length)`, True = real token. Defaults to None (the Keras mask of
            `inputs` if it carries one, else all real).
        attention_mask: `(query, key)`, `(batch, query, key)` or `(batch, heads, query, key)`,
            True = attend. Defaults to None.
        return_attention_scores: Whether to return the weights too. Defaults to False.
        training: Whether dropout is active. Defaults to None (Keras decides).

    Returns:
        `(batch, length, output_dim)`, and with `return_attention_scores=True` also the weights
        `(batch, heads, query, key)`. A row with nothing to attend gathers zeros.

    Raises:
        ValueError: If an argument is out of range, or `key_dim` is None and the input size is not
            a multiple of `num_heads`.

    Example:
    >>> import numpy as np
    >>> vectors = np.random.default_rng(0).normal(size=(2, 7, 32)).astype("float32")
    >>> layer = MultiHeadSelfAttention(num_heads=4)
    >>> outputs, weights = layer(vectors, return_attention_scores=True)
    >>> tuple(outputs.shape), tuple(weights.shape)
    ((2, 7, 32), (2, 4, 7, 7))

    References:
        Vaswani et al., 2017, "Attention is all you need", section 3.2.2.
    """

    def __init__(
        self,
        num_heads,
        key_dim=None,
        value_dim=None,
        output_dim=None,
        score="dot",
        normalizer="softmax",
        causal=False,
        dropout=0.0,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive(num_heads=num_heads)
        check_positive(optional=True, key_dim=key_dim, value_dim=value_dim, output_dim=output_dim)
        self.num_heads = num_heads
        self.key_dim = key_dim
        self.value_dim = value_dim
        self.output_dim = output_dim
        self.score = score
        self.normalizer = normalizer
        self.causal = causal
        self.dropout = dropout
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True
        self.attention = Attention(
            score, normalizer, dropout, dtype=self.dtype_policy, name="attention"
        )

    def build(self, inputs_shape):
        """Creates and builds the four projections."""
        hidden_dim = inputs_shape[-1]
        key_dim = self.key_dim or self._head_size(hidden_dim)
        value_dim = self.value_dim or key_dim
        self.query_dense = self._projection(self.num_heads * key_dim, "query")
        self.key_dense = self._projection(self.num_heads * key_dim, "key")
        self.value_dense = self._projection(self.num_heads * value_dim, "value")
        self.output_dense = self._projection(self.output_dim or hidden_dim, "attention_output")
        for dense in (self.query_dense, self.key_dense, self.value_dense):
            dense.build(inputs_shape)
        self.output_dense.build((*inputs_shape[:-1], self.num_heads * value_dim))
        self.attention.build(
            (inputs_shape[0], self.num_heads, inputs_shape[1], key_dim),
        )

    def _head_size(self, hidden_dim):
        if hidden_dim % self.num_heads:
            raise ValueError(
                "Expected the input size to be a multiple of `num_heads` when `key_dim` is not "
                "given; pass `key_dim` or another `num_heads`. "
                f"Received: num_heads={self.num_heads}, input size {hidden_dim}"
            )
        return hidden_dim // self.num_heads

    def _projection(self, units, name):
        return keras.layers.Dense(
            units,
            use_bias=self.use_bias,
            # Initialisers carry a seed: each projection takes its own copy.
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name=name,
        )

    def call(
        self,
        inputs,
        padding_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        training=None,
    ):
        """Returns the attended vectors, with the weights on request."""
        if padding_mask is None:
            padding_mask = keras_mask(inputs)
        query = self._split_heads(self.query_dense(inputs))
        key = self._split_heads(self.key_dense(inputs))
        value = self._split_heads(self.value_dense(inputs))
        mask = combined_mask(query, key, padding_mask, attention_mask, self.causal)
        outputs, weights = self.attention(query, key, value, attention_mask=mask, training=training)
        outputs = self.output_dense(self._join_heads(outputs))
        return (outputs, weights) if return_attention_scores else outputs

    def _split_heads(self, states):
        """`(batch, length, heads * size)` to `(batch, heads, length, size)`."""
        length = ops.shape(states)[1]
        heads = ops.reshape(
            states, (-1, length, self.num_heads, states.shape[-1] // self.num_heads)
        )
        return ops.transpose(heads, (0, 2, 1, 3))

    def _join_heads(self, heads):
        """`(batch, heads, length, size)` to `(batch, length, heads * size)`."""
        length, size = ops.shape(heads)[2], heads.shape[-1]
        states = ops.transpose(heads, (0, 2, 1, 3))
        return ops.reshape(states, (-1, length, self.num_heads * size))

    def compute_output_spec(
        self,
        inputs,
        padding_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        training=None,
    ):
        """Symbolic outputs, with the weights on request."""
        shape = self.compute_output_shape(inputs.shape)
        outputs = keras.KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return outputs
        batch, length = inputs.shape[:2]
        weights = keras.KerasTensor(
            (batch, self.num_heads, length, length), dtype=self.compute_dtype
        )
        return outputs, weights

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs with `output_dim` last."""
        return (*inputs_shape[:-1], self.output_dim or inputs_shape[-1])

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "output_dim": self.output_dim,
            "score": serialize(self.score),
            "normalizer": serialize(self.normalizer),
            "causal": self.causal,
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
