"""The class token: a learned vector before the others, to gather what the answer needs."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class ClassToken(keras.layers.Layer):
    """Puts one learned vector before every sequence.

    Args:
        initializer: Initialiser of the vector. Defaults to `"zeros"`.

    Call arguments:
        inputs: `(batch, length, hidden_dim)`.

    Returns:
        `(batch, 1 + length, hidden_dim)`.

    Example:
    >>> import numpy as np
    >>> np.asarray(ClassToken("ones")(np.zeros((1, 2, 3), "float32")))[0, :, 0].tolist()
    [1.0, 0.0, 0.0]

    References:
        Devlin et al., 2019, "BERT", section 3; Dosovitskiy et al., 2021, "An image is worth 16x16
        words", equation 1.
    """

    def __init__(self, initializer="zeros", **kwargs):
        super().__init__(**kwargs)
        self.initializer = keras.initializers.get(initializer)

    def build(self, inputs_shape):
        """Creates the vector `(hidden_dim,)`."""
        self.token = self.add_weight(
            shape=(inputs_shape[-1],), initializer=self.initializer, name="token"
        )

    def call(self, inputs):
        """Returns the sequences with the vector before each."""
        inputs = ops.convert_to_tensor(inputs)
        shape = (ops.shape(inputs)[0], 1, inputs.shape[-1])
        return ops.concatenate([ops.broadcast_to(self.token, shape), inputs], axis=1)

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: one vector more."""
        batch, length, hidden_dim = inputs_shape
        return (batch, None if length is None else length + 1, hidden_dim)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "initializer": keras.initializers.serialize(self.initializer),
        }
