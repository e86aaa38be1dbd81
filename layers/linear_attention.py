"""Linear attention of features: all at once, or in chunks that look back through a summary.

The numerator `Σ φ(k) vᵀ` and the denominator `Σ φ(k)` of linear attention are the same sum over
keys, if each value carries a one: `(batch, heads, features, value_dim + 1)`, here the summary.
"""

from keras import ops


def with_ones(value):
    """`(..., length, value_dim)` to `(..., length, value_dim + 1)`: what the denominator sums."""
    return ops.concatenate([value, ops.ones_like(value[..., :1])], axis=-1)


def summarize(key, value):
    """Returns the summary of keys' features `(..., length, features)` and values with ones."""
    return ops.matmul(ops.swapaxes(key, -1, -2), value)


def divide(sums):
    """Returns numerators over the denominators that stand last; zeros where no key was summed."""
    numerator, denominator = sums[..., :-1], sums[..., -1:]
    denominator = ops.where(denominator > 0, denominator, 1)
    # Features may be so small that the square of a denominator, which its gradient divides by, is
    # no float32 number. Both are brought to the size of one first.
    scale = 1 / ops.stop_gradient(denominator)
    return (numerator * scale) / (denominator * scale)


def attend_to_all(query, key, value):
    """Every query attends to every key: time and memory grow with the length.

    Args:
        query: Features `(batch, heads, length, features)`.
        key: Features `(batch, heads, length, features)`, zeros where there is padding.
        value: `(batch, heads, length, value_dim)`.

    Returns:
        `(batch, heads, length, value_dim)`.
    """
    return divide(ops.matmul(query, summarize(key, with_ones(value))))


def attend_to_past(query, key, value, summary, chunk_size):
    """Every query attends to its own key, those before it, and those already in the summary.

    Inside a chunk the products of all pairs are taken; what came before the chunk is in a sum. So
    the length costs `length * (chunk_size + features)`, and the running sum, which has no fast
    form, has an entry for each chunk and not for each position.

    Args:
        query: Features `(batch, heads, length, features)`.
        key: Features `(batch, heads, length, features)`, zeros where there is padding.
        value: `(batch, heads, length, value_dim)`.
        summary: Of earlier keys, `(batch, heads, features, value_dim + 1)`.
        chunk_size: Number of positions in a chunk.

    Returns:
        `(batch, heads, length, value_dim)`, and the summary of all keys until now.
    """
    length = ops.shape(query)[2]
    if isinstance(length, int):
        chunk_size = min(chunk_size, length)
    query, key, value = (_chunks(x, length, chunk_size) for x in (query, key, with_ones(value)))
    # The summary before each chunk. To subtract a chunk's own from that after it would be cheaper,
    # and wrong: a large number in the chunk would wipe out the small ones before it.
    summaries = [summary[:, :, None], summarize(key, value)]
    summaries = ops.cumsum(ops.concatenate(summaries, axis=2), axis=2)
    not_later = ops.tril(ops.ones((chunk_size, chunk_size), query.dtype))
    products = ops.matmul(query, ops.swapaxes(key, -1, -2)) * not_later
    outputs = divide(ops.matmul(products, value) + ops.matmul(query, summaries[:, :, :-1]))
    outputs = ops.reshape(outputs, (ops.shape(outputs)[0], outputs.shape[1], -1, outputs.shape[-1]))
    return outputs[:, :, :length], summaries[:, :, -1]


def _chunks(states, length, chunk_size):
    """`(batch, heads, length, size)` to `(batch, heads, chunks, chunk_size, size)`, zeros added."""
    batch, (heads, size) = ops.shape(states)[0], (states.shape[1], states.shape[-1])
    padding = (chunk_size - length % chunk_size) % chunk_size
    zeros = ops.zeros((batch, heads, padding, size), states.dtype)
    states = ops.concatenate([states, zeros], axis=2)
    return ops.reshape(states, (batch, heads, -1, chunk_size, size))
