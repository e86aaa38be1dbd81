"""Configuration and presets of the speech encoder (imports no Keras)."""

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

from ..config import EncoderConfig, check_num_classes
from .stem import STAGES, check_position, check_stem, frames_of_first_vector

# Positions that a stream has no exact form of.
ADDED_POSITIONS = ("convolutional", "learned", "sinusoidal")
_CHOICES = {
    "input": ("waveform", "features"),
    "feature_normalization": ("global", "utterance", None),
    "stem": ("causal", "centered", "waveform"),
    "subsampling": (1, 2, 4),
    "att_context_style": ("regular", "chunked_limited"),
    "head": ("ctc", "class", "frames"),
    # Where a vector stands in the recording means nothing, and a stream has no end. Positions that
    # are added to the input are there for the checkpoints that have them.
    "position": ("alibi", "relative", "rope", "shaw", "t5", *ADDED_POSITIONS, None),
    "position_layout": ("interleaved", "halves"),
    "stem_activation": ("gelu", "glu"),
    "stem_norm": ("group", "layer", None),
}


@dataclass(frozen=True)
class SpeechEncoderConfig(EncoderConfig):
    """A recording in, vectors out: log-mel frames, subsampling, truncated attention, a head.

    Args:
        input: `"waveform"`, or `"features"`: log-mel frames as `layers.LogMelSpectrogram` makes
            them. Defaults to `"waveform"`.
        sampling_rate: Samples of the waveform a second, in Hz. Defaults to 16000.
        frame_milliseconds: Length of the window that a frame sees. Defaults to 25.
        hop_milliseconds: From one frame to the next. Defaults to 10.
        num_mels: Mel bands of a frame. Defaults to 80.
        feature_normalization: Mean and deviation of each band are those of the training data
            (`"global"`) or of each recording (`"utterance"`, which cannot be streamed); None takes
            features as they are. With `stem="waveform"` that of the samples, `"utterance"` or None.
            Defaults to `"global"`.
        dynamic_range: Of each recording's own normalisation: how many decibels below its loudest
            mel the others may lie; quieter ones count as that loud, so that the silence of all
            rooms is the same. Defaults to None (any).
        frequency_masks: Bands of mels that `layers.SpecAugment` hides in training. Defaults to 2.
        frequency_mask_width: Mels that such a band has at most. Defaults to 20.
        time_masks: Stretches of time that are hidden in training. Defaults to 4.
        time_mask_share: Share of the recording that such a stretch has at most. Defaults to 0.06.
        stem: What makes vectors: of frames `"causal"`, see `layers.CausalSubsampling`, or
            `"centered"`, see `layers.CenteredSubsampling`; of samples, without log-mel frames,
            `"waveform"`, see `layers.WaveformEncoder`, whose outputs are normalised and projected.
            Only the first can be streamed. Defaults to `"causal"`.
        subsampling: Of the causal stem: frames that become one vector, 1, 2 or 4. Defaults to 4.
        stem_channels: Of another stem: channels that each convolution gives; those of the last one
            of a centred stem are `hidden_dim`. Defaults to None.
        stem_kernels: Of the same: frames, or samples, that each sees. Defaults to None.
        stem_strides: Of the same: those from one output of each to the next. Defaults to None.
        stem_activation: Of a centred stem: `"gelu"` or `"glu"`. Defaults to `"gelu"`.
        stem_norm: Of a stem of samples: `"group"` or `"layer"`. Defaults to None.
        stem_bias: Of the same: whether its convolutions have biases. Defaults to False.
        stem_hears_padding: Whether it sees what comes of padding, as in the batches of
            transformers, so that an answer depends on what it is batched with. Defaults to False.
        scale_embedding: Whether the vectors are multiplied by the root of their size before
            positions are added. Defaults to False.
        embedding_norm: Whether the vectors are normalised after it. Defaults to False.
        max_vectors: With `position="learned"`: longest input in vectors. Defaults to None.
        position_layout: With `position="sinusoidal"`: `"interleaved"` or `"halves"`, see
            `layers.SinusoidalPositionalEncoding`. Defaults to `"interleaved"`.
        first_position: With the same: number of the first position. Defaults to 0.
        position_kernel: With `position="convolutional"`: vectors that it sees. Defaults to 128.
        position_groups: With the same: groups of channels. Defaults to 16.
        att_context_size: How many vectors before and after itself one attends to,
            `(left, right)`; or several such pairs, of which training draws one for each batch and
            all else takes the first. Defaults to None (all).
        att_context_style: `"regular"` or `"chunked_limited"`, see `layers.WindowedAttention`.
            Defaults to `"regular"`.
        convolution_kernel: Vectors that the convolution behind each encoder block sees, itself the
            last, see `layers.ConvolutionModule`. Defaults to None (no convolutions).
        embedding_dropout: Rate on the subsampled vectors. Defaults to 0.1.
        head: `"ctc"`: symbols, class 0 is blank; `"class"`: one label for the recording;
            `"frames"`: a label for each vector. Defaults to `"ctc"`.
        num_classes: Number of labels, with CTC's blank; 0 gives the backbone, which returns the
            vectors. Defaults to 29.
        classifier_activation: Activation of the output. Defaults to None (logits).

    Raises:
        ValueError: If a field is out of its range.
    """

    position: str | None = "relative"
    input: str = "waveform"
    sampling_rate: int = 16000
    frame_milliseconds: int = 25
    hop_milliseconds: int = 10
    num_mels: int = 80
    feature_normalization: str = "global"
    dynamic_range: float | None = None
    frequency_masks: int = 2
    frequency_mask_width: int = 20
    time_masks: int = 4
    time_mask_share: float = 0.06
    stem: str = "causal"
    subsampling: int = 4
    stem_channels: tuple | None = None
    stem_kernels: tuple | None = None
    stem_strides: tuple | None = None
    stem_activation: str = "gelu"
    stem_norm: str | None = None
    stem_bias: bool = False
    stem_hears_padding: bool = False
    scale_embedding: bool = False
    embedding_norm: bool = False
    max_vectors: int | None = None
    position_layout: str = "interleaved"
    first_position: int = 0
    position_kernel: int = 128
    position_groups: int = 16
    att_context_size: tuple | None = None
    att_context_style: str = "regular"
    convolution_kernel: int | None = None
    embedding_dropout: float = 0.1
    head: str = "ctc"
    num_classes: int = 29
    classifier_activation: str | None = None

    # The reach of attention has no weights: relative positions do not tell far offsets apart.
    free_fields: ClassVar[tuple[str, ...]] = (
        *EncoderConfig.free_fields,
        "att_context_size",
        "att_context_style",
        "classifier_activation",
        "embedding_dropout",
        "frequency_mask_width",
        "frequency_masks",
        "head",
        "num_classes",
        "stem_hears_padding",
        "time_mask_share",
        "time_masks",
    )
    positive_fields: ClassVar[tuple[str, ...]] = (
        *EncoderConfig.positive_fields,
        "frame_milliseconds",
        "hop_milliseconds",
        "num_mels",
        "position_groups",
        "position_kernel",
        "sampling_rate",
    )
    rate_fields: ClassVar[tuple[str, ...]] = (
        *EncoderConfig.rate_fields,
        "embedding_dropout",
        "time_mask_share",
    )

    def __post_init__(self):
        super().__post_init__()
        check_num_classes(self.num_classes)
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"Received an invalid value for `{name}`, expected one of {known}. "
                    f"Received: {name}={getattr(self, name)!r}"
                )
        for name in STAGES:  # JSON gives lists back.
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        check_position(self)
        check_stem(self)
        if self.window is not None or self.global_tokens or self.causal:
            raise ValueError(
                "Expected the reach of a speech encoder as `att_context_size=(left, right)`. "
                f"Received: window={self.window}, global_tokens={self.global_tokens}, "
                f"causal={self.causal}"
            )
        if self.dynamic_range is not None and (
            self.feature_normalization != "utterance" or not self.dynamic_range > 0
        ):
            raise ValueError(
                "Received an invalid value for `dynamic_range`, expected a positive number of "
                "decibels with `feature_normalization='utterance'`, or None. Received: "
                f"dynamic_range={self.dynamic_range!r}, "
                f"feature_normalization={self.feature_normalization!r}"
            )
        if self.att_context_size is not None:
            object.__setattr__(self, "att_context_size", _as_contexts(self.att_context_size))

    @property
    def frame_length(self):
        """Samples that a frame sees."""
        return self.sampling_rate * self.frame_milliseconds // 1000

    @property
    def hop_length(self):
        """Samples from one frame to the next; the frames of a stem of samples are samples."""
        if self.stem == "waveform":
            return 1
        return self.sampling_rate * self.hop_milliseconds // 1000

    @property
    def frames_per_vector(self):
        """Frames from one vector of the encoder to the next."""
        return self.subsampling if self.stem == "causal" else math.prod(self.stem_strides)

    @property
    def deciding_frame(self):
        """Index of the last frame that the first vector needs: they are real together."""
        return frames_of_first_vector(self) - 1

    @property
    def steps_per_vector(self):
        """Steps of the input, samples or frames, from one vector of the encoder to the next."""
        return self.frames_per_vector * self._steps_per_frame

    @property
    def steps_of_first_vector(self):
        """Steps of the input that it takes for a first vector."""
        return (1 + self.deciding_frame) * self._steps_per_frame

    @property
    def _steps_per_frame(self):
        return self.hop_length if self.input == "waveform" else 1

    @property
    def longest_input(self):
        """Steps of the input that it takes at most; None if there is no limit."""
        length = self.max_vectors
        return None if length is None else length * self.steps_per_vector

    @property
    def contexts(self):
        """The pairs `(left, right)` of `att_context_size`, none if it is None."""
        size = self.att_context_size
        if size is None:
            return ()
        return size if isinstance(size[0], tuple) else (size,)

    def of_encoder(self):
        """Returns the `EncoderConfig` of the encoder blocks, with `window` and `window_style`."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(EncoderConfig)}
        fields["window"] = self.att_context_size
        if self.att_context_size is not None:
            fields["window_style"] = self.att_context_style
        return EncoderConfig(**fields)


def _as_contexts(size):
    """Returns a pair of integers, or a tuple of such pairs, as tuples (JSON gives lists back)."""
    several = isinstance(size, list | tuple) and size and isinstance(size[0], list | tuple)
    pairs = size if several else (size,)
    for pair in pairs:
        is_pair = isinstance(pair, list | tuple) and len(pair) == 2
        if not is_pair or not all(type(n) is int and n >= 0 for n in pair):
            raise ValueError(
                "Received an invalid value for `att_context_size`, expected a pair of non-negative "
                "integers (left, right), or several such pairs. "
                f"Received: att_context_size={size!r}"
            )
    pairs = tuple(map(tuple, pairs))
    return pairs if several else pairs[0]


PRESETS = {
    "tiny": SpeechEncoderConfig(
        hidden_dim=32,
        intermediate_dim=64,
        num_layers=2,
        num_heads=2,
        num_mels=40,
        frequency_mask_width=8,
        att_context_size=(16, 4),
        convolution_kernel=5,
    ),
    "small": SpeechEncoderConfig(
        hidden_dim=144,
        intermediate_dim=576,
        num_layers=5,
        num_heads=4,
        att_context_size=(32, 7),
        att_context_style="chunked_limited",
        convolution_kernel=15,
    ),
    # Words of a second or less: vectors of 20 ms.
    "keywords": SpeechEncoderConfig(
        hidden_dim=96,
        intermediate_dim=384,
        num_layers=3,
        num_heads=4,
        subsampling=2,
        att_context_size=(32, 7),
        att_context_style="chunked_limited",
        convolution_kernel=15,
        head="class",
        num_classes=10,
    ),
    "base": SpeechEncoderConfig(
        hidden_dim=256,
        intermediate_dim=1024,
        num_layers=12,
        num_heads=4,
        att_context_size=(70, 13),
        att_context_style="chunked_limited",
        convolution_kernel=15,
    ),
}

# Those that come with weights, and what they say of an input.
PRETRAINED = {
    "streaming_an4": (
        PRESETS["small"].replace(
            att_context_size=((32, 7), (32, 15), (32, 3), (32, 1), (64, 63)), num_classes=28
        ),
        "Spelled letters, digits and commands to text, English.",
    ),
    "digits_fsdd": (
        PRESETS["keywords"].replace(
            sampling_rate=8000,
            num_mels=40,
            frequency_mask_width=10,
            feature_normalization="utterance",
            dynamic_range=30.0,
        ),
        "Which digit is said, English.",
    ),
}
