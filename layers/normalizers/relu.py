"""ReLU in place of a softmax: each key is weighed alone."""

import keras
from keras import ops

from .rows import count_allowed, mask_scores, widen


@keras.saving.register_keras_serializable("attnzoo")
def relu(scores, mask=None):
    """Positive scores divided by the number of keys that may be attended; other keys get zero.

    `weights_i = max(score_i, 0) / n`: rows need not sum to one, and no key competes with another.

    Args:
        scores: Tensor of shape `(batch, heads, query, key)`.
        mask: Boolean tensor broadcastable to `scores`, True where attention is allowed.
            Defaults to None (everything may be attended).

    Returns:
        Weights of the shape and dtype of `scores`, zero where `mask` is False.

    Example:
    >>> import numpy as np
    >>> scores, mask = np.array([1.0, -1.0, 3.0]), np.array([True, True, False])
    >>> np.asarray(relu(scores, mask)).tolist()
    [0.5, 0.0, 0.0]

    References:
        Wortsman et al., 2023, "Replacing softmax with ReLU in vision transformers", section 3.
    """
    scores = ops.convert_to_tensor(scores)
    wide = widen(scores)
    weights = ops.relu(mask_scores(wide, mask)) / count_allowed(wide, mask)
    return ops.cast(weights, scores.dtype)
