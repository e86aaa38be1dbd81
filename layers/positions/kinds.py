"""Where a position acts is its type: on the input vectors, on queries and keys, or on scores."""

import keras


class InputPosition(keras.layers.Layer):
    """Adds positions to vectors: `call(inputs, start_index=0, padding_mask=None)`.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        start_index: Position of the first vector: an int or a scalar tensor. Defaults to 0.
        padding_mask: `(batch, length)`, True = real. Only positions that look at neighbours heed
            it. Defaults to None (all real, or as the Keras mask of `inputs` says).

    Returns:
        `(batch, length, hidden_dim)`: the inputs plus their positions, not the positions alone, so
        that Keras masks survive.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the inputs."""
        return inputs_shape


class RotaryPosition(keras.layers.Layer):
    """Turns queries and keys: `call(states, start_index=0)`, `(batch, heads, length, key_dim)`."""


class ScorePosition(keras.layers.Layer):
    """Returns what is added to the scores: `call(query, offsets)`.

    Call arguments:
        query: `(batch, heads, ..., query_length, key_dim)`; a window puts blocks before the
            queries. A position that does not look at the queries reads only the number of heads.
        offsets: Position of each key less that of each query: integers
            `(query_length, key_length)`, or with blocks `(blocks, query_length, key_length)`; a
            NumPy array or a tensor.

    Returns:
        A tensor broadcastable to the scores `(batch, heads, ..., query_length, key_length)`.
    """
