"""Which fields of a speech encoder's configuration go together (imports no Keras)."""

import dataclasses

STAGES = ("stem_channels", "stem_kernels", "stem_strides")
_CONVOLUTIONS = ("centered", "waveform")
_OF_FRAMES = ("causal", "centered")
# Fields that do nothing but with one of such values of another one.
_ONLY_WITH = {
    "subsampling": ("stem", ("causal",)),
    **dict.fromkeys((*STAGES, "stem_hears_padding"), ("stem", _CONVOLUTIONS)),
    "stem_activation": ("stem", ("centered",)),
    **dict.fromkeys(("stem_bias", "stem_norm"), ("stem", ("waveform",))),
    **dict.fromkeys(("frame_milliseconds", "hop_milliseconds", "num_mels"), ("stem", _OF_FRAMES)),
    "dynamic_range": ("stem", _OF_FRAMES),
    "max_vectors": ("position", ("learned",)),
    **dict.fromkeys(("first_position", "position_layout"), ("position", ("sinusoidal",))),
    **dict.fromkeys(("position_groups", "position_kernel"), ("position", ("convolutional",))),
}


def check_position(config):
    """Raises a ValueError unless the fields of the position are such.

    Args:
        config: `SpeechEncoderConfig`.
    """
    length, first = config.max_vectors, config.first_position
    if config.position == "learned" and (type(length) is not int or length < 1):
        raise ValueError(
            "Expected `max_vectors`, a positive integer, with position='learned'. "
            f"Received: max_vectors={length!r}"
        )
    if type(first) is not int or first < 0:
        raise ValueError(
            "Received an invalid value for `first_position`, expected a non-negative integer. "
            f"Received: first_position={first!r}"
        )


def check_stem(config):
    """Raises a ValueError unless the fields of the stem, and those that depend on it, go together.

    Args:
        config: `SpeechEncoderConfig`.
    """
    _check_needed(config)
    scope = config.feature_normalization
    if config.stem == "waveform":
        if config.input != "waveform" or config.frequency_masks or config.time_masks:
            raise ValueError(
                "Expected input='waveform', frequency_masks=0 and time_masks=0 with "
                "stem='waveform', which has no frames that could be hidden. Received: "
                f"input={config.input!r}, frequency_masks={config.frequency_masks}, "
                f"time_masks={config.time_masks}"
            )
        if scope == "global" or config.stem_norm is None:
            raise ValueError(
                "Expected `feature_normalization` 'utterance' or None, and `stem_norm` 'group' or "
                f"'layer', with stem='waveform'. Received: feature_normalization={scope!r}, "
                f"stem_norm={config.stem_norm!r}"
            )
    elif scope is None and config.input != "features":
        raise ValueError(
            "Expected `feature_normalization=None` only with input='features', as log-mels are "
            f"far from 0. Received: input={config.input!r}"
        )
    if config.stem in _CONVOLUTIONS:
        _check_stages(config)


def _check_needed(config):
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    for name, (other, needed) in _ONLY_WITH.items():
        value, given = getattr(config, name), getattr(config, other)
        if given not in needed and value != defaults[name]:
            raise ValueError(
                f"Expected `{name}` only with {other}={' or '.join(map(repr, needed))}, as it does "
                f"nothing else. Received: {name}={value!r}, {other}={given!r}"
            )


def _check_stages(config):
    stages = [getattr(config, name) for name in STAGES]
    are_tuples = all(isinstance(values, tuple) and values for values in stages)
    if not are_tuples or len(set(map(len, stages))) > 1:
        raise ValueError(
            f"Expected {', '.join(f'`{name}`' for name in STAGES)} with stem={config.stem!r}, a "
            "number for each convolution. Received: "
            + ", ".join(f"{name}={value!r}" for name, value in zip(STAGES, stages, strict=True))
        )
    if config.stem == "centered" and config.stem_channels[-1] != config.hidden_dim:
        raise ValueError(
            "Expected the last of `stem_channels` to be `hidden_dim`. Received: "
            f"stem_channels={config.stem_channels}, hidden_dim={config.hidden_dim}"
        )


def frames_of_first_vector(config):
    """Returns how many frames, or samples, it takes for a first vector.

    A centred convolution is content with the one in its centre, as there are zeros around.

    Args:
        config: `SpeechEncoderConfig`.
    """
    if config.stem == "causal":
        return config.subsampling
    if config.stem == "centered":
        return 1
    reach, step = 1, 1
    for kernel, stride in zip(config.stem_kernels, config.stem_strides, strict=True):
        reach += (kernel - 1) * step
        step *= stride
    return reach
