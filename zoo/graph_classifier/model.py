"""The graph classifier as a Functional model."""

import keras

from ...layers import (
    DisjointUnion,
    GraphAttention,
    GraphReadout,
    LayerNormalization,
    NamedInputsModel,
    SeparateGraphs,
    UnitSum,
)


def graph_classifier(config, dtype=None):
    """Builds the graph classifier.

    Args:
        config: `GraphClassifierConfig`.
        dtype: Dtype policy of the layers; logits are float32. Defaults to None (Keras's global
            policy).

    Returns:
        A model from `node_features (graphs, nodes, features)`, `edges (graphs, edges, 2)`, each an
        edge's source and target, padded with -1, and `num_nodes (graphs,)` to logits
        `(graphs, nodes, num_classes)`, or `(graphs, num_classes)` with a readout; to vectors of
        `hidden_dim` in their place if `num_classes` is 0.

    References:
        Veličković et al., 2018, "Graph attention networks", sections 2.1 and 3.3.
    """
    # === Inputs ===
    inputs = {
        "edges": keras.Input((None, 2), dtype="int32", name="edges"),
        "node_features": keras.Input((None, config.num_features), name="node_features"),
        "num_nodes": keras.Input((), dtype="int32", name="num_nodes"),
    }
    node_features, num_nodes = inputs["node_features"], inputs["num_nodes"]

    # === Attention along edges ===
    states, edges = DisjointUnion(dtype=dtype, name="union")(
        node_features, inputs["edges"], num_nodes
    )
    if config.normalize_features:
        states = UnitSum(dtype=dtype, name="unit_sum")(states)
    for index in range(config.num_layers):
        states = _attention_layer(states, edges, config, dtype, index)

    # === Head ===
    if config.readout is not None:
        states = SeparateGraphs(dtype=dtype, name="graphs")(states, node_features)
        outputs = GraphReadout(config.readout, dtype=dtype, name="readout")(states, num_nodes)
        outputs = keras.layers.Dense(
            config.hidden_dim, activation="elu", dtype=dtype, name="graph_states"
        )(outputs)
        if config.num_classes:
            outputs = keras.layers.Dropout(config.dropout, dtype=dtype, name="head_dropout")(
                outputs
            )
            outputs = keras.layers.Dense(
                config.num_classes,
                activation=config.classifier_activation,
                dtype="float32",
                name="logits",
            )(outputs)
    else:
        if config.num_classes:
            states = GraphAttention(
                config.num_classes,
                score=config.score,
                edge_dropout=config.attention_dropout,
                feature_dropout=config.dropout,
                activation=config.classifier_activation,
                dtype="float32",
                name="logits",
            )(states, edges)
        outputs = SeparateGraphs(dtype="float32", name="graphs")(states, node_features)
    return NamedInputsModel(inputs, outputs, name="graph_classifier")


def _attention_layer(inputs, edges, config, dtype, index):
    """One layer of attention with its activation, and the sum with its input if residual."""
    states = GraphAttention(
        config.hidden_dim // config.num_heads,
        config.num_heads,
        score=config.score,
        edge_dropout=config.attention_dropout,
        feature_dropout=config.dropout,
        dtype=dtype,
        name=f"attention_{index}",
    )(inputs, edges)
    if config.residual:
        if inputs.shape[-1] != config.hidden_dim:
            inputs = keras.layers.Dense(
                config.hidden_dim, use_bias=False, dtype=dtype, name=f"shortcut_{index}"
            )(inputs)
        states = keras.layers.Add(dtype=dtype, name=f"residual_{index}")([inputs, states])
        states = LayerNormalization(dtype=dtype, name=f"normalization_{index}")(states)
    return keras.layers.Activation("elu", dtype=dtype, name=f"activation_{index}")(states)
