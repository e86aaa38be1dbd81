"""Gathering: the vectors at chosen positions, such as that of each word's first piece."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class GatherPositions(keras.layers.Layer):
    """Returns the vectors at chosen positions; zeros where there is no position.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        positions: `(batch, words)` integers; -1 is no position.

    Returns:
        `(batch, words, hidden_dim)`.

    Example:
    >>> import numpy as np
    >>> vectors = np.array([[[1.0], [2.0], [3.0]]], "float32")
    >>> np.asarray(GatherPositions()(vectors, np.array([[2, 0, -1]]))).ravel().tolist()
    [3.0, 1.0, 0.0]
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, inputs_shape, positions_shape=None):
        """Has no weights; marks the layer as built."""
        self.built = True

    def call(self, inputs, positions):
        """Returns one vector for each position."""
        inputs = ops.convert_to_tensor(inputs)
        positions = ops.cast(positions, "int32")[:, :, None]
        vectors = ops.take_along_axis(inputs, ops.maximum(positions, 0), axis=1)
        return ops.where(positions >= 0, vectors, ops.zeros((), inputs.dtype))

    def compute_mask(self, inputs, previous_mask=None):
        """Words have no Keras mask; -1 says where there is none."""
        return None

    def compute_output_shape(self, inputs_shape, positions_shape):
        """Shape of the outputs: one vector for each position."""
        return (*positions_shape, inputs_shape[-1])
