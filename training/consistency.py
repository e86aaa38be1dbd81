"""R-Drop: two passes over the same rows, under two draws of dropout, should answer alike."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class PairConsistency(keras.layers.Layer):
    """Adds to the loss how far the two answers to each row lie apart; returns the logits as is.

    Rows 0 and 1 are the same input twice, as are rows 2 and 3, and so on: dropout makes them
    differ. The loss is `weight * (KL(p, q) + KL(q, p)) / 2` of their class probabilities, in
    training only.

    Args:
        weight: Factor of the loss, α in the paper.

    Call arguments:
        logits: `(2 * rows, num_classes)`.
        training: Whether to add the loss. Defaults to None (Keras decides).

    References:
        Liang et al., 2021, "R-Drop: regularized dropout for neural networks", equation 3.
    """

    def __init__(self, weight, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight

    def call(self, logits, training=None):
        """Returns the logits."""
        if training:
            first, second = ops.log_softmax(logits[0::2]), ops.log_softmax(logits[1::2])
            divergence = ops.sum((ops.exp(first) - ops.exp(second)) * (first - second), axis=-1)
            self.add_loss(self.weight * ops.mean(divergence) / 2)
        return logits

    def compute_output_shape(self, logits_shape):
        """Shape of the outputs: that of the logits."""
        return logits_shape

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "weight": self.weight}


def with_consistency(model, weight):
    """Returns a model of the same layers that also learns to answer alike; for training only."""
    outputs = PairConsistency(weight, name="pair_consistency")(model.output)
    return type(model)(model.input, outputs, name=model.name)
