"""Encoder blocks whose vectors stay sequences, where Keras's are cut to rows for speed.

In ONNX Runtime a product of matrices takes sequences as well as rows, and each change between the
two would be a chain of operators.
"""

from ...layers.masks import keras_mask


def encoder_block(
    layer,
    inputs,
    padding_mask=None,
    attention_mask=None,
    return_attention_scores=False,
    window_index=None,
    training=None,
):
    """`TransformerEncoderBlock.call` without rows."""
    attended, weights = layer._attend(
        layer.attention_norm(inputs)
        if layer.normalize_first and layer.normalize_attention
        else inputs,
        keras_mask(inputs) if padding_mask is None else padding_mask,
        training,
        attention_mask=attention_mask,
        return_attention_scores=return_attention_scores or None,
        window_index=window_index,
    )
    states = inputs + _through(layer.attention_branch, attended)
    if not layer.normalize_first:
        states = layer.attention_norm(states)
    branch = layer.feed_forward_norm(states) if layer.normalize_first else states
    branch = layer.output_dense(layer._activated(layer.intermediate_dense(branch)))
    states = states + _through(layer.feed_forward_branch, branch)
    if not layer.normalize_first:
        states = layer.feed_forward_norm(states)
    return (states, weights) if return_attention_scores else states


def _through(parts, states):
    for part in parts:
        states = part(states)
    return states
