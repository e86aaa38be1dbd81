"""Linear attention of features: all at once, or in chunks that look back through a summary.

The numerator `Σ φ(k) vᵀ` and the denominator `Σ φ(k)` of linear attention are sums over the same
keys. They stand side by side, the denominator last: `(batch, heads, features, value_dim + 1)`, here
the summary.
"""

from keras import ops

from .chunks import from_chunks, to_chunks


def summarize(key, value):
    """Returns the summary of keys' features `(..., length, features)` and their values."""
    numerator = ops.matmul(ops.swapaxes(key, -1, -2), value)
    return ops.concatenate([numerator, ops.sum(key, axis=-2)[..., None]], axis=-1)


def look_up(query, summary):
    """Returns the numerator `(..., length, value_dim)` and denominator of each query's features."""
    return ops.matmul(query, summary[..., :-1]), ops.matmul(query, summary[..., -1:])


def divide(numerator, denominator):
    """Returns numerators over denominators; zeros where no key was summed."""
    denominator = ops.where(denominator > 0, denominator, 1)
    # Features may be so small that the square of a denominator, which its gradient divides by, is
    # no float32 number. It is brought to the size of one first.
    scale = 1 / ops.stop_gradient(denominator)
    return numerator * (scale / (denominator * scale))


def attend_to_all(query, key, value):
    """Every query attends to every key: time and memory grow with the length.

    Args:
        query: Features `(batch, heads, length, features)`.
        key: Features `(batch, heads, length, features)`, zeros where there is padding.
        value: `(batch, heads, length, value_dim)`.

    Returns:
        `(batch, heads, length, value_dim)`.
    """
    return divide(*look_up(query, summarize(key, value)))


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
    query, key, value = (to_chunks(x, chunk_size) for x in (query, key, value))
    # The summary before each chunk. To subtract a chunk's own from that after it would be cheaper,
    # and wrong: a large number in the chunk would wipe out the small ones before it.
    summaries = [summary[:, :, None], summarize(key, value)]
    summaries = ops.cumsum(ops.concatenate(summaries, axis=2), axis=2)
    not_later = ops.tril(ops.ones((chunk_size, chunk_size), query.dtype))
    products = ops.matmul(query, ops.swapaxes(key, -1, -2)) * not_later
    numerator, denominator = look_up(query, summaries[:, :, :-1])
    outputs = divide(
        ops.matmul(products, value) + numerator,
        ops.sum(products, axis=-1, keepdims=True) + denominator,
    )
    return from_chunks(outputs, length), summaries[:, :, -1]
