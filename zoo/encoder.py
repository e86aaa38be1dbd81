"""The encoder that text, image and speech architectures share, wired by the Functional API."""

import math

import keras
import numpy as np

from .. import layers
from ..layers import positions


def text_embedding(token_ids, config, padding_mask=None, dtype=None, segment_ids=None):
    """Embeds token ids `(batch, length)` and adds positions: `(batch, length, hidden_dim)`.

    The vectors of segments are added too, and the sum normalised and projected, where the
    configuration says so.

    Args:
        token_ids: Integer tensor `(batch, length)`.
        config: `TextEncoderConfig`.
        padding_mask: `(batch, length)`, True = real. Defaults to None (all real).
        dtype: Dtype policy of the layers. Defaults to None (Keras's global policy).
        segment_ids: Which segment each token is of, `(batch, length)`. Defaults to None (the
            first).

    References:
        Vaswani et al., 2017, "Attention is all you need", section 3.4 (embeddings times the square
        root of their size).
        Devlin et al., 2019, "BERT", section 3 (segments).
        Clark et al., 2020, "ELECTRA", section 3.2 (the projection).
    """
    embedding_dim = config.embedding_dim or config.hidden_dim
    states = keras.layers.Embedding(
        config.vocabulary_size,
        embedding_dim,
        embeddings_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        dtype=dtype,
        name="token_embedding",
    )(token_ids)
    if config.position == "sinusoidal":  # Whose vectors would drown small embeddings.
        states = keras.layers.Rescaling(
            math.sqrt(embedding_dim), dtype=dtype, name="embedding_scale"
        )(states)
    states = add_position(states, config, config.max_sequence_length, padding_mask, dtype=dtype)
    if config.num_segments:
        states = layers.SegmentEmbedding(
            config.num_segments, dtype=dtype, name="segment_embedding"
        )(states, segment_ids=segment_ids)
    if config.embedding_norm:
        states = _norm(config, "embedding_norm", dtype)(states)
    states = keras.layers.Dropout(config.embedding_dropout, dtype=dtype, name="embedding_dropout")(
        states
    )
    if embedding_dim != config.hidden_dim:
        states = keras.layers.Dense(config.hidden_dim, dtype=dtype, name="embedding_projection")(
            states
        )
    return states


def image_embedding(images, config, dtype=None):
    """Makes vectors of the patches of images and adds positions: `(batch, length, hidden_dim)`.

    The vectors are in the order of the rows, after the class token unless `config.pooling` is
    `"mean"`, and the distillation token if there is one.
    A patch is projected by itself, or with `config.stem="convolutional"` seen through as many
    stages of a convolution and a pooling as halve the image down to the grid.

    Args:
        images: `(batch, height, width, channels)` uint8.
        config: `ImageClassifierConfig`.
        dtype: Dtype policy of the layers. Defaults to None (Keras's global policy).

    References:
        Dosovitskiy et al., 2021, "An image is worth 16x16 words", section 3.1 (patches).
        Hassani et al., 2021, "Escaping the big data paradigm with compact Transformers", section
        3.3 (convolutions).
    """
    mean, std = np.array(config.pixel_mean), np.array(config.pixel_std)
    states = keras.layers.Rescaling(
        (1 / (255 * std)).tolist(), (-mean / std).tolist(), dtype=dtype, name="normalized_pixels"
    )(images)
    if config.stem == "patch":
        states = keras.layers.Conv2D(
            config.hidden_dim,
            config.patch_size,
            config.patch_size,
            dtype=dtype,
            name="patch_embedding",
        )(states)
    else:
        states = _convolutional_stem(states, config, dtype)
    rows, columns = config.grid
    states = keras.layers.Reshape((rows * columns, config.hidden_dim), dtype=dtype, name="patches")(
        states
    )
    states = add_position(states, config, rows * columns, grid=config.grid, dtype=dtype)
    if config.distillation_token:
        states = layers.ClassToken(dtype=dtype, name="distillation_token")(states)
    if config.pooling != "mean":
        states = layers.ClassToken(dtype=dtype, name="class_token")(states)
    return keras.layers.Dropout(config.embedding_dropout, dtype=dtype, name="embedding_dropout")(
        states
    )


def _convolutional_stem(states, config, dtype):
    stages = config.patch_size.bit_length() - 1
    for stage in range(stages):
        states = keras.layers.Conv2D(
            config.hidden_dim // 2 ** (stages - 1 - stage),
            3,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            dtype=dtype,
            name=f"stem_convolution_{stage}",
        )(states)
        states = keras.layers.MaxPooling2D(
            3, 2, padding="same", dtype=dtype, name=f"stem_pooling_{stage}"
        )(states)
    return states


def add_position(states, config, max_length, padding_mask=None, grid=None, dtype=None, **options):
    """Adds positions to the encoder's input, unless `config.position` is None or acts elsewhere.

    Args:
        states: Input vectors `(batch, length, hidden_dim)`.
        config: `EncoderConfig`.
        max_length: Longest length that will be seen, in vectors.
        padding_mask: `(batch, length)`, True = real. Defaults to None (all real).
        grid: `(height, width)` of vectors that come from an image. Defaults to None.
        dtype: Dtype policy of the layer. Defaults to None (Keras's global policy).
        **options: Further arguments of the layer.
    """
    position = positions.get(
        config.position, max_length=max_length, grid=grid, dtype=dtype, name="position", **options
    )
    if config.causal:
        positions.check_causal(position)
    if isinstance(position, positions.InputPosition):
        return position(states, padding_mask=padding_mask)
    return states


