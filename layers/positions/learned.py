"""Learned positions: one vector for each position, up to a maximum."""

import keras
from keras import ops

from ..checks import check_positive
from .sinusoidal import check_length


@keras.saving.register_keras_serializable("attnzoo")
class LearnedPositionalEncoding(keras.layers.Layer):
    """Adds a learned vector for each position to the input.

    Args:
        max_length: Number of positions in the table.
        initializer: Initialiser of the table. Defaults to `"uniform"` (±0.05).

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        start_index: Position of the first vector. Defaults to 0.

    Returns:
        `(batch, length, hidden_dim)`: the inputs plus their positions.

    Raises:
        ValueError: If the known length exceeds `max_length`. A length known only at run time fails
            there, as the slice is then shorter than the input.

    Example:
    >>> import numpy as np
    >>> layer = LearnedPositionalEncoding(max_length=16)
    >>> tuple(layer(np.zeros((2, 5, 8), "float32")).shape)
    (2, 5, 8)

    References:
        Devlin et al., 2019, "BERT", section 3.
    """

    def __init__(self, max_length, initializer="uniform", **kwargs):
        super().__init__(**kwargs)
        check_positive(max_length=max_length)
        self.max_length = max_length
        self.initializer = keras.initializers.get(initializer)
        self.supports_masking = True

    def build(self, inputs_shape):
        """Creates the table `(max_length, hidden_dim)`."""
        self.table = self.add_weight(
            shape=(self.max_length, inputs_shape[-1]), initializer=self.initializer, name="table"
        )

    def call(self, inputs, start_index=0):
        """Returns the inputs with their positions added."""
        length = ops.shape(inputs)[1]
        check_length(inputs.shape[1], start_index, self.max_length)
        encoding = ops.slice(
            ops.convert_to_tensor(self.table), (start_index, 0), (length, inputs.shape[-1])
        )
        return inputs + ops.cast(encoding, inputs.dtype)

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs."""
        return inputs_shape

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "max_length": self.max_length,
            "initializer": keras.initializers.serialize(self.initializer),
        }
