"""`zoo.attention_scores`: what each layer of a model attends to."""

import inspect

import keras


def attention_scores(model, inputs):
    """Returns the attention weights of every layer of a model for one batch of its inputs.

    The model itself is left as it is: a copy of it is asked for the weights.

    Args:
        model: A model of `zoo.build`, or any Functional model with attention layers of
            `attnzoo.layers`.
        inputs: What the model is called with.

    Returns:
        Dict from layer name to an array `(batch, heads, query, key)`, in the order of the layers;
        of `GraphAttention`, `(edges + nodes, heads)`. Rows of padded queries mean nothing.

    Raises:
        ValueError: If no layer has weights to show, as linear and Nyström attention have not.

    Example:
    >>> import numpy as np
    >>> from attnzoo import zoo
    >>> model = zoo.build("sentiment_classifier/tiny")
    >>> scores = attention_scores(model, {"token_ids": np.array([[2, 7, 3]])})
    >>> {name: weights.shape for name, weights in scores.items()}
    {'encoder_block_0': (1, 2, 3, 3), 'encoder_block_1': (1, 2, 3, 3)}
    """
    scores = {}

    def call(layer, *args, **kwargs):
        if not _has_scores(layer):
            return layer(*args, **kwargs)
        outputs, scores[layer.name] = layer(*args, **kwargs, return_attention_scores=True)
        return outputs

    symbolic = keras.tree.map_structure(_input_like, model.input)
    # A twin with layers of its own: Keras cannot build a model on the second call of a layer that
    # has more outputs than the first.
    twin = keras.models.clone_model(model, input_tensors=symbolic, call_function=call)
    if not scores:
        raise ValueError(
            "Expected a model with layers that have attention weights, such as those of "
            f"`attention='multi_head'`. Received: {model.name!r}, whose layers have none"
        )
    twin.set_weights(model.get_weights())
    outputs = type(model)(symbolic, scores)(inputs, training=False)
    return {name: keras.ops.convert_to_numpy(outputs[name]) for name in scores}


def _input_like(tensor):
    optional = tensor._keras_history.operation.optional
    return keras.Input(
        batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name, optional=optional
    )


def _has_scores(layer):
    """Whether a layer, and for a block the attention inside, can be asked for its weights."""
    parts = [layer, *([layer.self_attention] if hasattr(layer, "self_attention") else [])]
    return all("return_attention_scores" in inspect.signature(p.call).parameters for p in parts)
