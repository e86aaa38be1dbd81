"""The levels of a model, from its embeddings to its head, which fine-tuning treats differently."""

import contextlib

from ..layers import GraphAttention, TransformerEncoderBlock


def layer_levels(model):
    """Returns the layers with weights as `(embeddings, blocks, head)`.

    The head is the last layer with weights and what is named `head_...`; a block has the layers
    behind it that are not the head's; embeddings are all before the first block.

    Args:
        model: A model of the zoo.

    Returns:
        A list of layers, a list of lists of layers, a list of layers.
    """
    weighted = [layer for layer in model.layers if layer.weights]
    head = [layer for layer in weighted if layer.name.startswith("head_") or layer is weighted[-1]]
    levels = [[]]
    for layer in weighted:
        if layer in head:
            continue
        if isinstance(layer, (TransformerEncoderBlock, GraphAttention)):
            levels.append([])
        levels[-1].append(layer)
    return levels[0], levels[1:], head


def rate_factors(model, layer_decay, head_rate):
    """Returns the factor of the learning rate of each of the trainable variables, in their order.

    It is `head_rate` in the head, 1 in the last block, `layer_decay` in the one before, and so on
    down to the embeddings.

    Args:
        model: A model of the zoo.
        layer_decay: Factor from a block to the one below.
        head_rate: Factor of the head.

    References:
        Howard and Ruder, 2018, "Universal language model fine-tuning for text classification",
        section 3.2 (rates that fall from layer to layer).
    """
    embeddings, blocks, head = layer_levels(model)
    of_layers = {id(layer): head_rate for layer in head}
    for depth, level in enumerate(reversed([embeddings, *blocks])):
        of_layers.update({id(layer): layer_decay**depth for layer in level})
    # By order and not by path: Keras gives the variables of a model that is read other paths.
    of_variables = {
        id(variable): of_layers[id(layer)] for layer in model.layers for variable in layer.weights
    }
    return [of_variables[id(variable)] for variable in model.trainable_variables]


@contextlib.contextmanager
def frozen(model, what):
    """Keeps a part of the model from learning, for a while.

    Args:
        model: A model of the zoo.
        what: `"embeddings"`, `"backbone"` (all but the head) or None.
    """
    embeddings, blocks, _ = layer_levels(model)
    levels = {None: [], "embeddings": [embeddings], "backbone": [embeddings, *blocks]}[what]
    layers = [layer for level in levels for layer in level if layer.trainable]
    for layer in layers:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in layers:
            layer.trainable = True
