"""Scores: how relevant each key is to each query, `(batch, heads, query, key)`."""

from ..lookup import resolve
from .dot import dot

__all__ = ["SCORES", "dot", "get"]

SCORES = {"dot": dot}


def get(identifier):
    """Returns the score function that `identifier` names (see `lookup.resolve`)."""
    return resolve(identifier, SCORES, "score")
