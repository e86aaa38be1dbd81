"""Self-attention in the shapes of a convolution: images, strides, padding."""

import math

import keras
from keras import ops

from .lookup import serialize


@keras.saving.register_keras_serializable("attnzoo")
class AttentionAsConvolution(keras.layers.Layer):
    """Gives self-attention the shapes of a convolution; see `attention_from_convolution`.

    Flattens a grid to a sequence, attends, and keeps the positions where the kernel of the
    convolution stands: those inside the border for padding `"valid"`, every stride-th of them.

    Args:
        self_attention: The `MultiHeadSelfAttention` whose position is `ConvolutionTaps`.
        kernel_size: Size of the convolution's kernel, a tuple with one number for each axis.
        strides: Its strides, a tuple.
        padding: Its padding: `"same"`, `"valid"` or `"causal"`.
        dilation_rate: Its dilation, a tuple.
        activation: What is applied to the outputs. Defaults to None.

    Call arguments:
        inputs: `(batch, length, channels)` or `(batch, height, width, channels)`.

    Returns:
        `(batch, new_length, filters)` or `(batch, new_height, new_width, filters)`.

    Raises:
        ValueError: If images have another width than `ConvolutionTaps` was made for.
    """

    def __init__(
        self,
        self_attention,
        kernel_size,
        strides,
        padding,
        dilation_rate,
        activation=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if isinstance(self_attention, dict):
            self_attention = keras.saving.deserialize_keras_object(self_attention)
        self.self_attention = self_attention
        self.kernel_size = list(kernel_size)
        self.strides = list(strides)
        self.padding = padding
        self.dilation_rate = list(dilation_rate)
        self.activation = keras.activations.get(activation)

    def build(self, inputs_shape):
        """Builds the attention, and checks the width of the images."""
        width = self.self_attention.attention.position_layer.width
        if width is not None and inputs_shape[2] != width:
            raise ValueError(
                f"Expected images of width {width}, for which the attention was made. "
                f"Received: input shape {tuple(inputs_shape)}"
            )
        if not self.self_attention.built:
            self.self_attention.build((None, None, inputs_shape[-1]))
        # Keras then refuses other widths and channels in every later call.
        self.input_spec = keras.layers.InputSpec(
            ndim=len(inputs_shape),
            axes={-1: inputs_shape[-1], **({} if width is None else {2: width})},
        )

    def call(self, inputs):
        """Returns what the convolution returns."""
        sizes = ops.shape(inputs)[1:-1]
        states = ops.reshape(inputs, (-1, math.prod(sizes), inputs.shape[-1]))
        outputs = self.self_attention(states)
        outputs = ops.reshape(outputs, (-1, *sizes, outputs.shape[-1]))
        for axis, size in enumerate(sizes):
            if self.padding == "valid" or self.strides[axis] > 1:
                steps = self.strides[axis] * ops.arange(self._count(axis, size))
                outputs = ops.take(outputs, self._first(axis, size) + steps, axis=1 + axis)
        return self.activation(outputs)

    def _reach(self, axis):
        """How far the first and the last tap are apart."""
        return (self.kernel_size[axis] - 1) * self.dilation_rate[axis]

    def _count(self, axis, size):
        """How many positions of an axis the convolution has."""
        room = size - self._reach(axis) if self.padding == "valid" else size
        return (room - 1) // self.strides[axis] + 1

    def _first(self, axis, size):
        """Where the first of them stands in the attention, whose padding is that of stride 1."""
        if self.padding == "causal":
            return 0
        before = self._reach(axis) // 2
        if self.padding == "valid":
            return before
        # With strides only what the last kernel lacks is padded, one half of it in front.
        lacking = ops.maximum(self._reach(axis) - (size - 1) % self.strides[axis], 0)
        return before - lacking // 2

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the convolution's."""
        sizes = [
            size if size is None else self._count(axis, size)
            for axis, size in enumerate(inputs_shape[1:-1])
        ]
        return (inputs_shape[0], *sizes, self.self_attention.output_dim)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "self_attention": serialize(self.self_attention),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "activation": keras.activations.serialize(self.activation),
        }
