"""Positions: attention itself sees a set, so the order of its vectors must be added."""

import inspect

from ..lookup import resolve
from .alibi import ALiBi
from .conditional import ConditionalPositionalEncoding
from .convolutional import ConvolutionalPositionalEncoding
from .kinds import InputPosition, RotaryPosition, ScorePosition
from .learned import LearnedPositionalEncoding
from .relative import RelativePositionBias
from .rotary import RotaryEmbedding
from .shaw import ShawRelativeKeys
from .sincos_2d import SinCos2DPositionalEncoding
from .sinusoidal import SinusoidalPositionalEncoding
from .t5 import T5RelativeBias

__all__ = [
    "IN_FORMULA",
    "POSITIONS",
    "ALiBi",
    "ConditionalPositionalEncoding",
    "ConvolutionalPositionalEncoding",
    "InputPosition",
    "LearnedPositionalEncoding",
    "RelativePositionBias",
    "RotaryEmbedding",
    "RotaryPosition",
    "ScorePosition",
    "ShawRelativeKeys",
    "SinCos2DPositionalEncoding",
    "SinusoidalPositionalEncoding",
    "T5RelativeBias",
    "check_causal",
    "get",
]

POSITIONS = {
    "sinusoidal": SinusoidalPositionalEncoding,
    "learned": LearnedPositionalEncoding,
    "sincos_2d": SinCos2DPositionalEncoding,
    "conditional": ConditionalPositionalEncoding,
    "convolutional": ConvolutionalPositionalEncoding,
    "rope": RotaryEmbedding,
    "relative": RelativePositionBias,
    "t5": T5RelativeBias,
    "shaw": ShawRelativeKeys,
    "alibi": ALiBi,
}

# Names of positions that act inside attention, on queries and keys or on scores; the others are
# added to its input.
IN_FORMULA = tuple(name for name, kind in POSITIONS.items() if not issubclass(kind, InputPosition))

# What cannot be guessed, and how to say it.
_EXAMPLES = {
    "max_length": "LearnedPositionalEncoding(max_length=512)",
    "grid": "SinCos2DPositionalEncoding(grid=(14, 14))",
}


def get(identifier, max_length=None, grid=None, **kwargs):
    """Returns a layer of positions, or None for `identifier=None` (the input stays a set).

    Args:
        identifier: A name of `POSITIONS`, a layer of positions, its serialised form, or None.
        max_length: Longest length that will be seen, for the positions that have such an argument.
            Defaults to None.
        grid: `(height, width)` of vectors that come from an image, for the positions that have such
            an argument. Defaults to None.
        **kwargs: Passed to the constructor where `identifier` is a name.

    Returns:
        A new layer for a name, else the layer that was given.

    Raises:
        ValueError: If the name is unknown, needs a size that is not given, or the layer is none of
            positions.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str) and identifier in POSITIONS:
        kwargs.update(_sizes(identifier, max_length=max_length, grid=grid))
    layer = resolve(identifier, POSITIONS, "position", **kwargs)
    if not isinstance(layer, InputPosition | RotaryPosition | ScorePosition):
        raise ValueError(
            "Received an invalid value for argument `position`, expected a layer that is an "
            "InputPosition, a RotaryPosition or a ScorePosition of `attnzoo.layers.positions`. "
            f"Received: position={identifier}"
        )
    return layer


def check_causal(position):
    """Raises a ValueError for a position that lets a vector know of later ones.

    Args:
        position: What `get` returns.
    """
    if isinstance(position, ConditionalPositionalEncoding | ConvolutionalPositionalEncoding):
        raise ValueError(
            "Expected a position that does not look ahead with `causal=True`: the convolution of "
            "such positions sees later vectors too. Received: causal=True, "
            f"position={position.name!r} of {type(position).__name__}"
        )


def _sizes(name, **sizes):
    """Those of the sizes that the position takes; an error where it needs one that is None."""
    parameters = inspect.signature(POSITIONS[name]).parameters
    for argument in sizes.keys() & parameters.keys():
        needed = parameters[argument].default is inspect.Parameter.empty
        if needed and sizes[argument] is None:
            raise ValueError(
                f"Expected a layer, as the position {name!r} needs to know its `{argument}`; pass "
                f"for instance position={_EXAMPLES[argument]}. Received: position={name!r}"
            )
    return {argument: size for argument, size in sizes.items() if argument in parameters}
