"""Multi-head self-attention: a set of vectors in, a set of vectors out."""

import keras

from . import positions
from .attention import Attention
from .lookup import kept, serialize
from .masks import keras_mask
from .projections import SelfAttentionProjections
from .windowed_attention import WindowedAttention


@keras.saving.register_keras_serializable("attnzoo")
class MultiHeadSelfAttention(SelfAttentionProjections):
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
        score: Relevance of keys to queries: a name of `layers.scores.SCORES` or a registered
            callable. Defaults to `"dot"`.
        normalizer: What makes weights of scores: a name of `layers.normalizers.NORMALIZERS` or a
            registered callable. Defaults to `"softmax"`.
        position: A name of `layers.positions.POSITIONS` or a layer: positions added to the input,
            turning queries and keys, or added to the scores. Defaults to None (a set).
        causal: Whether a position sees only itself and earlier ones. Defaults to False.
        window: How many positions before and after itself a position sees, `(left, right)`, in
            time and memory that grow with the length and not with its square; or several such
            pairs. Defaults to None (all). See `WindowedAttention`.
        window_style: `"regular"` or `"chunked_limited"`. Defaults to `"regular"`.
        global_tokens: Number of first positions that see all and are seen by all in spite of the
            window. Defaults to 0.
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
        window_index: Which of several windows to use, an integer scalar. Defaults to None (the
            first).
        training: Whether dropout is active. Defaults to None (Keras decides).

    Returns:
        `(batch, length, output_dim)`, and with `return_attention_scores=True` also the weights
        `(batch, heads, query, key)`. A row with nothing to attend gathers zeros.

    Raises:
        ValueError: If an argument is out of range, arguments have no meaning together, or `key_dim`
            is None and the input size is not a multiple of `num_heads`.

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
        position=None,
        causal=False,
        window=None,
        window_style="regular",
        global_tokens=0,
        dropout=0.0,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(
            num_heads, key_dim, value_dim, output_dim, use_bias, kernel_initializer, **kwargs
        )
        self.causal = causal
        self.window = window
        self.window_style = window_style
        self.global_tokens = global_tokens
        self.dropout = dropout
        position_layer = positions.get(position, dtype=self.dtype_policy, name="position")
        if causal:
            positions.check_causal(position_layer)
        acts_on_input = isinstance(position_layer, positions.InputPosition)
        self.input_position = position_layer if acts_on_input else None
        self.attention = self._make_attention(
            score, normalizer, None if acts_on_input else position_layer
        )
        self.score = self.attention.score
        self.normalizer = self.attention.normalizer
        self.position = kept(position, position_layer)

    def _make_attention(self, score, normalizer, position):
        formula = {
            "score": score,
            "normalizer": normalizer,
            "position": position,
            "causal": self.causal,
            "dropout": self.dropout,
            "dtype": self.dtype_policy,
            "name": "attention",
        }
        if self.window is not None:
            return WindowedAttention(
                window=self.window,
                window_style=self.window_style,
                global_tokens=self.global_tokens,
                **formula,
            )
        if self.window_style != "regular" or self.global_tokens:
            raise ValueError(
                "Expected `window_style` and `global_tokens` only with a `window`. Received: "
                f"window=None, window_style={self.window_style!r}, "
                f"global_tokens={self.global_tokens}"
            )
        return Attention(**formula)

    def build(self, inputs_shape):
        """Builds the projections, the positions and the attention between."""
        super().build(inputs_shape)
        if self.input_position is not None and not self.input_position.built:
            self.input_position.build(inputs_shape)
        key_dim, value_dim = self.head_sizes(inputs_shape[-1])
        heads_shape = (inputs_shape[0], self.num_heads, inputs_shape[1])
        query_shape, value_shape = (*heads_shape, key_dim), (*heads_shape, value_dim)
        self.attention.build(query_shape, query_shape, value_shape)

    def call(
        self,
        inputs,
        padding_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        window_index=None,
        training=None,
    ):
        """Returns the attended vectors, with the weights on request."""
        if padding_mask is None:
            padding_mask = keras_mask(inputs)
        if self.input_position is not None:
            inputs = self.input_position(inputs, padding_mask=padding_mask)
        of_window = {}
        if self.window is not None:
            # Within a window the weights of all pairs are made on request only.
            of_window["return_attention_scores"] = return_attention_scores
            of_window["window_index"] = window_index
        outputs, weights = self.attention(
            *self.project(inputs),
            padding_mask=padding_mask,
            attention_mask=attention_mask,
            training=training,
            **of_window,
        )
        outputs = self.combine(outputs)
        return (outputs, weights) if return_attention_scores else outputs

    @property
    def lookahead(self):
        """Positions by which `step` lags behind, see `WindowedAttention`."""
        self._check_streams()
        return self.attention.lookahead

    def initial_state(self, batch_size):
        """Returns the state before the first vector, see `WindowedAttention.initial_state`.

        Args:
            batch_size: Number of sequences that go in step.

        Raises:
            ValueError: If the attention is not windowed, has global tokens, or a position that is
                added to the input.
        """
        self._check_streams()
        key_dim, value_dim = (
            dense.units // self.num_heads for dense in (self.key_dense, self.value_dense)
        )
        return self.attention.initial_state(batch_size, self.num_heads, key_dim, value_dim)

    def step(self, inputs, state, padding_mask):
        """Returns the outputs for as many vectors as come in, `lookahead` vectors before these.

        Args:
            inputs: The next vectors `(batch, length, hidden_dim)`.
            state: What `initial_state` or the last `step` returned.
            padding_mask: `(batch, length)`, True = real.

        Returns:
            `(batch, length, output_dim)`, whether the vectors that they are of are real
            `(batch, length)`, and the new state.
        """
        outputs, mask, state = self.attention.step(*self.project(inputs), state, padding_mask)
        return self.combine(outputs), mask, state

    def _check_streams(self):
        if self.window is None or self.input_position is not None:
            raise ValueError(
                "Expected a `window`, and a `position` that is relative (or rotary, or none), to "
                f"go step by step. Received: window={self.window}, position={self.position!r}"
            )

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
        shape = self.compute_output_shape(inputs.shape)
        outputs = keras.KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return outputs
        batch, length = inputs.shape[:2]
        weights = keras.KerasTensor(
            (batch, self.num_heads, length, length), dtype=self.compute_dtype
        )
        return outputs, weights

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "score": serialize(self.score),
            "normalizer": serialize(self.normalizer),
            "position": serialize(self.position),
            "causal": self.causal,
            "window": self.window,
            "window_style": self.window_style,
            "global_tokens": self.global_tokens,
            "dropout": self.dropout,
        }
