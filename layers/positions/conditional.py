"""Conditional positions: a small convolution lets every vector know its neighbours."""

import math

import keras
from keras import ops

from ..checks import check_positive
from ..masks import keras_mask, zeros_for_padding
from .kinds import InputPosition
from .lengths import check_whole, check_whole_grid, checked_grid


@keras.saving.register_keras_serializable("attnzoo")
class ConditionalPositionalEncoding(InputPosition):
    """Adds to each vector a depthwise convolution of its neighbourhood: `x + convolution(x)`.

    The zeros beyond the border, which the convolution sees, are what tells where a vector stands;
    so any length may be seen, longer ones than in training included. Padded vectors are zeros to
    it, like those beyond the border. Each vector sees `(kernel_size - 1) / 2` others on every side,
    later ones too: attention over the outputs is not causal.

    Args:
        kernel_size: Number of vectors that the convolution sees along each axis, odd. Defaults
            to 3.
        grid: `(height, width)`, the rows of which, one after the other, are the sequence. Defaults
            to None (a sequence of any length).

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        start_index: Must be 0; as every input position has it.
        padding_mask: `(batch, length)`, True = real. Defaults to None (the Keras mask of `inputs`
            if it carries one, else all real).

    Returns:
        `(batch, length, hidden_dim)`: the inputs plus their positions.

    Raises:
        ValueError: If `kernel_size` is not odd, `grid` is no size, or the known length is not that
            of the grid. A graph in which it is not known fails when it runs, naming
            `length_must_be`.

    Example:
    >>> import numpy as np
    >>> layer = ConditionalPositionalEncoding(grid=(2, 3))
    >>> tuple(layer(np.zeros((1, 6, 8), "float32")).shape)
    (1, 6, 8)

    References:
        Chu et al., 2021, "Conditional positional encodings for vision Transformers", section 3.3;
        the kernel starts as in the authors' code.
    """

    def __init__(self, kernel_size=3, grid=None, **kwargs):
        super().__init__(**kwargs)
        check_positive(kernel_size=kernel_size)
        if kernel_size % 2 == 0:
            raise ValueError(
                "Received an invalid value for argument `kernel_size`, expected an odd integer, so "
                f"that there are as many neighbours on each side. Received: {kernel_size=}"
            )
        self.kernel_size = kernel_size
        self.grid = None if grid is None else checked_grid(grid)
        layer_class, taps = keras.layers.DepthwiseConv1D, kernel_size
        if self.grid is not None:
            layer_class, taps = keras.layers.DepthwiseConv2D, kernel_size**2
        self.convolution = layer_class(
            kernel_size,
            padding="same",
            data_format="channels_last",
            depthwise_initializer=keras.initializers.RandomNormal(stddev=math.sqrt(2 / taps)),
            dtype=self.dtype_policy,
            name="convolution",
        )

    def build(self, inputs_shape):
        """Builds the convolution."""
        self.convolution.build((None, *(self.grid or (None,)), inputs_shape[-1]))

    def call(self, inputs, start_index=0, padding_mask=None):
        """Returns the inputs with the convolution of their neighbourhoods added."""
        if padding_mask is None:
            padding_mask = keras_mask(inputs)
        states = zeros_for_padding(inputs, padding_mask)
        if self.grid is None:
            check_whole(start_index)
            return inputs + self.convolution(states)
        check_whole_grid(inputs.shape[1], start_index, self.grid)
        states = self.convolution(self._to_grid(states))
        return inputs + ops.reshape(states, (-1, math.prod(self.grid), inputs.shape[2]))

    def _to_grid(self, states):
        # Where the length is open, -1 for the batch would let rows of one image stray into another.
        batch = -1 if states.shape[1] is not None else ops.shape(states)[0]
        # An error of a TensorFlow graph tells the name of what failed.
        with keras.name_scope(f"length_must_be_{math.prod(self.grid)}"):
            return ops.reshape(states, (batch, *self.grid, states.shape[2]))

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "grid": None if self.grid is None else list(self.grid),
        }
