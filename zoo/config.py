"""What the configurations of all architectures share (imports no Keras)."""

import dataclasses
import difflib
from dataclasses import dataclass
from typing import ClassVar

# What may follow the dense layer of a head or a pooler.
ACTIVATIONS = ("gelu", "relu", "tanh")


def replace_fields(instance, changes, what):
    """Returns a copy of a dataclass with changes, refusing unknown names.

    Args:
        instance: Instance of a dataclass.
        changes: Dict from field name to value.
        what: What the dataclass is, for the message.

    Raises:
        ValueError: If a name is not a field.
    """
    names = [field.name for field in dataclasses.fields(instance)]
    for name, value in changes.items():
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"Received an unknown {what} field, expected one of {sorted(names)}.{hint} "
                f"Received: {name}={value!r}"
            )
    return dataclasses.replace(instance, **changes)


def check_num_classes(num_classes):
    """Raises a ValueError unless `num_classes` is 0 (the backbone) or at least 2."""
    if not isinstance(num_classes, int) or num_classes < 0 or num_classes == 1:
        raise ValueError(
            "Received an invalid value for `num_classes`, expected 0 (the backbone) or at "
            f"least 2. Received: num_classes={num_classes!r}"
        )


def check_rate(name, value):
    """Raises a ValueError unless a field is a rate in [0, 1)."""
    if not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise ValueError(
            f"Received an invalid value for `{name}`, expected a rate in [0, 1). "
            f"Received: {name}={value!r}"
        )


def check_activation(name, value):
    """Raises a ValueError unless a field names an activation of `ACTIVATIONS`, or is None."""
    if value is not None and value not in ACTIVATIONS:
        raise ValueError(
            f"Received an invalid value for `{name}`, expected one of {ACTIVATIONS} or None. "
            f"Received: {name}={value!r}"
        )


