"""Cutting sequences into chunks of one length, and putting them together again."""

from keras import ops


def number_of_chunks(length, chunk_size):
    """Number of chunks that a sequence of this length fills, the last maybe in part."""
    return (length + chunk_size - 1) // chunk_size


def pad_to_chunks(states, chunk_size):
    """Fills the last chunk of `(batch, heads, length, size)` with zeros."""
    length = ops.shape(states)[2]
    missing = number_of_chunks(length, chunk_size) * chunk_size - length
    return ops.pad(states, [[0, 0], [0, 0], [0, missing], [0, 0]])


def to_chunks(states, chunk_size):
    """`(batch, heads, length, size)` to `(batch, heads, chunks, chunk_size, size)`, zeros added."""
    count = number_of_chunks(ops.shape(states)[2], chunk_size)
    shape = (-1, states.shape[1], count, chunk_size, states.shape[-1])
    return ops.reshape(pad_to_chunks(states, chunk_size), shape)


def from_chunks(chunks, length):
    """`(batch, heads, chunks, chunk_size, size)` to `(batch, heads, length, size)`."""
    batch, heads, count, chunk_size, size = ops.shape(chunks)
    states = ops.reshape(chunks, (-1, heads, count * chunk_size, size))
    # The gradient of `slice` pads, which costs nothing where nothing is cut off.
    return ops.slice(states, (0, 0, 0, 0), (batch, heads, length, size))
