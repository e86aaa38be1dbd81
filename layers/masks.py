"""Masks that say which query may attend to which key: True = attend, broadcastable to scores."""

from keras import ops
from keras.src.backend import get_keras_mask  # Keras has no public name for reading its masks.


def keras_mask(inputs):
    """Returns the mask that Keras attached to `inputs` (as `Embedding(mask_zero=True)` does)."""
    return get_keras_mask(inputs)


def zeros_for_padding(states, padding_mask):
    """Returns states with zeros in place of padding.

    Args:
        states: `(batch, length, ...)`.
        padding_mask: `(batch, length)`, True = real; None for states that all are.
    """
    if padding_mask is None:
        return states
    real = ops.cast(padding_mask, "bool")
    real = real[:, :, *[None] * (len(states.shape) - 2)]
    return ops.where(real, states, ops.zeros((), states.dtype))


def combined_mask(query, key, padding_mask=None, attention_mask=None, causal=False):
    """Joins padding, causality and an explicit mask into one, or None if all may attend to all.

    Args:
        query: Tensor of shape `(batch, heads, query_length, key_dim)`; only its length is read.
        key: Tensor of shape `(batch, heads, key_length, key_dim)`; only its length is read.
        padding_mask: `(batch, key_length)`, True = real token. Defaults to None (all real).
        attention_mask: `(query, key)`, `(batch, query, key)` or `(batch, heads, query, key)`,
            True = attend. Defaults to None.
        causal: Whether each position sees only itself and what came before. Defaults to False.

    Returns:
        Boolean tensor broadcastable to `(batch, heads, query_length, key_length)`, or None.
    """
    parts = []
    if padding_mask is not None:
        parts.append(ops.cast(padding_mask, "bool")[:, None, None, :])
    if attention_mask is not None:
        parts.append(_to_four_dimensions(ops.cast(attention_mask, "bool")))
    if causal:
        query_position = ops.arange(ops.shape(query)[2])
        key_position = ops.arange(ops.shape(key)[2])
        parts.append((key_position[None, :] <= query_position[:, None])[None, None])
    mask = None
    for part in parts:
        mask = part if mask is None else ops.logical_and(mask, part)
    return mask


def _to_four_dimensions(attention_mask):
    rank = len(attention_mask.shape)
    if rank == 2:
        return attention_mask[None, None]
    if rank == 3:
        return attention_mask[:, None]
    if rank == 4:
        return attention_mask
    raise ValueError(
        "Received an invalid shape for argument `attention_mask`, expected (query, key), "
        "(batch, query, key) or (batch, heads, query, key). "
        f"Received: attention_mask.shape={tuple(attention_mask.shape)}"
    )
