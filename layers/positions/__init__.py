"""Positions: attention itself sees a set, so the order of its vectors must be added."""

from .learned import LearnedPositionalEncoding
from .sinusoidal import SinusoidalPositionalEncoding

__all__ = ["INPUT_POSITIONS", "LearnedPositionalEncoding", "SinusoidalPositionalEncoding", "get"]

# Positions added to the input vectors; each constructor takes `max_length`.
INPUT_POSITIONS = {
    "learned": LearnedPositionalEncoding,
    "sinusoidal": SinusoidalPositionalEncoding,
}


def get(identifier, max_length, **kwargs):
    """Returns a new layer that adds positions to its input, or None for `identifier=None`.

    Args:
        identifier: `"learned"`, `"sinusoidal"` or None (no positions: the input stays a set).
        max_length: Longest length that will be seen, in vectors.
        **kwargs: Passed to the layer (`name`, `dtype`, ...).

    Raises:
        ValueError: If the name is unknown.
    """
    if identifier is None:
        return None
    if identifier not in INPUT_POSITIONS:
        raise ValueError(
            "Received an invalid value for argument `position`, expected one of "
            f"{sorted(INPUT_POSITIONS)} or None. Received: position={identifier!r}"
        )
    return INPUT_POSITIONS[identifier](max_length=max_length, **kwargs)
