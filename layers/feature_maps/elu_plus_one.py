"""The feature map elu(x) + 1."""

import keras
from keras import ops

# Below this a feature is as at this, 4e-18: a product of two is still a float32 number.
_LOWEST_STATE = -40.0


@keras.saving.register_keras_serializable("attnzoo")
def elu_plus_one(states):
    """Returns `elu(x) + 1` of every number: `x + 1` above zero, `exp(x)` below.

    Args:
        states: Queries or keys, `(batch, heads, length, key_dim)`.

    Returns:
        Positive features of the shape and dtype of `states`.

    Example:
    >>> import numpy as np
    >>> np.asarray(elu_plus_one(np.array([-1.0, 0.0, 2.0]))).round(3).tolist()
    [0.368, 1.0, 3.0]

    References:
        Katharopoulos et al., 2020, "Transformers are RNNs: fast autoregressive Transformers with
        linear attention", equation 7.
    """
    states = ops.convert_to_tensor(states)
    # Not `elu(x) + 1` literally: `(exp(-17) - 1) + 1` is zero in float32. The exponential lies
    # above its tangent, so that the larger of the two is the one that is meant.
    return ops.maximum(states + 1, ops.exp(ops.clip(states, _LOWEST_STATE, 0.0)))
