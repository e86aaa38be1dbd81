"""A number drawn anew for each batch in training, such as which of several windows to use."""

import keras
from keras import ops

from .checks import check_positive


@keras.saving.register_keras_serializable("attnzoo")
class RandomChoice(keras.layers.Layer):
    """Draws one of `0 ... num_choices - 1` for each batch in training; else it is 0.

    Args:
        num_choices: How many there are to choose from.
        seed: Seed of the choices. Defaults to None (Keras's global seed).

    Call arguments:
        inputs: Any tensor; it is not looked at, and makes the layer a part of its model.
        training: Whether to draw. Defaults to None (Keras decides).

    Returns:
        An integer scalar.

    Raises:
        ValueError: If `num_choices` is not a positive integer.

    Example:
    >>> import numpy as np
    >>> int(RandomChoice(3)(np.zeros((2, 5))))
    0

    References:
        Noroozi et al., 2024, "Stateful Conformer with cache-based inference for streaming automatic
        speech recognition", section 2.3 (a model of several look-aheads).
    """

    def __init__(self, num_choices, seed=None, **kwargs):
        super().__init__(**kwargs)
        check_positive(num_choices=num_choices)
        self.num_choices = num_choices
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, inputs_shape):
        """Has no weights; marks the layer as built."""
        self.built = True

    def call(self, inputs, training=None):
        """Returns the number."""
        if not training:
            return ops.zeros((), "int32")
        return keras.random.randint((), 0, self.num_choices, "int32", seed=self.seed_generator)

    def compute_output_spec(self, inputs, training=None):
        """Symbolic number."""
        return keras.KerasTensor((), dtype="int32")

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "num_choices": self.num_choices, "seed": self.seed}
