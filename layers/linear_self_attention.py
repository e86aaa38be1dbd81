"""Linear self-attention: cost grows with the length, and a causal one is a recurrent network."""

import keras
from keras import ops

from . import feature_maps
from .checks import check_positive
from .linear_attention import attend_to_all, attend_to_past
from .lookup import kept, serialize
from .masks import keras_mask
from .projections import SelfAttentionProjections


@keras.saving.register_keras_serializable("attnzoo")
class LinearSelfAttention(SelfAttentionProjections):
    """Self-attention whose weights are products of features, in time linear in the length.

    `head_i = Σ_j φ(q_i) · φ(k_j) v_j / Σ_j φ(q_i) · φ(k_j)`. As `φ(q_i)` stands before both sums,
    `Σ_j φ(k_j) v_jᵀ` is taken once for all queries. It is also all that a causal layer needs to
    know of the past: `step` takes the frames of a sequence as they come and equals the call on all
    of them.

    Sums are float32 at least, whatever the dtype policy.

    Args:
        num_heads: Number of heads.
        key_dim: Size of each head's queries and keys. Defaults to None (input size divided by
            `num_heads`).
        value_dim: Size of each head's values. Defaults to None (`key_dim`).
        output_dim: Size of the output vectors. Defaults to None (input size).
        feature_map: φ: `"elu"` (`elu(x) + 1`), `"favor"` (random features that approach softmax),
            or a registered function or layer. Defaults to `"elu"`. See
            `attnzoo.layers.feature_maps`.
        num_features: Number of random features of `"favor"`. Defaults to None
            (`key_dim * ln(key_dim)`).
        causal: Whether a position sees only itself and earlier ones. Defaults to False.
        chunk_size: Number of positions that a causal layer treats at once; changes the speed and
            not the outputs. Defaults to 64.
        use_bias: Whether the four projections have biases. Defaults to True.
        kernel_initializer: Initialiser of the projections. Defaults to `"glorot_uniform"`.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        padding_mask: `(batch, length)`, True = real token. Defaults to None (the Keras mask of
            `inputs` if it carries one, else all real).

    Returns:
        `(batch, length, output_dim)`. A row with nothing to attend gathers zeros.

    Raises:
        ValueError: If an argument is out of range or unknown, or `num_features` is given to a
            feature map that has its own.

    Example:
    >>> import numpy as np
    >>> vectors = np.random.default_rng(0).normal(size=(2, 7, 32)).astype("float32")
    >>> layer = LinearSelfAttention(num_heads=4, causal=True)
    >>> outputs = np.asarray(layer(vectors))
    >>> first, state = layer.step(vectors[:, :5], layer.initial_state(batch_size=2))
    >>> rest, state = layer.step(vectors[:, 5:], state)
    >>> bool(np.allclose(np.concatenate([first, rest], axis=1), outputs, atol=1e-6))
    True

    References:
        Katharopoulos et al., 2020, "Transformers are RNNs: fast autoregressive Transformers with
        linear attention", equations 4 to 6 and 16 to 20.
        Choromanski et al., 2021, "Rethinking attention with Performers" (FAVOR+).
    """

    def __init__(
        self,
        num_heads,
        key_dim=None,
        value_dim=None,
        output_dim=None,
        feature_map="elu",
        num_features=None,
        causal=False,
        chunk_size=64,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(
            num_heads, key_dim, value_dim, output_dim, use_bias, kernel_initializer, **kwargs
        )
        check_positive(chunk_size=chunk_size)
        if num_features is not None and feature_map != "favor":
            raise ValueError(
                "Expected `num_features` only with feature_map='favor'; another feature map has a "
                f"number of its own. Received: num_features={num_features}, "
                f"feature_map={feature_map!r}"
            )
        self.num_features = num_features
        self.causal = causal
        self.chunk_size = chunk_size
        self._sum_dtype = keras.backend.result_type(self.compute_dtype, "float32")
        self.feature_map_function = feature_maps.get(
            feature_map,
            **({"num_features": num_features} if feature_map == "favor" else {}),
            dtype=self._sum_dtype,
            name="feature_map",
        )
        self.feature_map = kept(feature_map, self.feature_map_function)

    def build(self, inputs_shape):
        """Creates and builds the projections and the feature map."""
        super().build(inputs_shape)
        feature_map, (key_dim, _) = self.feature_map_function, self.head_sizes(inputs_shape[-1])
        if isinstance(feature_map, keras.layers.Layer) and not feature_map.built:
            feature_map.build((inputs_shape[0], self.num_heads, inputs_shape[1], key_dim))

    def call(self, inputs, padding_mask=None):
        """Returns the attended vectors."""
        if padding_mask is None:
            padding_mask = keras_mask(inputs)
        query, key, value = self._features(inputs, padding_mask)
        if self.causal:
            nothing = self._empty_summary(ops.shape(query)[0], query.shape[-1], value.shape[-1])
            heads, _ = attend_to_past(query, key, value, nothing, self.chunk_size)
        else:
            heads = attend_to_all(query, key, value)
        return self.combine(ops.cast(heads, self.compute_dtype))

    def initial_state(self, batch_size):
        """Returns the state before the first frame: what `step` takes first.

        Args:
            batch_size: Number of sequences that go in step.

        Returns:
            `(batch, heads, features, value_dim + 1)`, zeros: the sums over past keys of their
            features times their values, and, in the last column, of their features alone.

        Raises:
            ValueError: If the layer is not causal, or not built.
        """
        self._check_recurrent()
        key_dim, value_dim = (
            dense.units // self.num_heads for dense in (self.key_dense, self.value_dense)
        )
        key = ops.zeros((1, self.num_heads, 1, key_dim), self._sum_dtype)
        return self._empty_summary(batch_size, self.feature_map_function(key).shape[-1], value_dim)

    def step(self, inputs, state, padding_mask=None):
        """Returns the outputs for the next frames, and the state after them.

        Args:
            inputs: The next frames of each sequence, `(batch, frames, hidden_dim)`, one or more.
            state: What `initial_state` or the last `step` returned.
            padding_mask: `(batch, frames)`, True = real. Defaults to None (all real).

        Returns:
            `(batch, frames, output_dim)`, equal to what the call on whole sequences gives for
            these frames, and the new state.

        Raises:
            ValueError: If the layer is not causal, or not built.
        """
        self._check_recurrent()
        query, key, value = self._features(inputs, padding_mask)
        heads, state = attend_to_past(query, key, value, state, self.chunk_size)
        return self.combine(ops.cast(heads, self.compute_dtype)), state

    def _features(self, inputs, padding_mask):
        """Features of queries and keys, zeros for padded keys, and values."""
        query, key, value = (ops.cast(x, self._sum_dtype) for x in self.project(inputs))
        query, key = (ops.cast(self.feature_map_function(x), self._sum_dtype) for x in (query, key))
        if padding_mask is not None:
            key = ops.where(ops.cast(padding_mask, "bool")[:, None, :, None], key, 0)
        return query, key, value

    def _empty_summary(self, batch_size, num_features, value_dim):
        return ops.zeros((batch_size, self.num_heads, num_features, value_dim + 1), self._sum_dtype)

    def _check_recurrent(self):
        if not self.causal:
            raise ValueError(
                "Expected `causal=True`: a layer that looks ahead cannot go step by step. "
                f"Received: causal={self.causal}"
            )
        if not self.built:
            raise ValueError(
                "Expected a layer that is built; call it once, or `build` it, before it goes step "
                f"by step. Received: {self.name}"
            )

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "feature_map": serialize(self.feature_map),
            "num_features": self.num_features,
            "causal": self.causal,
            "chunk_size": self.chunk_size,
        }
