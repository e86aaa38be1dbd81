"""L2: a penalty on large weights in the loss, where Adam's steps weigh it with the rest."""

import keras
from keras import ops

# What a penalty would only keep from doing its work.
_SPARED = ("bias", "gamma", "beta")


@keras.saving.register_keras_serializable("attnzoo")
class WeightPenalty(keras.layers.Layer):
    """Adds `factor / 2 * Σ w²` to the loss, in training only; returns the logits as is.

    Args:
        factor: Factor of the penalty, the `weight_decay` of an optimiser that is not decoupled.
        variables: The weights, which remain those of their layers. Defaults to none.

    Call arguments:
        logits: Of any shape.
        training: Whether to add the loss. Defaults to None (Keras decides).
    """

    def __init__(self, factor, variables=(), **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        # Behind a function, as Keras would count variables for weights of this layer.
        self._penalised = lambda: variables

    def call(self, logits, training=None):
        """Returns the logits."""
        if training:
            squares = [ops.sum(ops.square(variable)) for variable in self._penalised()]
            self.add_loss(self.factor / 2 * sum(squares))
        return logits

    def compute_output_shape(self, logits_shape):
        """Shape of the outputs: that of the logits."""
        return logits_shape


def with_weight_penalty(model, factor):
    """Returns a model of the same layers whose kernels are penalised; for training only."""
    kernels = [weight for weight in model.trainable_variables if weight.name not in _SPARED]
    outputs = WeightPenalty(factor, kernels, name="weight_penalty")(model.output)
    return type(model)(model.input, outputs, name=model.name)