def encode(states, config, padding_mask=None, dtype=None, window_index=None, after_block=None):
    """Runs the stack of encoder blocks over `(batch, length, hidden_dim)`.

    Args:
        states: Input vectors `(batch, length, hidden_dim)`.
        config: `EncoderConfig`.
        padding_mask: `(batch, length)`, True = real. Defaults to None (all real).
        dtype: Dtype policy of the layers. Defaults to None (Keras's global policy).
        window_index: Which of several windows to use, an integer scalar. Defaults to None (the
            first).
        after_block: `f(index, states) -> states`, what stands behind each block. Defaults to None.
    """
    options = {} if window_index is None else {"window_index": window_index}
    for index in range(config.num_layers):
        states = layers.TransformerEncoderBlock(
            intermediate_dim=config.intermediate_dim,
            attention=self_attention(config, dtype, index),
            dropout=config.dropout,
            drop_path=config.drop_path * index / max(1, config.num_layers - 1),
            layer_scale=config.layer_scale,
            normalize_first=config.normalize_first,
            layer_norm_epsilon=config.layer_norm_epsilon,
            use_bias=config.use_bias,
            norm_bias=config.norm_bias,
            feed_forward=config.feed_forward,
            normalize_attention=config.first_attention_norm or index > 0,
            kernel_initializer=config.kernel_initializer,
            dtype=dtype,
            name=f"encoder_block_{index}",
        )(states, padding_mask=padding_mask, **options)
        if after_block is not None:
            states = after_block(index, states)
    # A post-norm stack already ends in a normalisation.
    if config.normalize_first and config.final_norm:
        states = _norm(config, "final_norm", dtype)(states)
    return states


def _norm(config, name, dtype):
    return layers.LayerNormalization(
        config.layer_norm_epsilon, config.norm_bias, dtype=dtype, name=name
    )


def head(states, config, dtype=None):
    """Returns logits of vectors `(..., hidden_dim)`, or the vectors if `num_classes` is 0.

    Args:
        states: Vectors `(..., hidden_dim)`.
        config: `EncoderConfig` with `num_classes` and `classifier_activation`.
        dtype: Dtype policy of the dropout; logits are float32. Defaults to None (Keras's global
            policy).
    """
    if config.num_classes == 0:
        return states
    if config.head_activation is not None:
        states = activated_dense(states, config.head_activation, "head", dtype, config.head_bias)
        if config.head_norm:
            states = _norm(config, "head_norm", dtype)(states)
    rate = config.dropout if config.head_dropout is None else config.head_dropout
    states = keras.layers.Dropout(rate, dtype=dtype, name="head_dropout")(states)
    return keras.layers.Dense(
        config.num_classes, activation=config.classifier_activation, dtype="float32", name="logits"
    )(states)


def activated_dense(states, activation, name, dtype=None, use_bias=True):
    """Returns vectors after a dense layer of their own size, and an activation of `ACTIVATIONS`.

    Args:
        states: Vectors `(..., size)`.
        activation: `"gelu"`, `"relu"` or `"tanh"`.
        name: Of the layers, `<name>_dense` and `<name>_activation`.
        dtype: Dtype policy of the layers. Defaults to None (Keras's global policy).
        use_bias: Whether the dense layer has a bias. Defaults to True.
    """
    states = keras.layers.Dense(
        states.shape[-1], use_bias=use_bias, dtype=dtype, name=f"{name}_dense"
    )(states)
    kind = layers.GELU if activation == "gelu" else keras.layers.Activation
    options = () if activation == "gelu" else (activation,)
    return kind(*options, dtype=dtype, name=f"{name}_activation")(states)


def self_attention(config, dtype=None, index=0):
    """Returns a new self-attention layer of the kind and with the pieces that `config` names.

    Args:
        config: `EncoderConfig`.
        dtype: Dtype policy of the layer. Defaults to None (Keras's global policy).
        index: Number of the block that it is for. Defaults to 0.

    Raises:
        ValueError: If the position acts inside the formula, which this kind does not have.
    """
    common = {
        "num_heads": config.num_heads,
        "use_bias": config.use_bias,
        "kernel_initializer": config.kernel_initializer,
        "dtype": dtype,
        "name": "self_attention",
    }
    in_formula = config.position in positions.IN_FORMULA
    if config.attention == "multi_head":
        is_global = config.global_every is not None and index % config.global_every == 0
        position = config.position if in_formula else None
        if position == "rope":
            wavelength = config.rope_wavelength
            if is_global and config.global_rope_wavelength is not None:
                wavelength = config.global_rope_wavelength
            position = positions.RotaryEmbedding(wavelength, dtype=dtype, name="position")
        return layers.MultiHeadSelfAttention(
            score=config.score,
            normalizer=config.normalizer,
            position=position,
            causal=config.causal,
            window=None if is_global else config.window,
            window_style="regular" if is_global else config.window_style,
            global_tokens=0 if is_global else config.global_tokens,
            dropout=config.attention_dropout,
            **common,
        )
    if in_formula:
        raise ValueError(
            f"Expected a position that is added to the input, as {config.attention} attention has "
            "no scores to add to; use one of "
            f"{sorted(set(positions.POSITIONS) - set(positions.IN_FORMULA))} or None. "
            f"Received: position={config.position!r}, attention={config.attention!r}"
        )
    if config.attention == "linear":
        return layers.LinearSelfAttention(
            feature_map=config.feature_map, causal=config.causal, **common
        )
    return layers.NystromSelfAttention(num_landmarks=config.num_landmarks, **common)
