"""Normalisers: how scores become weights, `f(scores, mask) -> weights`.

Every normaliser gives zeros, with finite gradients, for a row that has nothing to attend.
"""

from ..lookup import resolve
from .softmax import softmax

__all__ = ["NORMALIZERS", "get", "softmax"]

NORMALIZERS = {"softmax": softmax}


def get(identifier):
    """Returns the normaliser that `identifier` names (see `lookup.resolve`)."""
    return resolve(identifier, NORMALIZERS, "normalizer")
