"""The encoder that text, image and speech architectures share, wired by the Functional API."""

import math

import keras

from ..layers import LayerNormalization, TransformerEncoderBlock, positions


def text_embedding(token_ids, config, dtype=None):
    """Embeds token ids `(batch, length)` and adds positions: `(batch, length, hidden_dim)`.

    Args:
        token_ids: Integer tensor `(batch, length)`.
        config: `TextEncoderConfig`.
        dtype: Dtype policy of the layers. Defaults to None (Keras's global policy).

    References:
        Vaswani et al., 2017, "Attention is all you need", section 3.4 (embeddings times the square
        root of their size).
    """
    states = keras.layers.Embedding(
        config.vocabulary_size,
        config.hidden_dim,
        embeddings_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        dtype=dtype,
        name="token_embedding",
    )(token_ids)
    if config.position == "sinusoidal":  # Whose vectors would drown small embeddings.
        states = keras.layers.Rescaling(
            math.sqrt(config.hidden_dim), dtype=dtype, name="embedding_scale"
        )(states)
    position = positions.get(
        config.position, max_length=config.max_sequence_length, dtype=dtype, name="position"
    )
    if position is not None:
        states = position(states)
    return keras.layers.Dropout(config.embedding_dropout, dtype=dtype, name="embedding_dropout")(
        states
    )


def encode(states, config, padding_mask=None, dtype=None):
    """Runs the stack of encoder blocks over `(batch, length, hidden_dim)`.

    Args:
        states: Input vectors `(batch, length, hidden_dim)`.
        config: `EncoderConfig`.
        padding_mask: `(batch, length)`, True = real. Defaults to None (all real).
        dtype: Dtype policy of the layers. Defaults to None (Keras's global policy).
    """
    for index in range(config.num_layers):
        states = TransformerEncoderBlock(
            num_heads=config.num_heads,
            intermediate_dim=config.intermediate_dim,
            score=config.score,
            normalizer=config.normalizer,
            causal=config.causal,
            dropout=config.dropout,
            attention_dropout=config.attention_dropout,
            normalize_first=config.normalize_first,
            layer_norm_epsilon=config.layer_norm_epsilon,
            use_bias=config.use_bias,
            kernel_initializer=config.kernel_initializer,
            dtype=dtype,
            name=f"encoder_block_{index}",
        )(states, padding_mask=padding_mask)
    if config.normalize_first:  # A post-norm stack already ends in a normalisation.
        states = LayerNormalization(config.layer_norm_epsilon, dtype=dtype, name="final_norm")(
            states
        )
    return states
