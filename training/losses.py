"""Losses that Keras lacks."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of logits with labels, smoothed towards the uniform distribution.

    Args:
        label_smoothing: Share of the target that is spread over all classes. Defaults to 0.0.
        class_weights: Weight of the loss of each class's examples, a list. `model.fit` has such
            weights too, but not where padding weighs nothing. Defaults to None (all weigh 1).

    Call arguments:
        y_true: Integer labels `(batch,)`, or a share for each class `(batch, num_classes)`.
        y_pred: Logits `(batch, num_classes)`.

    Example:
    >>> import numpy as np
    >>> loss = SmoothedCrossentropy(label_smoothing=0.1)
    >>> round(float(loss(np.array([1]), np.array([[0.0, 2.0]], "float32"))), 4)
    0.2269

    References:
        Szegedy et al., 2016, "Rethinking the Inception architecture", section 7.
    """

    def __init__(
        self, label_smoothing=0.0, class_weights=None, name="smoothed_crossentropy", **kwargs
    ):
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing
        self.class_weights = class_weights

    def call(self, y_true, y_pred):
        """Returns the loss of each example, `(batch,)`."""
        if len(y_true.shape) == len(y_pred.shape):
            targets = ops.cast(y_true, y_pred.dtype)
        else:
            targets = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
        loss = keras.losses.categorical_crossentropy(
            targets, y_pred, from_logits=True, label_smoothing=self.label_smoothing
        )
        if self.class_weights is None:
            return loss
        return loss * ops.matmul(targets, ops.convert_to_tensor(self.class_weights, targets.dtype))

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
            "class_weights": self.class_weights,
        }


@keras.saving.register_keras_serializable("attnzoo")
class CTCLoss(keras.losses.Loss):
    """Connectionist temporal classification: minus the log-likelihood over all alignments.

    Class 0 is blank, and pads the targets. Every row counts as long as the logits are: the model
    has to be sure of blank in padded vectors, as `layers.BlankPadding` makes it, for then they
    change nothing. `keras.losses.CTC` does the same with padding that the model is not sure of.

    Args:
        reduction: As of any Keras loss. Defaults to `"sum_over_batch_size"`.

    Call arguments:
        y_true: Classes `(batch, symbols)`, padded with 0 at the end.
        y_pred: Logits `(batch, vectors, num_classes)`.

    Example:
    >>> import numpy as np
    >>> loss = CTCLoss()  # Three of the four paths of two vectors: `1-`, `11`, `-1`.
    >>> round(float(loss(np.array([[1]]), np.zeros((1, 2, 2), "float32"))), 4)
    0.2877

    References:
        Graves et al., 2006, "Connectionist temporal classification: labelling unsegmented sequence
        data with recurrent neural networks", equation 5.
    """

    def __init__(self, reduction="sum_over_batch_size", name="ctc_loss", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        """Returns the loss of each row, `(batch,)`."""
        targets = ops.cast(y_true, "int32")
        batch, vectors = ops.shape(y_pred)[:2]
        return ops.ctc_loss(
            targets,
            y_pred,
            target_length=ops.sum(ops.cast(targets > 0, "int32"), axis=1),
            output_length=ops.full((batch,), vectors, "int32"),
            mask_index=0,
        )

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {"reduction": self.reduction, "name": self.name, "dtype": self.dtype}
