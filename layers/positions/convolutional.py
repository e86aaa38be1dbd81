"""Convolutional positions: a wide convolution over its neighbourhood tells a vector where it is."""

import keras
from keras import ops

from ..checks import check_positive
from ..gelu import GELU
from ..masks import keras_mask, zeros_for_padding
from .kinds import InputPosition
from .lengths import check_whole


@keras.saving.register_keras_serializable("attnzoo")
class ConvolutionalPositionalEncoding(InputPosition):
    """Adds to each vector what a convolution finds around it: `x + gelu(convolution(x))`.

    Padded vectors are zeros to it, like those beyond the ends, so any length may be seen. An even
    kernel sees one vector more before than behind. Each vector sees later ones too: attention over
    the outputs is not causal.

    Args:
        kernel_size: Vectors that the convolution sees. Defaults to 31.
        groups: Groups of channels, each of which sees only itself; a divisor of their number.
            Defaults to 1.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        start_index: Must be 0; as every input position has it.
        padding_mask: `(batch, length)`, True = real. Defaults to None (the Keras mask of `inputs`
            if it carries one, else all real).

    Returns:
        `(batch, length, hidden_dim)`: the inputs plus their positions.

    Raises:
        ValueError: If a size is not a positive integer, or `groups` does not divide the channels.

    Example:
    >>> import numpy as np
    >>> layer = ConvolutionalPositionalEncoding(kernel_size=4, groups=2)
    >>> tuple(layer(np.zeros((1, 6, 8), "float32")).shape)
    (1, 6, 8)

    References:
        Mohamed et al., 2019, "Transformers with convolutional context for ASR".
        Baevski et al., 2020, "wav2vec 2.0: a framework for self-supervised learning of speech
        representations", section 2 (in groups).
    """

    def __init__(self, kernel_size=31, groups=1, **kwargs):
        super().__init__(**kwargs)
        check_positive(kernel_size=kernel_size, groups=groups)
        self.kernel_size = kernel_size
        self.groups = groups
        self.gelu = GELU(dtype=self.dtype_policy, name="gelu")

    def build(self, inputs_shape):
        """Creates the kernel `(kernel_size, hidden_dim / groups, hidden_dim)` and the bias."""
        hidden_dim = inputs_shape[-1]
        if hidden_dim % self.groups:
            raise ValueError(
                "Expected `groups` to divide the size of the vectors. Received: "
                f"groups={self.groups}, vectors of {hidden_dim}"
            )
        self.kernel = self.add_weight(
            shape=(self.kernel_size, hidden_dim // self.groups, hidden_dim),
            initializer="glorot_uniform",
            name="kernel",
        )
        self.bias = self.add_weight(shape=(hidden_dim,), initializer="zeros", name="bias")

    def call(self, inputs, start_index=0, padding_mask=None):
        """Returns the inputs with the convolution of their neighbourhoods added."""
        check_whole(start_index)
        if padding_mask is None:
            padding_mask = keras_mask(inputs)
        states = zeros_for_padding(ops.convert_to_tensor(inputs), padding_mask)
        around = [self.kernel_size // 2, (self.kernel_size - 1) // 2]
        return inputs + self.gelu(self._convolved(ops.pad(states, [[0, 0], around, [0, 0]])))

    def _convolved(self, states):
        # Group by group: TensorFlow has grouped convolutions for processors by XLA alone, which no
        # exported file can hold, and they are slower.
        groups = zip(
            ops.split(states, self.groups, axis=-1),
            ops.split(ops.convert_to_tensor(self.kernel), self.groups, axis=-1),
            strict=True,
        )
        outputs = [ops.conv(part, kernel, padding="valid") for part, kernel in groups]
        return ops.concatenate(outputs, axis=-1) + self.bias

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "kernel_size": self.kernel_size, "groups": self.groups}
