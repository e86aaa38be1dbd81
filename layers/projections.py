"""What every kind of self-attention has around it: projections to heads and back."""

import keras
from keras import ops

from .checks import check_positive


class SelfAttentionProjections(keras.layers.Layer):
    """Base of the self-attention layers: four dense projections and the cut into heads.

    A subclass writes `call` as `combine(attend(*project(inputs)))`. All kinds have the same weights
    under the same names (`query`, `key`, `value`, `attention_output`), so that weights can be
    copied from one kind to another, and `enable_lora` works on each of them.

    The dense layers see a matrix `(batch * length, size)`: over a sequence they would be slower,
    and a chain of operators in an exported file where a matrix needs one.

    Args:
        num_heads: Number of heads.
        key_dim: Size of each head's queries and keys. Defaults to None (input size divided by
            `num_heads`).
        value_dim: Size of each head's values. Defaults to None (`key_dim`).
        output_dim: Size of the output vectors. Defaults to None (input size).
        use_bias: Whether the four projections have biases. Defaults to True.
        kernel_initializer: Initialiser of the projections. Defaults to `"glorot_uniform"`.

    Raises:
        ValueError: If a size is no positive integer, or `key_dim` is None and the input size is not
            a multiple of `num_heads`.
    """

    def __init__(
        self,
        num_heads,
        key_dim=None,
        value_dim=None,
        output_dim=None,
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
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True

    def build(self, inputs_shape):
        """Creates and builds the four projections."""
        hidden_dim = inputs_shape[-1]
        key_dim, value_dim = self.head_sizes(hidden_dim)
        self.query_dense = self._projection(self.num_heads * key_dim, "query")
        self.key_dense = self._projection(self.num_heads * key_dim, "key")
        self.value_dense = self._projection(self.num_heads * value_dim, "value")
        self.output_dense = self._projection(self.output_dim or hidden_dim, "attention_output")
        for dense in (self.query_dense, self.key_dense, self.value_dense):
            dense.build((None, hidden_dim))
        self.output_dense.build((None, self.num_heads * value_dim))

    def head_sizes(self, hidden_dim):
        """Returns the sizes of a head's queries and keys, and of its values."""
        if self.key_dim is None and hidden_dim % self.num_heads:
            raise ValueError(
                "Expected the input size to be a multiple of `num_heads` when `key_dim` is not "
                "given; pass `key_dim` or another `num_heads`. "
                f"Received: num_heads={self.num_heads}, input size {hidden_dim}"
            )
        key_dim = self.key_dim or hidden_dim // self.num_heads
        return key_dim, self.value_dim or key_dim

    def _projection(self, units, name):
        return keras.layers.Dense(
            units,
            use_bias=self.use_bias,
            # Initialisers carry a seed: each projection takes its own copy.
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name=name,
        )

    def project(self, inputs):
        """Returns queries, keys and values, each `(batch, heads, length, size)`.

        Args:
            inputs: `(batch, length, hidden_dim)`.
        """
        inputs = ops.convert_to_tensor(inputs)
        length = ops.shape(inputs)[1]
        rows = ops.reshape(inputs, (-1, inputs.shape[-1]))
        return tuple(
            self._split_heads(dense(rows), length)
            for dense in (self.query_dense, self.key_dense, self.value_dense)
        )

    def combine(self, heads):
        """Returns what the heads have gathered as output vectors, `(batch, length, output_dim)`.

        Args:
            heads: `(batch, heads, length, value_dim)`.
        """
        length = ops.shape(heads)[2]
        rows = ops.reshape(
            ops.transpose(heads, (0, 2, 1, 3)), (-1, self.num_heads * heads.shape[-1])
        )
        outputs = self.output_dense(rows)
        return ops.reshape(outputs, (-1, length, outputs.shape[-1]))

    def _split_heads(self, rows, length):
        """`(batch * length, heads * size)` to `(batch, heads, length, size)`."""
        size = rows.shape[-1] // self.num_heads
        return ops.transpose(ops.reshape(rows, (-1, length, self.num_heads, size)), (0, 2, 1, 3))

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs with `output_dim` last."""
        return (*inputs_shape[:-1], self.output_dim or inputs_shape[-1])

    def get_config(self):
        """The part of the configuration that all kinds share."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "output_dim": self.output_dim,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
