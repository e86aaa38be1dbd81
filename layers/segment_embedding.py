"""Segments: a learned vector for each part of an input, such as the sentences of a pair."""

import keras
from keras import ops

from .checks import check_positive


@keras.saving.register_keras_serializable("attnzoo")
class SegmentEmbedding(keras.layers.Layer):
    """Adds to every vector that of the segment it belongs to.

    Args:
        num_segments: Number of segments.
        initializer: Initialiser of the vectors. Defaults to `"uniform"` (±0.05).

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.
        segment_ids: `(batch, length)` integers. Defaults to None (all of the first segment).

    Returns:
        `(batch, length, hidden_dim)`.

    Example:
    >>> import numpy as np
    >>> layer = SegmentEmbedding(2, initializer="ones")
    >>> np.asarray(layer(np.zeros((1, 2, 3), "float32"), np.array([[0, 1]])))[0, :, 0].tolist()
    [1.0, 1.0]

    References:
        Devlin et al., 2019, "BERT", section 3.
    """

    def __init__(self, num_segments, initializer="uniform", **kwargs):
        super().__init__(**kwargs)
        check_positive(num_segments=num_segments)
        self.num_segments = num_segments
        self.initializer = keras.initializers.get(initializer)
        self.supports_masking = True

    def build(self, inputs_shape, segment_ids_shape=None):
        """Creates the vectors `(num_segments, hidden_dim)`."""
        self.table = self.add_weight(
            shape=(self.num_segments, inputs_shape[-1]), initializer=self.initializer, name="table"
        )

    def call(self, inputs, segment_ids=None):
        """Returns the inputs with their segments' vectors added."""
        inputs = ops.convert_to_tensor(inputs)
        if segment_ids is None:
            vectors = ops.convert_to_tensor(self.table)[0]
        else:
            vectors = ops.take(self.table, ops.cast(segment_ids, "int32"), axis=0)
        return inputs + ops.cast(vectors, inputs.dtype)

    def compute_mask(self, inputs, previous_mask=None):
        """The mask of the vectors, whatever segments they are of."""
        return previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask

    def compute_output_shape(self, inputs_shape, segment_ids_shape=None):
        """Shape of the outputs: that of the inputs."""
        return inputs_shape

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "num_segments": self.num_segments,
            "initializer": keras.initializers.serialize(self.initializer),
        }
