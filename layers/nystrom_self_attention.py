"""Nyström self-attention: softmax attention approached through a few landmarks."""

import keras
from keras import ops

from .checks import check_positive
from .masks import keras_mask
from .normalizers import softmax
from .projections import SelfAttentionProjections
from .pseudo_inverse import pseudo_inverse
from .scores import dot
from .segments import segment_averages

# What a landmark matrix of lower rank loses to rounding triples with each iteration.
_MOST_ITERATIONS = 20


@keras.saving.register_keras_serializable("attnzoo")
class NystromSelfAttention(SelfAttentionProjections):
    """Softmax self-attention by way of landmarks, in time linear in the length.

    The landmarks `q̃` and `k̃` are the means of the queries and keys of consecutive segments; then
    `heads = softmax(q k̃ᵀ) · pinv(softmax(q̃ k̃ᵀ)) · softmax(q̃ kᵀ) v`, all scores over
    `sqrt(key_dim)`. A sequence with no more real tokens than landmarks makes each token a landmark,
    and the heads are those of softmax attention as far as the pseudo-inverse has converged.

    Segments divide the real tokens of each sequence, not the padded length, so that padding does
    not change what is real. All is computed in float32 at least: the pseudo-inverse magnifies the
    errors of what it is multiplied with.

    Args:
        num_heads: Number of heads.
        key_dim: Size of each head's queries and keys. Defaults to None (input size divided by
            `num_heads`).
        value_dim: Size of each head's values. Defaults to None (`key_dim`).
        output_dim: Size of the output vectors. Defaults to None (input size).
        num_landmarks: Number of segments, and of landmarks. Defaults to 32.
        num_iterations: Iterations of the pseudo-inverse, 20 at most: that is exact as far as
            float32 goes, and more magnify its rounding errors. Defaults to 6, after the paper.
        conv_kernel_size: Odd number of positions of a depthwise convolution, one kernel for each
            head, whose values are added to the heads. Defaults to None (no convolution).
        use_bias: Whether the four projections have biases. Defaults to True.
        kernel_initializer: Initialiser of the projections. Defaults to `"glorot_uniform"`.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        padding_mask: `(batch, length)`, True = real token. Defaults to None (the Keras mask of
            `inputs` if it carries one, else all real).

    Returns:
        `(batch, length, output_dim)`. A sequence with nothing to attend gathers zeros.

    Raises:
        ValueError: If an argument is out of range.

    Example:
    >>> import numpy as np
    >>> vectors = np.random.default_rng(0).normal(size=(2, 100, 32)).astype("float32")
    >>> tuple(NystromSelfAttention(num_heads=4, num_landmarks=16)(vectors).shape)
    (2, 100, 32)

    References:
        Xiong et al., 2021, "Nyströmformer: a Nyström-based algorithm for approximating
        self-attention", equations 13 and 14, algorithm 1.
    """

    def __init__(
        self,
        num_heads,
        key_dim=None,
        value_dim=None,
        output_dim=None,
        num_landmarks=32,
        num_iterations=6,
        conv_kernel_size=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(
            num_heads, key_dim, value_dim, output_dim, use_bias, kernel_initializer, **kwargs
        )
        check_positive(num_landmarks=num_landmarks, num_iterations=num_iterations)
        if num_iterations > _MOST_ITERATIONS:
            raise ValueError(
                "Received an invalid value for argument `num_iterations`, expected at most "
                f"{_MOST_ITERATIONS}: where tokens are alike, more magnify rounding errors without "
                f"end. Received: num_iterations={num_iterations}"
            )
        check_positive(optional=True, conv_kernel_size=conv_kernel_size)
        if conv_kernel_size is not None and conv_kernel_size % 2 == 0:
            raise ValueError(
                "Received an invalid value for argument `conv_kernel_size`, expected an odd "
                "number, so that a position stands in the middle of what it sees. "
                f"Received: conv_kernel_size={conv_kernel_size}"
            )
        self.num_landmarks = num_landmarks
        self.num_iterations = num_iterations
        self.conv_kernel_size = conv_kernel_size
        self._exact_dtype = keras.backend.result_type(self.compute_dtype, "float32")

    def build(self, inputs_shape):
        """Creates and builds the projections, and the convolution if there is one."""
        super().build(inputs_shape)
        if self.conv_kernel_size is None:
            return
        self.conv = keras.layers.DepthwiseConv1D(
            self.conv_kernel_size,
            padding="same",
            use_bias=False,
            depthwise_initializer=self.kernel_initializer.clone(),
            dtype=self._exact_dtype,
            name="conv",
        )
        self.conv.build((None, None, self.num_heads))

    def call(self, inputs, padding_mask=None):
        """Returns the attended vectors."""
        if padding_mask is None:
            padding_mask = keras_mask(inputs)
        query, key, value = (ops.cast(x, self._exact_dtype) for x in self.project(inputs))
        if padding_mask is None:
            padding_mask = ops.ones(ops.shape(query)[:1] + ops.shape(query)[2:3], "bool")
        else:
            padding_mask = ops.cast(padding_mask, "bool")
        averages = segment_averages(padding_mask, self.num_landmarks, self._exact_dtype)[:, None]
        is_landmark = ops.any(averages > 0, axis=-1)[:, :, None, :]
        query_landmarks, key_landmarks = ops.matmul(averages, query), ops.matmul(averages, key)

        to_landmarks = softmax(dot(query, key_landmarks), is_landmark)
        between_landmarks = softmax(dot(query_landmarks, key_landmarks), is_landmark)
        # The row of a landmark without tokens would keep the inverse from converging.
        between_landmarks = between_landmarks * ops.cast(
            ops.swapaxes(is_landmark, -1, -2), self._exact_dtype
        )
        from_landmarks = softmax(dot(query_landmarks, key), padding_mask[:, None, None, :])
        gathered = ops.matmul(
            pseudo_inverse(between_landmarks, self.num_iterations),
            ops.matmul(from_landmarks, value),
        )
        heads = ops.matmul(to_landmarks, gathered)
        if self.conv_kernel_size is not None:
            heads = heads + self._convolve(value, padding_mask)
        return self.combine(ops.cast(heads, self.compute_dtype))

    def _convolve(self, value, padding_mask):
        """Each head's kernel along the values of each channel: the channels stand as a batch."""
        value = ops.where(padding_mask[:, None, :, None], value, 0)
        length, size = ops.shape(value)[2], value.shape[-1]
        channels = ops.reshape(ops.transpose(value, (0, 3, 2, 1)), (-1, length, self.num_heads))
        channels = ops.reshape(self.conv(channels), (-1, size, length, self.num_heads))
        return ops.transpose(channels, (0, 3, 2, 1))

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "num_landmarks": self.num_landmarks,
            "num_iterations": self.num_iterations,
            "conv_kernel_size": self.conv_kernel_size,
        }
