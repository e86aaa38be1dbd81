"""Scores: how relevant each key is to each query, `(batch, heads, query, key)`."""

from ..lookup import resolve
from .additive import AdditiveScore
from .dot import dot

__all__ = ["SCORES", "AdditiveScore", "dot", "get"]

SCORES = {"additive": AdditiveScore, "dot": dot}


def get(identifier, **kwargs):
    """Returns the score that `identifier` names: a function, or a new layer made with `kwargs`."""
    return resolve(identifier, SCORES, "score", **kwargs)