@dataclass(frozen=True)
class ModelConfig:
    """Base of every architecture's configuration: frozen, printable, JSON-like.

    `free_fields` names the fields that do not shape the encoder's weights, so that a checkpoint
    may be loaded with other values of them. `positive_fields` are sizes, `rate_fields` dropouts.

    Raises:
        ValueError: If a size is not a positive integer, or a rate is not in [0, 1).
    """

    free_fields: ClassVar[tuple[str, ...]] = ()
    positive_fields: ClassVar[tuple[str, ...]] = ()
    rate_fields: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self):
        for name in self.positive_fields:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(
                    f"Received an invalid value for `{name}`, expected a positive integer. "
                    f"Received: {name}={value!r}"
                )
        for name in self.rate_fields:
            check_rate(name, getattr(self, name))

    def replace(self, **overrides):
        """Returns a copy with `overrides`, refusing unknown names.

        Raises:
            ValueError: If a name is not a field of this configuration.
        """
        return replace_fields(self, overrides, "configuration")

    def adapted_weights(self, saved, layer, weights):
        """Returns the weights of a layer, saved under another configuration, as this one has them.

        Args:
            saved: The configuration that they were saved under, which differs in `free_fields`.
            layer: Name of the layer.
            weights: List of arrays.
        """
        return weights

    def to_dict(self):
        """Returns the fields as a dict."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


# Fields of a configuration that only some kinds of attention heed.
_OF_ATTENTION = {
    "multi_head": (
        "attention_dropout",
        "causal",
        "global_every",
        "global_tokens",
        "normalizer",
        "score",
        "window",
        "window_style",
    ),
    "linear": ("causal", "feature_map"),
    "nystrom": ("num_landmarks",),
}


@dataclass(frozen=True)
class EncoderConfig(ModelConfig):
    """The Transformer encoder that text, image and speech share.

    Args:
        hidden_dim: Size of the vectors between blocks. Defaults to 128.
        num_layers: Number of encoder blocks. Defaults to 2.
        num_heads: Attention heads in each block. Defaults to 4.
        intermediate_dim: Width of each feed-forward network. Defaults to 512.
        dropout: Rate on each residual branch and on the encoder's input. Defaults to 0.1.
        attention_dropout: Rate on attention weights. Defaults to 0.0.
        drop_path: Rate at which the last block's branches are dropped whole; earlier blocks have
            less, in proportion to their depth. Defaults to 0.0.
        layer_scale: First value of the factor on each residual branch. Defaults to None (none).
        normalize_first: Pre-norm blocks if True, post-norm if False. Defaults to True.
        final_norm: Whether a stack of pre-norm blocks ends in a normalisation. Defaults to True.
        layer_norm_epsilon: Added to each variance. Defaults to 1e-6.
        use_bias: Whether dense layers have biases. Defaults to True.
        norm_bias: Whether normalisations have biases. Defaults to True.
        feed_forward: `"gelu"`, `"relu"` or `"geglu"`, see `layers.TransformerEncoderBlock`.
            Defaults to `"gelu"`.
        first_attention_norm: Whether the first block normalises what its attention sees, which
            normalised embeddings are already. Defaults to True.
        kernel_initializer: Initialiser of the dense layers. Defaults to `"glorot_uniform"`.
        head_activation: Activation of a dense layer before the logits, `"gelu"`,
            `"relu"` or `"tanh"`. Defaults to None (no such layer).
        head_bias: Whether that layer has a bias. Defaults to True.
        head_norm: Whether a normalisation follows it. Defaults to False.
        head_dropout: Rate before the logits. Defaults to None (`dropout`).
        attention: Kind of attention: `"multi_head"`, `"linear"` or `"nystrom"`, see
            `MultiHeadSelfAttention`, `LinearSelfAttention` and `NystromSelfAttention` of
            `attnzoo.layers`. Defaults to `"multi_head"`.
        score: Relevance of keys to queries. Defaults to `"dot"`.
        normalizer: What makes weights of scores. Defaults to `"softmax"`.
        position: A name of `layers.positions.POSITIONS`, or None: the input stays a set.
            Defaults to `"sinusoidal"`.
        rope_wavelength: Of the position `"rope"`: wavelength of the slowest turn over 2π. Defaults
            to 10000.
        causal: Whether a position sees only itself and earlier ones. Defaults to False.
        window: How many positions before and after itself a position sees, `(left, right)`, or
            several such pairs. Defaults to None (all).
        window_style: `"regular"` or `"chunked_limited"`. Defaults to `"regular"`.
        global_tokens: Number of first positions that see all and are seen by all in spite of a
            window. Defaults to 0.
        global_every: Every so many blocks, the first among them, one attends to all in spite of the
            window. Defaults to None (none does).
        global_rope_wavelength: `rope_wavelength` of those blocks. Defaults to None (the same).
        feature_map: Of linear attention: `"elu"` or `"favor"`. Defaults to `"elu"`.
        num_landmarks: Of Nyström attention. Defaults to 32.

    Raises:
        ValueError: If a field is out of its range, or belongs to another kind of attention.
    """

    hidden_dim: int = 128
    num_layers: int = 2
    num_heads: int = 4
    intermediate_dim: int = 512
    dropout: float = 0.1
    attention_dropout: float = 0.0
    drop_path: float = 0.0
    layer_scale: float | None = None
    normalize_first: bool = True
    final_norm: bool = True
    layer_norm_epsilon: float = 1e-6
    use_bias: bool = True
    norm_bias: bool = True
    feed_forward: str = "gelu"
    first_attention_norm: bool = True
    kernel_initializer: str = "glorot_uniform"
    head_activation: str | None = None
    head_bias: bool = True
    head_norm: bool = False
    head_dropout: float | None = None
    attention: str = "multi_head"
    score: str = "dot"
    normalizer: str = "softmax"
    position: str | None = "sinusoidal"
    rope_wavelength: float = 10000.0
    causal: bool = False
    window: tuple | None = None
    window_style: str = "regular"
    global_tokens: int = 0
    global_every: int | None = None
    global_rope_wavelength: float | None = None
    feature_map: str = "elu"
    num_landmarks: int = 32

    free_fields: ClassVar[tuple[str, ...]] = (
        "attention_dropout",
        "drop_path",
        "dropout",
        "head_dropout",
        "kernel_initializer",
    )
    positive_fields: ClassVar[tuple[str, ...]] = (
        "hidden_dim",
        "num_layers",
        "num_heads",
        "intermediate_dim",
        "num_landmarks",
    )
    rate_fields: ClassVar[tuple[str, ...]] = ("dropout", "attention_dropout", "drop_path")

    def __post_init__(self):
        super().__post_init__()
        if isinstance(self.window, list):  # As JSON gives it back.
            window = (tuple(w) if isinstance(w, list) else w for w in self.window)
            object.__setattr__(self, "window", tuple(window))
        if self.head_dropout is not None:
            check_rate("head_dropout", self.head_dropout)
        check_activation("head_activation", self.head_activation)
        if self.attention not in _OF_ATTENTION:
            raise ValueError(
                f"Received an invalid value for `attention`, expected one of "
                f"{sorted(_OF_ATTENTION)}. Received: attention={self.attention!r}"
            )
        if self.feed_forward not in ("gelu", "geglu", "relu"):
            raise ValueError(
                "Received an invalid value for `feed_forward`, expected 'gelu', 'geglu' or 'relu'. "
                f"Received: feed_forward={self.feed_forward!r}"
            )
        self._check_needed()
        for field in dataclasses.fields(self):
            kinds = [kind for kind, names in _OF_ATTENTION.items() if field.name in names]
            value = getattr(self, field.name)
            if kinds and self.attention not in kinds and value != field.default:
                raise ValueError(
                    f"Expected `{field.name}` only with attention {' or '.join(map(repr, kinds))}. "
                    f"Received: {field.name}={value!r}, attention={self.attention!r}"
                )

    def _check_needed(self):
        """Raises a ValueError for a field whose effect another one prevents."""
        every = self.global_every
        if every is not None and (type(every) is not int or every < 1):
            raise ValueError(
                "Received an invalid value for `global_every`, expected a positive integer or "
                f"None. Received: global_every={every!r}"
            )
        defaults = {field.name: field.default for field in dataclasses.fields(EncoderConfig)}
        for names, needed, given in (
            (("first_attention_norm",), "`normalize_first=True`", self.normalize_first),
            (("head_bias", "head_norm"), "`head_activation`", self.head_activation is not None),
            (("rope_wavelength",), "position='rope'", self.position == "rope"),
            (("global_every",), "a `window`", self.window is not None),
            (
                ("global_rope_wavelength",),
                "position='rope' and `global_every`",
                self.position == "rope" and every is not None,
            ),
        ):
            for name in names:
                if not given and getattr(self, name) != defaults[name]:
                    raise ValueError(
                        f"Expected `{name}` only with {needed}, as it does nothing else. "
                        f"Received: {name}={getattr(self, name)!r}"
                    )


@dataclass(frozen=True)
class TextEncoderConfig(EncoderConfig):
    """An encoder over token ids.

    Args:
        vocabulary_size: Number of token ids. Defaults to 8000.
        max_sequence_length: Longest input in tokens, special tokens included. Defaults to 128.
        embedding_dropout: Rate on the embedded tokens. Defaults to 0.1.
        embedding_dim: Size of the embeddings, which are projected if it is not `hidden_dim`.
            Defaults to None (`hidden_dim`).
        embedding_norm: Whether embeddings are normalised. Defaults to False.
        num_segments: Kinds of segments, each with a vector that is added to its tokens, such as 2
            for pairs of sentences. Defaults to 0 (none).

    Raises:
        ValueError: If a field is out of its range.
    """

    vocabulary_size: int = 8000
    max_sequence_length: int = 128
    embedding_dropout: float = 0.1
    embedding_dim: int | None = None
    embedding_norm: bool = False
    num_segments: int = 0

    free_fields: ClassVar[tuple[str, ...]] = (
        *EncoderConfig.free_fields,
        "embedding_dropout",
        "max_sequence_length",
    )
    positive_fields: ClassVar[tuple[str, ...]] = (
        *EncoderConfig.positive_fields,
        "vocabulary_size",
        "max_sequence_length",
    )
    rate_fields: ClassVar[tuple[str, ...]] = (*EncoderConfig.rate_fields, "embedding_dropout")

    def __post_init__(self):
        super().__post_init__()
        for name, least in (("embedding_dim", 1), ("num_segments", 0)):
            value = getattr(self, name)
            optional = name == "embedding_dim" and value is None
            if not optional and (type(value) is not int or value < least):
                raise ValueError(
                    f"Received an invalid value for `{name}`, expected an integer of at least "
                    f"{least}. Received: {name}={value!r}"
                )

    def adapted_weights(self, saved, layer, weights):
        """Returns the weights of a layer; a table of positions may become shorter."""
        if layer != "position" or self.position != "learned":
            return weights
        if self.max_sequence_length > saved.max_sequence_length:
            raise ValueError(
                "Expected no longer input than the checkpoint has learned positions for. Received: "
                f"max_sequence_length={self.max_sequence_length} "
                f"(checkpoint: {saved.max_sequence_length})"
            )
        return [table[: self.max_sequence_length] for table in weights]
