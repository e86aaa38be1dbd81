"""The Transformer encoder block: self-attention, then a feed-forward network, each residual."""

import keras

from .checks import check_positive
from .gelu import GELU
from .layer_normalization import LayerNormalization
from .lookup import serialize
from .multi_head_self_attention import MultiHeadSelfAttention


@keras.saving.register_keras_serializable("attnzoo")
class TransformerEncoderBlock(keras.layers.Layer):
    """Self-attention and a two-layer feed-forward network, each with residual and normalisation.

    Pre-norm (`normalize_first=True`): `x = x + attention(norm(x))`, `x = x + ffn(norm(x))`.
    Post-norm: `x = norm(x + attention(x))`, `x = norm(x + ffn(x))`.

    Args:
        num_heads: Number of attention heads; the input size must be a multiple of it.
        intermediate_dim: Width of the feed-forward network's hidden layer.
        score: See `MultiHeadSelfAttention`. Defaults to `"dot"`.
        normalizer: See `MultiHeadSelfAttention`. Defaults to `"softmax"`.
        causal: Whether a position sees only itself and earlier ones. Defaults to False.
        dropout: Rate at which each residual branch is dropped in training. Defaults to 0.0.
        attention_dropout: Rate at which attention weights are dropped. Defaults to 0.0.
        normalize_first: Pre-norm if True, post-norm if False. Defaults to True.
        layer_norm_epsilon: Added to the variance. Defaults to 1e-6.
        use_bias: Whether the dense layers have biases. Defaults to True.
        kernel_initializer: Initialiser of the dense layers. Defaults to `"glorot_uniform"`.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        padding_mask: `(batch, length)`, True = real token. Defaults to None (all real).
        attention_mask: See `MultiHeadSelfAttention`. Defaults to None.
        return_attention_scores: Whether to return the weights too. Defaults to False.
        training: Whether dropout is active. Defaults to None (Keras decides).

    Returns:
        `(batch, length, hidden_dim)`, and on request the weights `(batch, heads, query, key)`.

    Raises:
        ValueError: If an argument is out of range.

    Example:
    >>> import numpy as np
    >>> block = TransformerEncoderBlock(num_heads=4, intermediate_dim=64)
    >>> tuple(block(np.zeros((2, 7, 32), "float32")).shape)
    (2, 7, 32)

    References:
        Vaswani et al., 2017, "Attention is all you need", section 3.1 (post-norm).
        Xiong et al., 2020, "On layer normalization in the Transformer architecture" (pre-norm).
    """

    def __init__(
        self,
        num_heads,
        intermediate_dim,
        score="dot",
        normalizer="softmax",
        causal=False,
        dropout=0.0,
        attention_dropout=0.0,
        normalize_first=True,
        layer_norm_epsilon=1e-6,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive(num_heads=num_heads, intermediate_dim=intermediate_dim)
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.score = score
        self.normalizer = normalizer
        self.causal = causal
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.normalize_first = normalize_first
        self.layer_norm_epsilon = layer_norm_epsilon
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True

        common = {"dtype": self.dtype_policy}
        self.self_attention = MultiHeadSelfAttention(
            num_heads,
            score=score,
            normalizer=normalizer,
            causal=causal,
            dropout=attention_dropout,
            use_bias=use_bias,
            kernel_initializer=self.kernel_initializer.clone(),
            name="self_attention",
            **common,
        )
        self.attention_norm = LayerNormalization(
            layer_norm_epsilon, name="attention_norm", **common
        )
        self.attention_dropout_layer = keras.layers.Dropout(
            dropout, name="attention_dropout", **common
        )
        self.feed_forward_norm = LayerNormalization(
            layer_norm_epsilon, name="feed_forward_norm", **common
        )
        self.intermediate_dense = keras.layers.Dense(
            intermediate_dim,
            use_bias=use_bias,
            kernel_initializer=self.kernel_initializer.clone(),
            name="intermediate",
            **common,
        )
        self.activation = GELU(name="activation", **common)
        self.intermediate_dropout = keras.layers.Dropout(
            dropout, name="intermediate_dropout", **common
        )
        self.output_dropout = keras.layers.Dropout(dropout, name="output_dropout", **common)

    def build(self, inputs_shape):
        """Creates the output projection, whose size is the input's, and builds all parts."""
        self.output_dense = keras.layers.Dense(
            inputs_shape[-1],
            use_bias=self.use_bias,
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name="feed_forward_output",
        )
        for part in (
            self.self_attention,
            self.attention_norm,
            self.feed_forward_norm,
            self.intermediate_dense,
        ):
            part.build(inputs_shape)
        self.output_dense.build((*inputs_shape[:-1], self.intermediate_dim))

    def call(
        self,
        inputs,
        padding_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        training=None,
    ):
        """Returns the encoded vectors, with the attention weights on request."""
        states = self.attention_norm(inputs) if self.normalize_first else inputs
        states, weights = self.self_attention(
            states,
            padding_mask=padding_mask,
            attention_mask=attention_mask,
            return_attention_scores=True,
            training=training,
        )
        states = inputs + self.attention_dropout_layer(states, training=training)
        if self.normalize_first:
            outputs = states + self._feed_forward(self.feed_forward_norm(states), training)
        else:
            states = self.attention_norm(states)
            outputs = self.feed_forward_norm(states + self._feed_forward(states, training))
        return (outputs, weights) if return_attention_scores else outputs

    def _feed_forward(self, states, training):
        states = self.activation(self.intermediate_dense(states))
        states = self.intermediate_dropout(states, training=training)
        return self.output_dropout(self.output_dense(states), training=training)

    def compute_output_spec(
        self,
        inputs,
        padding_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        training=None,
    ):
        """Symbolic outputs, with the weights on request: those of the attention inside."""
        return self.self_attention.compute_output_spec(
            inputs, return_attention_scores=return_attention_scores
        )

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs."""
        return inputs_shape

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "score": serialize(self.score),
            "normalizer": serialize(self.normalizer),
            "causal": self.causal,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "normalize_first": self.normalize_first,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
