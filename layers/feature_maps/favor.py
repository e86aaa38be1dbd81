"""FAVOR+: positive orthogonal random features, whose products approach those of softmax."""

import math

import keras
from keras import ops

from ..checks import check_positive

# Added to each feature, as a share of the vector's largest: no two vectors are without relevance.
_SMALLEST_SHARE = 1e-8
# How large the logarithm of a vector's largest feature may get, up or down: products of two such
# features, summed over any length, stay within float32.
_LARGEST_EXPONENT = 20.0


@keras.saving.register_keras_serializable("attnzoo")
class OrthogonalGaussian(keras.initializers.RandomNormal):
    """Draws columns that are each Gaussian, and orthogonal to each other in blocks of their size.

    Args:
        seed: Integer, or None for another draw in each initialiser. Defaults to None.

    Example:
    >>> import numpy as np
    >>> columns = np.asarray(OrthogonalGaussian(seed=0)((4, 4)))
    >>> products = columns.T @ columns
    >>> bool(np.allclose(products, np.diag(np.diag(products)), atol=1e-5))
    True

    References:
        Choromanski et al., 2021, "Rethinking attention with Performers", section 2.4.
    """

    def __init__(self, seed=None):
        super().__init__(mean=0.0, stddev=1.0, seed=seed)

    def __call__(self, shape, dtype=None):
        """Returns a tensor of `shape`, `(size, columns)`."""
        size, columns = shape
        blocks = math.ceil(columns / size)
        for_directions, for_lengths = super().__call__((2, blocks, size, size), "float32")
        orthogonal, triangular = ops.qr(for_directions)
        # With these signs every direction is as likely as any other.
        signs = ops.sign(ops.diagonal(triangular, axis1=-2, axis2=-1))
        vectors = orthogonal * (signs * ops.norm(for_lengths, axis=-1))[:, None, :]
        drawn = ops.reshape(ops.transpose(vectors, (1, 0, 2)), (size, blocks * size))[:, :columns]
        return ops.cast(drawn, dtype or "float32")

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {"seed": super().get_config()["seed"]}


@keras.saving.register_keras_serializable("attnzoo")
class FavorFeatureMap(keras.layers.Layer):
    """Random features whose expected products are those of softmax attention.

    `φ(x) = exp(w_r · x' - |x'|² / 2) / sqrt(num_features)` for each column `w_r` of the projection,
    with `x' = x / key_dim^(1/4)`; then `E[φ(q) · φ(k)] = exp(q · k / sqrt(key_dim))`. The error
    falls with the number of features and grows fast with the length of the vectors.

    No maximum over other vectors is taken off the exponents, as Performer's code does with keys:
    that of later keys would reach back in time. The largest feature of a vector is kept within
    `exp(±20)` instead, where its expectation is 1, so that the products neither vanish nor
    overflow; only vectors much longer than attention has use for feel that.

    Args:
        num_features: Number of random features. Defaults to None (`key_dim * ln(key_dim)`, at least
            `key_dim`).
        seed: Seed of the projection, which is drawn once and saved with the model. Defaults to
            None (another one for each layer).

    Call arguments:
        states: Queries or keys, `(batch, heads, length, key_dim)`.

    Returns:
        Positive features `(batch, heads, length, num_features)`.

    Raises:
        ValueError: If `num_features` is no positive integer.

    Example:
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> query, key = rng.normal(size=(2, 1, 1, 3, 16)).astype("float32") / 4
    >>> favor = FavorFeatureMap(num_features=1024, seed=0)
    >>> products = np.asarray(favor(query)) @ np.swapaxes(np.asarray(favor(key)), -1, -2)
    >>> exact = np.exp(query @ np.swapaxes(key, -1, -2) / 4)
    >>> bool(np.abs(products / exact - 1).max() < 0.1)
    True

    References:
        Choromanski et al., 2021, "Rethinking attention with Performers", lemma 1 and section 2.4.
    """

    def __init__(self, num_features=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        check_positive(optional=True, num_features=num_features)
        self.num_features = num_features
        self.seed = seed

    def build(self, states_shape):
        """Draws the projection, which is no trainable weight but saved like one."""
        self.projection = self.add_weight(
            shape=(states_shape[-1], self._width(states_shape[-1])),
            initializer=OrthogonalGaussian(self.seed),
            trainable=False,
            autocast=False,
            name="projection",
        )

    def _width(self, key_dim):
        return self.num_features or max(key_dim, math.ceil(key_dim * math.log(key_dim)))

    def call(self, states):
        """Returns the features."""
        states = ops.convert_to_tensor(states)
        dtype = keras.backend.result_type(states.dtype, "float32")
        scaled = ops.cast(states, dtype) * states.shape[-1] ** -0.25
        half_square = ops.sum(ops.square(scaled), axis=-1, keepdims=True) / 2
        exponents = ops.matmul(scaled, ops.cast(self.projection, dtype)) - half_square
        largest = ops.max(exponents, axis=-1, keepdims=True)
        shares = ops.exp(exponents - largest) + _SMALLEST_SHARE
        scale = ops.exp(ops.clip(largest, -_LARGEST_EXPONENT, _LARGEST_EXPONENT))
        features = shares * scale * exponents.shape[-1] ** -0.5
        return ops.cast(features, self.compute_dtype)

    def compute_output_shape(self, states_shape):
        """Shape of the features: that of the states with the number of features last."""
        return (*states_shape[:-1], self._width(states_shape[-1]))

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "num_features": self.num_features, "seed": self.seed}
