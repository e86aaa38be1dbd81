"""Metrics that Keras lacks."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
class LabelAccuracy(keras.metrics.MeanMetricWrapper):
    """Share of right answers, where labels are integers or, of mixed images, shares of classes.

    Keras's own accuracies take one of the two for the whole of a training, and data that are mixed
    in training are not in validation.

    Args:
        name: Name of the metric. Defaults to `"accuracy"`.
        dtype: Dtype of the result. Defaults to None (Keras's `floatx`).

    Example:
    >>> import numpy as np
    >>> metric, logits = LabelAccuracy(), np.array([[0.1, 0.9], [0.8, 0.2]])
    >>> float(metric(np.array([1, 1]), logits))
    0.5
    >>> float(metric(np.array([[0, 1], [0.6, 0.4]]), logits))
    0.75
    """

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(label_accuracy, name=name, dtype=dtype)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {"name": self.name, "dtype": self.dtype}


def label_accuracy(y_true, y_pred):
    """Returns 1.0 where the largest logit is that of the label, or of the label's largest share.

    Args:
        y_true: Integers `(...)`, or shares `(..., num_classes)`.
        y_pred: Logits `(..., num_classes)`.
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape):
        y_true = ops.argmax(y_true, axis=-1)
    answers = ops.argmax(y_pred, axis=-1)
    return ops.cast(ops.equal(ops.cast(y_true, answers.dtype), answers), keras.config.floatx())
