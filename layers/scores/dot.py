"""Scaled dot-product score."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("attnzoo")
def dot(query, key):
    """Scaled dot product of every query with every key: `query · key / sqrt(key_dim)`.

    Args:
        query: Tensor of shape `(batch, heads, query_length, key_dim)`.
        key: Tensor of shape `(batch, heads, key_length, key_dim)`.

    Returns:
        Scores of shape `(batch, heads, query_length, key_length)`.

    Example:
    >>> import numpy as np
    >>> query = np.ones((1, 1, 2, 4), "float32")
    >>> tuple(dot(query, query).shape)
    (1, 1, 2, 2)

    References:
        Vaswani et al., 2017, "Attention is all you need", equation 1.
    """
    # Scaling the query touches length * key_dim numbers; scaling the scores would touch length².
    query = ops.convert_to_tensor(query)
    return ops.matmul(query * query.shape[-1] ** -0.5, ops.swapaxes(key, -1, -2))
