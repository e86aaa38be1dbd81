"""What positions ask of a sequence: how long it is, and where it starts."""

import operator

from keras import ops


def positions_from(start_index, length):
    """Returns the positions of `length` vectors, the first at `start_index`: integers `(length,)`.

    Args:
        start_index: An int or a scalar tensor of integers.
        length: An int or a scalar tensor of integers.
    """
    return ops.arange(length, dtype="int32") + ops.cast(start_index, "int32")


def known_int(value):
    """Returns `value` as an int, or None if it will be known only when a compiled graph runs."""
    try:
        return operator.index(value)
    except TypeError:
        return None


def check_length(length, start_index, max_length):
    """Raises a ValueError if positions beyond `max_length` are asked for and that can be known.

    Args:
        length: Number of vectors, or None if not known.
        start_index: Position of the first one: an int or a scalar tensor.
        max_length: Number of positions that there are, or None for no end.
    """
    start_index = known_int(start_index)
    if max_length is None or length is None or start_index is None:
        return
    if start_index < 0 or start_index + length > max_length:
        raise ValueError(
            f"Received a sequence that reaches past `max_length`; shorten it or build the model "
            "with a larger `max_length` (`max_sequence_length` of a zoo model, `max_vectors` of a "
            "speech encoder). Received: "
            f"length={length}, start_index={start_index}, max_length={max_length}"
        )


def check_whole(start_index):
    """Raises a ValueError unless a sequence that a convolution sees begins at its beginning."""
    if known_int(start_index) != 0:
        raise ValueError(
            "Expected `start_index=0`: the first vector of a later chunk has neighbours that "
            "the convolution would not see. Use another position for streams. Received: "
            f"start_index={start_index}"
        )


def checked_grid(grid):
    """Returns `grid` as a tuple `(height, width)`, or raises a ValueError if it is none."""
    sizes = tuple(grid) if isinstance(grid, tuple | list) else ()
    if len(sizes) != 2 or any(type(size) is not int or size < 1 for size in sizes):
        raise ValueError(
            "Received an invalid value for argument `grid`, expected two positive integers "
            f"(height, width). Received: grid={grid}"
        )
    return sizes


def check_whole_grid(length, start_index, grid, num_prefix_tokens=0):
    """Raises a ValueError unless a sequence is a whole grid, as far as that can be known.

    Args:
        length: Number of vectors, or None if not known.
        start_index: Must be 0: a grid is not read in chunks.
        grid: `(height, width)`.
        num_prefix_tokens: Number of vectors before the grid. Defaults to 0.
    """
    if known_int(start_index) != 0:
        raise ValueError(
            "Expected `start_index=0`, as a grid is taken whole. Received: "
            f"start_index={start_index}"
        )
    height, width = grid
    expected = num_prefix_tokens + height * width
    if length not in (None, expected):
        raise ValueError(
            f"Expected a sequence of {expected} vectors, the rows of the grid one after the other; "
            f"build the model with the `grid` of its images. Received: length={length}, "
            f"grid={grid}, num_prefix_tokens={num_prefix_tokens}"
        )
