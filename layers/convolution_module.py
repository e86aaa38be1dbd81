"""The convolution module of the Conformer, made causal: what attention looks for, near by."""

import keras
from keras import ops

from .checks import check_positive
from .frame_mask import FrameMask
from .layer_normalization import LayerNormalization
from .masks import zeros_for_padding


@keras.saving.register_keras_serializable("attnzoo")
class ConvolutionModule(keras.layers.Layer):
    """Adds to each vector what a gated convolution over it and the vectors before it finds.

    `x + dropout(dense(swish(norm(depthwise(glu(dense(norm(x))))))))`. The convolution is causal, so
    that a stream gives the same outputs (`step`), and normalises each vector by itself, where the
    paper takes the statistics of the batch, padding among it. Vectors that are not real count as
    zeros.

    Args:
        kernel_size: Vectors that the convolution sees, itself the last. Defaults to 15.
        dropout: Rate on the branch. Defaults to 0.0.
        layer_norm_epsilon: Added to each variance. Defaults to 1e-6.
        kernel_initializer: Initialiser of dense layers and convolution. Defaults to
            `"glorot_uniform"`.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        padding_mask: `(batch, length)`, True = real. Defaults to None (all real).
        training: Whether dropout is active. Defaults to None (Keras decides).

    Returns:
        `(batch, length, hidden_dim)`.

    Raises:
        ValueError: If `kernel_size` is not a positive integer.

    Example:
    >>> import numpy as np
    >>> tuple(ConvolutionModule(kernel_size=3)(np.zeros((2, 7, 16), "float32")).shape)
    (2, 7, 16)

    References:
        Gulati et al., 2020, "Conformer: convolution-augmented Transformer for speech recognition",
        section 2.2.
        Zhang et al., 2021, "WeNet: production oriented streaming and non-streaming end-to-end
        speech recognition toolkit" (causal, with layer normalisation).
    """

    def __init__(
        self,
        kernel_size=15,
        dropout=0.0,
        layer_norm_epsilon=1e-6,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive(kernel_size=kernel_size)
        self.kernel_size = kernel_size
        self.dropout = dropout
        self.layer_norm_epsilon = layer_norm_epsilon
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.input_norm = LayerNormalization(
            layer_norm_epsilon, dtype=self.dtype_policy, name="input_norm"
        )
        self.depthwise = keras.layers.DepthwiseConv1D(
            kernel_size,
            depthwise_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name="depthwise",
        )
        self.depthwise_norm = LayerNormalization(
            layer_norm_epsilon, dtype=self.dtype_policy, name="depthwise_norm"
        )
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, inputs_shape):
        """Creates the two dense layers, whose sizes are the input's, and builds all parts."""
        hidden_dim = inputs_shape[-1]
        self.gate_dense = self._dense(2 * hidden_dim, "gate")
        self.output_dense = self._dense(hidden_dim, "output")
        for part in (self.input_norm, self.depthwise_norm, self.gate_dense, self.output_dense):
            part.build((None, hidden_dim))
        self.depthwise.build((None, None, hidden_dim))

    def _dense(self, units, name):
        return keras.layers.Dense(
            units,
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name=name,
        )

    def call(self, inputs, padding_mask=None, training=None):
        """Returns the vectors of whole sequences."""
        inputs = ops.convert_to_tensor(inputs)
        gated = self._gated(inputs, padding_mask)
        before = ops.pad(gated, [[0, 0], [self.kernel_size - 1, 0], [0, 0]])
        return self._add(inputs, before, training)

    def initial_state(self, batch_size):
        """Returns the state before the first vector: `gated`, the zeros before it."""
        hidden_dim = self.output_dense.units
        return {
            "gated": ops.zeros((batch_size, self.kernel_size - 1, hidden_dim), self.compute_dtype)
        }

    def step(self, inputs, state, padding_mask):
        """Returns the next vectors, their mask and the new state.

        Args:
            inputs: The next vectors `(batch, length, hidden_dim)`.
            state: What `initial_state` or the last `step` returned.
            padding_mask: `(batch, length)`, True = real.

        Returns:
            `(batch, length, hidden_dim)`, `(batch, length)` and the new state.
        """
        inputs = ops.convert_to_tensor(inputs)
        gated = ops.concatenate([state["gated"], self._gated(inputs, padding_mask)], axis=1)
        outputs = self._add(inputs, gated, training=False)
        return outputs, padding_mask, {"gated": gated[:, inputs.shape[1] :]}

    def _gated(self, inputs, padding_mask):
        """What the convolution sees of the vectors: zeros for those that are not real."""
        length, hidden_dim = ops.shape(inputs)[1], inputs.shape[-1]
        rows = self.gate_dense(self.input_norm(ops.reshape(inputs, (-1, hidden_dim))))
        values, gates = ops.split(rows, 2, axis=-1)
        gated = ops.reshape(values * ops.sigmoid(gates), (-1, length, hidden_dim))
        return zeros_for_padding(gated, FrameMask(1)(inputs, padding_mask=padding_mask))

    def _add(self, inputs, gated, training):
        length, hidden_dim = ops.shape(inputs)[1], inputs.shape[-1]
        rows = ops.reshape(self.depthwise(gated), (-1, hidden_dim))
        rows = self.output_dense(ops.silu(self.depthwise_norm(rows)))
        branch = ops.reshape(rows, (-1, length, hidden_dim))
        return inputs + self.dropout_layer(branch, training=training)

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs."""
        return inputs_shape

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "dropout": self.dropout,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
