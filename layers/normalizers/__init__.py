"""Normalisers: how scores become weights, `f(scores, mask) -> weights`.

Every normaliser gives zeros, with finite gradients, for a row that has nothing to attend.
"""

from ..lookup import resolve
from .entmax15 import entmax15
from .relu import relu
from .sigmoid import sigmoid
from .softmax import softmax
from .sparsemax import sparsemax

__all__ = ["NORMALIZERS", "entmax15", "get", "relu", "sigmoid", "softmax", "sparsemax"]

NORMALIZERS = {
    "entmax15": entmax15,
    "relu": relu,
    "sigmoid": sigmoid,
    "softmax": softmax,
    "sparsemax": sparsemax,
}


def get(identifier):
    """Returns the normaliser that `identifier` names (see `lookup.resolve`)."""
    return resolve(identifier, NORMALIZERS, "normalizer")
