"""Feature maps of linear attention: `φ(query) · φ(key)` takes the place of `exp(query · key)`.

A feature map is `f(states) -> features`: `(batch, heads, length, key_dim)` to `(..., features)`,
none of them negative. It treats each vector by itself, whatever stands before and after it, so that
the parallel, chunked and recurrent forms of linear attention are equal.
"""

from ..lookup import resolve
from .elu_plus_one import elu_plus_one
from .favor import FavorFeatureMap

__all__ = ["FEATURE_MAPS", "FavorFeatureMap", "elu_plus_one", "get"]

FEATURE_MAPS = {"elu": elu_plus_one, "favor": FavorFeatureMap}


def get(identifier, **kwargs):
    """Returns the feature map that `identifier` names, a function or a new layer (see `lookup`)."""
    return resolve(identifier, FEATURE_MAPS, "feature_map", **kwargs)
