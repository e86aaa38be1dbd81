"""Looking up by offset, for positions that know each clipped distance from query to key."""

from keras import ops


def clipped_offsets(offsets, max_distance):
    """Returns the row of each offset in a table of -max_distance ... max_distance: int32."""
    return ops.clip(ops.cast(offsets, "int32"), -max_distance, max_distance) + max_distance


def bias_by_offset(table, query, offsets):
    """Returns each head's number for each offset, broadcastable to the scores of `query`.

    Args:
        table: `(2 * max_distance + 1, heads)`, from offset -max_distance on.
        query: `(batch, heads, ..., query_length, key_dim)`; only its rank is read.
        offsets: Integers `(..., query_length, key_length)`.

    Returns:
        `(heads, ..., query_length, key_length)`.
    """
    rows = clipped_offsets(offsets, table.shape[0] // 2)
    bias = ops.take(ops.transpose(table), rows, axis=1)
    shape = bias_shape(table.shape[1], query.shape, offsets.shape)
    return ops.expand_dims(bias, 1) if len(shape) > len(bias.shape) else bias


def bias_shape(num_heads, query_shape, offsets_shape):
    """Shape of a bias that does not depend on the batch, with an axis for blocks if queries have.

    Args:
        num_heads: Number of heads.
        query_shape: `(batch, heads, ..., query_length, key_dim)`.
        offsets_shape: `(query_length, key_length)`, or `(blocks, query_length, key_length)`.
    """
    missing = len(query_shape) - 2 - len(offsets_shape)
    return (num_heads, *(1,) * missing, *offsets_shape)
