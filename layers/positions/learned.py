"""Learned positions: one vector for each position, up to a maximum."""

import keras
import numpy as np
from keras import ops

from ..checks import check_positive
from .kinds import InputPosition
from .lengths import check_length, known_int


@keras.saving.register_keras_serializable("attnzoo")
class LearnedPositionalEncoding(InputPosition):
    """Adds a learned vector for each position to the input.

    Args:
        max_length: Number of positions in the table.
        initializer: Initialiser of the table. Defaults to `"uniform"` (±0.05).

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        start_index: Position of the first vector: an int or a scalar tensor. Defaults to 0.
        padding_mask: Not needed; as every input position has it.

    Returns:
        `(batch, length, hidden_dim)`: the inputs plus their positions.

    Raises:
        ValueError: If the known length exceeds `max_length`. A TensorFlow graph in which it is not
            known fails when it runs, naming `past_max_length`; a function compiled by JAX, in which
            nothing can fail, returns NaN.

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

    def build(self, inputs_shape):
        """Creates the table `(max_length, hidden_dim)`."""
        self.table = self.add_weight(
            shape=(self.max_length, inputs_shape[-1]), initializer=self.initializer, name="table"
        )

    def call(self, inputs, start_index=0, padding_mask=None):
        """Returns the inputs with their positions added."""
        check_length(inputs.shape[1], start_index, self.max_length)
        # An error of a TensorFlow graph tells the name of what failed.
        with keras.name_scope(f"past_max_length_{self.max_length}"):
            encoding = self._rows(start_index, ops.shape(inputs)[1])
        return inputs + ops.cast(encoding, inputs.dtype)

    def _rows(self, start_index, length):
        table = ops.convert_to_tensor(self.table)
        rows = ops.slice(table, (start_index, 0), (length, table.shape[-1]))
        if known_int(start_index) is None:
            # JAX moves a slice that reaches past the end back until it fits.
            start_index = ops.cast(start_index, "int32")
            inside = ops.logical_and(start_index >= 0, start_index + length <= self.max_length)
            rows = ops.where(inside, rows, ops.cast(np.nan, rows.dtype))
        return rows

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "max_length": self.max_length,
            "initializer": keras.initializers.serialize(self.initializer),
        }
