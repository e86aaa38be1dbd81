"""The speech encoder as a Functional Keras model."""

import math

import keras

from ...layers import (
    BlankPadding,
    CausalSubsampling,
    CenteredSubsampling,
    ConvolutionModule,
    FeatureNormalization,
    FrameMask,
    LayerNormalization,
    LogMelSpectrogram,
    NamedInputsModel,
    RandomChoice,
    SequencePooling,
    SpecAugment,
    WaveformEncoder,
)
from ..encoder import add_position, encode, head

# Log-mels are natural logarithms of energies.
_LOG_OF_A_DECIBEL = math.log(10) / 10
# Added to the variance of the samples of a recording, as by transformers.
_OF_SAMPLES = 1e-7


def speech_encoder(config, dtype=None):
    """Builds the model: log-mel frames → subsampling → encoder blocks → head.

    With `stem="waveform"` vectors are made of the samples themselves.

    Args:
        config: `SpeechEncoderConfig`.
        dtype: Dtype policy of the layers; spectra and logits are float32. Defaults to None
            (Keras's global policy).

    Returns:
        A Functional model from `waveform (batch, samples)` in [-1, 1], or
        `features (batch, frames, num_mels)`, and `padding_mask` of their first two axes (optional)
        to logits `(batch, vectors, num_classes)`, or `(batch, num_classes)` with the head
        `"class"`; to the vectors themselves, or their mean, if `num_classes` is 0.

    References:
        Graves et al., 2006, "Connectionist temporal classification".
        Gulati et al., 2020, "Conformer: convolution-augmented Transformer for speech recognition".
        Noroozi et al., 2024, "Stateful Conformer with cache-based inference for streaming automatic
        speech recognition".
    """
    # === Inputs ===
    of_samples = config.input == "waveform"
    shape = (None,) if of_samples else (None, config.num_mels)
    inputs = {
        config.input: keras.Input(shape, dtype="float32", name=config.input),
        "padding_mask": keras.Input((None,), dtype="bool", name="padding_mask", optional=True),
    }
    inputs = dict(sorted(inputs.items()))  # Keras pairs dict inputs by sorted key.

    # === Vectors ===
    stem = _stem_of_samples if config.stem == "waveform" else _stem_of_frames
    states, padding_mask = stem(inputs[config.input], inputs["padding_mask"], config, dtype)
    padding_mask = FrameMask(config.frames_per_vector, config.deciding_frame, name="vector_mask")(
        states, padding_mask=padding_mask
    )
    if config.scale_embedding:
        states = keras.layers.Rescaling(
            math.sqrt(config.hidden_dim), dtype=dtype, name="embedding_scale"
        )(states)
    states = add_position(
        states,
        config,
        config.max_vectors,
        padding_mask,
        dtype=dtype,
        **_position_options(config),
    )
    if config.embedding_norm:
        states = _norm(config, "embedding_norm", dtype)(states)
    states = keras.layers.Dropout(config.embedding_dropout, dtype=dtype, name="embedding_dropout")(
        states
    )

    # === Encoder ===
    window_index = None
    if len(config.contexts) > 1:
        window_index = RandomChoice(len(config.contexts), name="window_choice")(states)

    def convolution(index, states):
        return ConvolutionModule(
            config.convolution_kernel,
            config.dropout,
            config.layer_norm_epsilon,
            config.kernel_initializer,
            dtype=dtype,
            name=f"convolution_{index}",
        )(states, padding_mask=padding_mask)

    states = encode(
        states,
        config.of_encoder(),
        padding_mask,
        dtype,
        window_index=window_index,
        after_block=convolution if config.convolution_kernel else None,
    )

    # === Head ===
    if config.head == "class":
        states = SequencePooling("mean", dtype=dtype, name="pooling")(
            states, padding_mask=padding_mask
        )
    outputs = head(states, config.replace(classifier_activation=None), dtype)
    if config.head == "ctc" and config.num_classes:
        outputs = BlankPadding(dtype="float32", name="blank_padding")(
            outputs, padding_mask=padding_mask
        )
    if config.num_classes and config.classifier_activation is not None:
        outputs = keras.layers.Activation(
            config.classifier_activation, dtype="float32", name="classifier_activation"
        )(outputs)
    return NamedInputsModel(inputs, outputs, name="speech_encoder")


def _stem_of_frames(frames, padding_mask, config, dtype):
    """Returns vectors of log-mel frames, or of the samples that these are made of, and a mask.

    The mask is that of the frames.
    """
    frame_step = 1
    if config.input == "waveform":
        frame_step = config.hop_length
        frames = LogMelSpectrogram(
            config.sampling_rate,
            config.frame_length,
            config.hop_length,
            config.num_mels,
            dtype="float32",
            name="log_mel",
        )(frames)
    padding_mask = FrameMask(frame_step, name="frame_mask")(frames, padding_mask=padding_mask)
    if config.feature_normalization is not None:
        frames = FeatureNormalization(
            config.feature_normalization,
            dynamic_range=config.dynamic_range and config.dynamic_range * _LOG_OF_A_DECIBEL,
            dtype="float32",
            name="feature_normalization",
        )(frames, padding_mask=padding_mask)
    frames = SpecAugment(
        config.frequency_masks,
        config.frequency_mask_width,
        config.time_masks,
        config.time_mask_share,
        dtype="float32",
        name="spec_augment",
    )(frames, padding_mask=padding_mask)
    if config.stem == "causal":
        subsampling = CausalSubsampling(
            config.hidden_dim, config.subsampling, dtype=dtype, name="subsampling"
        )
    else:
        subsampling = CenteredSubsampling(
            config.stem_channels,
            config.stem_kernels,
            config.stem_strides,
            config.stem_activation,
            config.stem_hears_padding,
            dtype=dtype,
            name="subsampling",
        )
    return subsampling(frames, padding_mask=padding_mask), padding_mask


def _stem_of_samples(waveform, padding_mask, config, dtype):
    """Returns vectors of samples, and the mask of the samples."""
    samples = keras.layers.Reshape((-1, 1), dtype="float32", name="samples")(waveform)
    padding_mask = FrameMask(1, name="frame_mask")(samples, padding_mask=padding_mask)
    if config.feature_normalization is not None:
        samples = FeatureNormalization(
            config.feature_normalization,
            epsilon=_OF_SAMPLES,
            dtype="float32",
            name="feature_normalization",
        )(samples, padding_mask=padding_mask)
    states = WaveformEncoder(
        config.stem_channels,
        config.stem_kernels,
        config.stem_strides,
        config.stem_norm,
        config.stem_bias,
        config.stem_hears_padding,
        dtype=dtype,
        name="waveform_encoder",
    )(samples, padding_mask=padding_mask)
    states = _norm(config, "stem_norm", dtype)(states)
    states = keras.layers.Dense(config.hidden_dim, dtype=dtype, name="stem_projection")(states)
    return states, padding_mask


def _norm(config, name, dtype):
    return LayerNormalization(config.layer_norm_epsilon, config.norm_bias, dtype=dtype, name=name)


def _position_options(config):
    """Returns what the position is told besides its length."""
    if config.position == "sinusoidal":
        return {"layout": config.position_layout, "first_position": config.first_position}
    if config.position == "convolutional":
        return {"kernel_size": config.position_kernel, "groups": config.position_groups}
    return {}
