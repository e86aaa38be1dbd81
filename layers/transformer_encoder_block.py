"""The Transformer encoder block: self-attention, then a feed-forward network, each residual."""

import inspect

import keras
from keras import ops

from .checks import check_positive
from .gelu import GELU
from .layer_normalization import LayerNormalization
from .layer_scale import LayerScale
from .lookup import serialize
from .masks import keras_mask
from .multi_head_self_attention import MultiHeadSelfAttention

_FEED_FORWARD = ("gelu", "geglu", "relu")


@keras.saving.register_keras_serializable("attnzoo")
class TransformerEncoderBlock(keras.layers.Layer):
    """Self-attention and a two-layer feed-forward network, each with residual and normalisation.

    Pre-norm (`normalize_first=True`): `x = x + attention(norm(x))`, `x = x + ffn(norm(x))`.
    Post-norm: `x = norm(x + attention(x))`, `x = norm(x + ffn(x))`.

    Args:
        num_heads: Number of heads of an ordinary `MultiHeadSelfAttention`, of which the input size
            must be a multiple; None if `attention` is given.
        intermediate_dim: Width of the feed-forward network's hidden layer.
        attention: A self-attention layer in place of the ordinary one, such as
            `MultiHeadSelfAttention(8, position="rope")` or `LinearSelfAttention(8)`. Its output
            has the size of its input. Defaults to None.
        dropout: Rate at which each residual branch is dropped in training. Defaults to 0.0.
        drop_path: Rate at which a whole residual branch of a whole sequence is dropped in training
            (stochastic depth). Defaults to 0.0.
        layer_scale: First value of the learned factor on each residual branch's channels.
            Defaults to None (no factors).
        normalize_first: Pre-norm if True, post-norm if False. Defaults to True.
        layer_norm_epsilon: Added to the variance. Defaults to 1e-6.
        use_bias: Whether the dense layers have biases. Defaults to True.
        norm_bias: Whether the normalisations have biases. Defaults to True.
        feed_forward: Activation of the hidden channels, `"gelu"` or `"relu"`; or `"geglu"`: the
            half of twice as many by GELU, times the other half. Defaults to `"gelu"`.
        normalize_attention: Whether there is a normalisation that goes with attention; without
            it, `x = x + attention(x)`, only pre-norm. Defaults to True.
        kernel_initializer: Initialiser of the dense layers. Defaults to `"glorot_uniform"`.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        padding_mask: `(batch, length)`, True = real token. Defaults to None (the Keras mask of
            `inputs` if it carries one, else all real).
        attention_mask: See `MultiHeadSelfAttention`. Defaults to None.
        return_attention_scores: Whether to return the weights too. Defaults to False.
        training: Whether dropout is active. Defaults to None (Keras decides).

    Returns:
        `(batch, length, hidden_dim)`, and on request the weights `(batch, heads, query, key)`.

    Raises:
        ValueError: If an argument is out of range, not exactly one of `num_heads` and `attention`
            is given, or the attention layer does not take what it is called with.

    Example:
    >>> import numpy as np
    >>> block = TransformerEncoderBlock(num_heads=4, intermediate_dim=64)
    >>> tuple(block(np.zeros((2, 7, 32), "float32")).shape)
    (2, 7, 32)

    References:
        Vaswani et al., 2017, "Attention is all you need", section 3.1 (post-norm).
        Xiong et al., 2020, "On layer normalization in the Transformer architecture" (pre-norm).
        Huang et al., 2016, "Deep networks with stochastic depth".
        Shazeer, 2020, "GLU variants improve Transformer", equation 6 (GEGLU).
    """

    def __init__(
        self,
        num_heads=None,
        intermediate_dim=None,
        attention=None,
        dropout=0.0,
        drop_path=0.0,
        layer_scale=None,
        normalize_first=True,
        layer_norm_epsilon=1e-6,
        use_bias=True,
        norm_bias=True,
        feed_forward="gelu",
        normalize_attention=True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive(optional=True, num_heads=num_heads)
        check_positive(intermediate_dim=intermediate_dim)
        if (num_heads is None) == (attention is None):
            raise ValueError(
                "Expected either `num_heads`, for an ordinary MultiHeadSelfAttention, or "
                f"`attention`, a layer. Received: num_heads={num_heads}, attention={attention}"
            )
        if feed_forward not in _FEED_FORWARD:
            raise ValueError(
                "Received an invalid value for argument `feed_forward`, expected one of "
                f"{_FEED_FORWARD}. Received: feed_forward={feed_forward!r}"
            )
        if not (normalize_attention or normalize_first):
            raise ValueError(
                "Expected `normalize_attention=False` only with `normalize_first=True`. "
                "Received: normalize_attention=False, normalize_first=False"
            )
        if isinstance(attention, dict):  # From a configuration.
            attention = keras.saving.deserialize_keras_object(attention)
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.attention = attention
        self.dropout = dropout
        self.drop_path = drop_path
        self.layer_scale = layer_scale
        self.normalize_first = normalize_first
        self.layer_norm_epsilon = layer_norm_epsilon
        self.use_bias = use_bias
        self.norm_bias = norm_bias
        self.feed_forward = feed_forward
        self.normalize_attention = normalize_attention
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True

        self.self_attention = attention or MultiHeadSelfAttention(
            num_heads,
            use_bias=use_bias,
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name="self_attention",
        )
        self.attention_norm = self._norm("attention_norm") if normalize_attention else None
        self.attention_branch = self._residual_branch("attention")
        self.feed_forward_norm = self._norm("feed_forward_norm")
        halves = 2 if feed_forward == "geglu" else 1
        self.intermediate_dense = self._dense(halves * intermediate_dim, "intermediate")
        if feed_forward == "relu":
            self.activation = self._part(keras.layers.Activation, "relu", "activation")
        else:
            self.activation = GELU(name="activation", dtype=self.dtype_policy)
        self.intermediate_dropout = self._part(
            keras.layers.Dropout, dropout, "intermediate_dropout"
        )
        self.feed_forward_branch = self._residual_branch("feed_forward")

    def _part(self, layer_class, argument, name, **kwargs):
        return layer_class(argument, name=name, dtype=self.dtype_policy, **kwargs)

    def _norm(self, name):
        return self._part(
            LayerNormalization, self.layer_norm_epsilon, name, use_bias=self.norm_bias
        )

    def _dense(self, units, name):
        return self._part(
            keras.layers.Dense,
            units,
            name,
            use_bias=self.use_bias,
            # Initialisers carry a seed: each layer takes its own copy.
            kernel_initializer=self.kernel_initializer.clone(),
        )

    def _residual_branch(self, name):
        """What a branch goes through before it is added, in this order."""
        parts = []
        if self.layer_scale is not None:
            parts.append(self._part(LayerScale, self.layer_scale, f"{name}_scale"))
        parts.append(self._part(keras.layers.Dropout, self.dropout, f"{name}_dropout"))
        if self.drop_path:
            # One draw for each sequence: all its vectors go or stay.
            parts.append(
                self._part(
                    keras.layers.Dropout,
                    self.drop_path,
                    f"{name}_drop_path",
                    noise_shape=(None, 1, 1),
                )
            )
        return parts

    def build(self, inputs_shape):
        """Creates the output projection, whose size is the input's, and builds all parts."""
        hidden_dim = inputs_shape[-1]
        self.output_dense = self._dense(hidden_dim, "feed_forward_output")
        if not self.self_attention.built:
            self.self_attention.build(inputs_shape)
        for part in (self.attention_norm, self.feed_forward_norm, self.intermediate_dense):
            if part is not None:
                part.build((None, hidden_dim))
        self.output_dense.build((None, self.intermediate_dim))
        for part in (*self.attention_branch, *self.feed_forward_branch):
            part.build(inputs_shape)

    def call(
        self,
        inputs,
        padding_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        window_index=None,
        training=None,
    ):
        """Returns the encoded vectors, with the attention weights on request."""
        if padding_mask is None:
            padding_mask = keras_mask(inputs)
        attended, weights = self._attend(
            self._attention_input(inputs),
            padding_mask,
            training,
            attention_mask=attention_mask,
            return_attention_scores=return_attention_scores or None,
            window_index=window_index,
        )
        outputs = self._after_attention(inputs, attended, training)
        return (outputs, weights) if return_attention_scores else outputs

    @property
    def lookahead(self):
        """Vectors by which `step` lags behind, see `MultiHeadSelfAttention`."""
        return self.self_attention.lookahead

    def initial_state(self, batch_size):
        """Returns the state before the first vector, see `MultiHeadSelfAttention.initial_state`.

        `residual` are the inputs that wait for what their attention finds.
        """
        state = self.self_attention.initial_state(batch_size)
        if not self.lookahead:
            return state
        shape = (batch_size, self.lookahead, self.output_dense.units)
        return {**state, "residual": ops.zeros(shape, self.compute_dtype)}

    def step(self, inputs, state, padding_mask):
        """Returns the outputs for as many vectors as come in, `lookahead` vectors before these.

        Args:
            inputs: The next vectors `(batch, length, hidden_dim)`.
            state: What `initial_state` or the last `step` returned.
            padding_mask: `(batch, length)`, True = real.

        Returns:
            `(batch, length, hidden_dim)`, whether the vectors that they are of are real
            `(batch, length)`, and the new state.
        """
        length = inputs.shape[1]
        attended, mask, after = self.self_attention.step(
            self._attention_input(inputs), state, padding_mask
        )
        if self.lookahead:
            inputs = ops.concatenate([state["residual"], inputs], axis=1)
            inputs, after["residual"] = inputs[:, :length], inputs[:, length:]
        return self._after_attention(inputs, attended, training=False), mask, after

    def _attention_input(self, inputs):
        """What attention sees of `(batch, length, hidden_dim)`."""
        if not (self.normalize_first and self.normalize_attention):
            return inputs
        return self._as_sequences(self.attention_norm(self._as_rows(inputs)), like=inputs)

    def _after_attention(self, inputs, attended, training):
        """Adds what was attended, and what the feed-forward network makes of the sum."""
        branch = _through(self.attention_branch, attended)
        states = self._as_rows(inputs) + self._as_rows(branch)
        if not self.normalize_first:
            states = self.attention_norm(states)
        branch = self.feed_forward_norm(states) if self.normalize_first else states
        branch = self._activated(self.intermediate_dense(branch))
        branch = self.output_dense(self.intermediate_dropout(branch, training=training))
        branch = _through(self.feed_forward_branch, self._as_sequences(branch, like=inputs))
        states = states + self._as_rows(branch)
        if not self.normalize_first:
            states = self.feed_forward_norm(states)
        return self._as_sequences(states, like=inputs)

    # Normalisations and dense layers treat every vector by itself: as rows of a matrix they are
    # faster than as sequences. Where they are not, as in ONNX Runtime, these two are to be rebound.

    def _as_rows(self, sequences):
        return ops.reshape(sequences, (-1, sequences.shape[-1]))

    def _as_sequences(self, rows, like):
        return ops.reshape(rows, (-1, ops.shape(like)[1], like.shape[-1]))

    def _activated(self, states):
        if self.feed_forward != "geglu":
            return self.activation(states)
        states, gate = ops.split(states, 2, axis=-1)
        return self.activation(states) * gate

    def _attend(self, states, padding_mask, training, **options):
        """Returns the attended vectors, and their weights or None."""
        options = {name: value for name, value in options.items() if value is not None}
        accepted = inspect.signature(self.self_attention.call).parameters
        for option in options:
            if option not in accepted:
                raise ValueError(
                    f"Expected no `{option}`, which {type(self.self_attention).__name__} does not "
                    f"take. Received: {option}={options[option]}"
                )
        outputs = self.self_attention(
            states, padding_mask=padding_mask, training=training, **options
        )
        return outputs if "return_attention_scores" in options else (outputs, None)

    def compute_output_spec(
        self,
        inputs,
        padding_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        window_index=None,
        training=None,
    ):
        """Symbolic outputs, with the weights on request."""
        outputs = keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return outputs
        states = keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)
        _, weights = self.self_attention.compute_output_spec(states, return_attention_scores=True)
        return outputs, weights

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs."""
        return inputs_shape

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "attention": serialize(self.attention),
            "dropout": self.dropout,
            "drop_path": self.drop_path,
            "layer_scale": self.layer_scale,
            "normalize_first": self.normalize_first,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "use_bias": self.use_bias,
            "norm_bias": self.norm_bias,
            "feed_forward": self.feed_forward,
            "normalize_attention": self.normalize_attention,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def _through(parts, states):
    for part in parts:
        states = part(states)
    return states
