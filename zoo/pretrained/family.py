"""What is known of a family of checkpoints: its configuration and its tensors, as data."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from ..registry import get_preset

# Keys of a config.json that do not change what a model computes.
_WITHOUT_EFFECT = frozenset(
    (
        *("_attn_implementation", "_attn_implementation_autoset", "_commit_hash"),
        *("_num_labels", "tokenizer_class", "xla_device"),
        # Of generating text, which old versions of transformers wrote into every file.
        *("bad_words_ids", "do_sample", "early_stopping", "eos_token_ids", "length_penalty"),
        *("max_length", "min_length", "no_repeat_ngram_size", "num_beams", "num_return_sequences"),
        *("repetition_penalty", "temperature", "top_k", "top_p"),
        *("_name_or_path", "architectures", "bos_token_id", "chunk_size_feed_forward"),
        *("cls_token_id", "dtype", "eos_token_id", "finetuning_task"),
        *("gradient_checkpointing", "id2label", "initializer_factor", "initializer_range"),
        *("label2id", "language", "model_type", "num_labels", "output_attentions"),
        *("output_hidden_states", "output_past", "pad_token_id", "return_dict"),
        *("sep_token_id", "task_specific_params", "tie_word_embeddings", "torch_dtype"),
        *("torchscript", "transformers_version", "use_cache", "use_return_dict"),
    )
)
# Keys that are understood where they have one of these values.
_ONLY = {
    "add_cross_attention": (False,),
    "cross_attention_hidden_size": (None,),
    "is_decoder": (False,),
    "is_encoder_decoder": (False,),
    "position_embedding_type": ("absolute",),
    "problem_type": (None, "single_label_classification"),
    "pruned_heads": ({}, None),
    "tie_encoder_decoder": (False,),
    "use_bfloat16": (False,),
}
_GELU = ("gelu", "gelu_python")


@dataclass(frozen=True)
class Key:
    """A key of a config.json and the fields of ours that it decides.

    Args:
        theirs: The key.
        ours: One field or several, of the architectures that have them.
        default: Its value where it is left out.
    """

    theirs: str
    ours: str | tuple[str, ...]
    default: object

    @property
    def fields(self):
        """The fields as a tuple."""
        return (self.ours,) if isinstance(self.ours, str) else self.ours


@dataclass(frozen=True)
class Family:
    """A family of checkpoints.

    Args:
        model_type: What config.json calls it.
        prefix: What the names of the backbone's tensors begin with in a checkpoint with a head.
        classes: Dict from the name of our architecture to transformers' class with that head.
        backbone_class: transformers' class without a head.
        keys: The `Key`s.
        fields: Dict from the name of our architecture to the fields that are always so.
        table: `f(config, settings) -> entries` of the backbone, `settings` being config.json.
        heads: Dict from the name of our architecture to `f(config) -> entries` of its head.
        activation_key: The key that names the activation, which must be GELU. Defaults to
            `"hidden_act"`.
        only: Keys with the values that are understood. Defaults to none.
        without_effect: Keys that change nothing. Defaults to none.
        unused: Tensors that no model of ours has: shell pattern -> reason. Defaults to none.
        found: `f(names, architecture) -> fields` that the tensors which are there decide.
            Defaults to none.
        offset_by_padding: Whether the table of positions begins with rows for padding, one more
            than the padding id. Defaults to False.
        class_suffix: `f(config) -> str` that the class with a head ends in. Defaults to none.
        more_keys: Keys that `more_fields` reads. Defaults to none.
        more_fields: `f(settings) -> fields` that several keys decide together. Defaults to none.
        more_settings: `f(config) -> settings`, the way back. Defaults to none.
        extractor: Of families of speech: `f(config) -> settings` of what makes the input there,
            without its rate. Defaults to none.
        extracted_fields: `f(settings) -> fields`, the way back. Defaults to none.
    """

    model_type: str
    prefix: str
    classes: dict[str, str]
    backbone_class: str
    keys: tuple[Key, ...]
    fields: dict[str, dict]
    table: Callable
    heads: dict[str, Callable]
    activation_key: str = "hidden_act"
    only: dict[str, tuple] = field(default_factory=dict)
    without_effect: tuple[str, ...] = ()
    unused: dict[str, str] = field(default_factory=dict)
    found: Callable = lambda names, architecture: {}
    offset_by_padding: bool = False
    class_suffix: Callable = lambda config: ""
    more_keys: tuple[str, ...] = ()
    more_fields: Callable = lambda settings: {}
    more_settings: Callable = lambda config: {}
    extractor: Callable = lambda config: {}
    extracted_fields: Callable = lambda settings: {}

    common_unused: ClassVar[dict[str, str]] = {
        "*position_ids": "a buffer of 0, 1, 2, ...",
        "cls.*": "a head of pretraining",
        "lm_head.*": "a head of pretraining",
        "qa_outputs.*": "a head of another task",
        "*mask_token": "of pretraining",
    }

    def config(self, settings, architecture, names=(), **overrides):
        """Returns our configuration for a config.json.

        Args:
            settings: What config.json holds.
            architecture: Name of our architecture.
            names: Names of the tensors, without the prefix. Defaults to none.
            **overrides: Fields to set.

        Raises:
            ValueError: If it has a key or a value that is not understood, naming it.
        """
        wrong = self.not_understood(settings)
        if wrong:
            raise ValueError(
                f"Expected a config.json of model_type {self.model_type!r} with keys that attnzoo "
                "understands, as one that it does not may change what the model computes. "
                f"Received: {', '.join(wrong)}"
            )
        kind = type(get_preset(architecture).config)
        ours = {f.name for f in dataclasses.fields(kind)}
        fields = dict(self.fields[architecture])
        for key in self.keys:
            value = settings.get(key.theirs, key.default)
            if value is None and key.default is not None:
                value = key.default
            fields |= dict.fromkeys(ours.intersection(key.fields), value)
        fields |= self.more_fields(settings)
        if self.offset_by_padding:
            fields["max_sequence_length"] -= self.positions_before_first(settings)
        if fields.get("embedding_dim") == fields["hidden_dim"]:
            fields["embedding_dim"] = None
        fields |= self.found(names, architecture)
        return kind(**{**fields, **overrides})

    def positions_before_first(self, settings):
        """Returns how many rows of the table of positions come before that of the first token."""
        return settings["pad_token_id"] + 1 if self.offset_by_padding else 0

    def settings(self, config, pad_token_id=0):
        """Returns what config.json says of one of our configurations, labels left out."""
        settings = {"model_type": self.model_type, self.activation_key: "gelu"}
        if hasattr(config, "vocabulary_size"):
            settings["pad_token_id"] = pad_token_id
        for key in self.keys:
            value = getattr(config, key.fields[0], key.default)
            if key.fields[0] == "embedding_dim" and value is None:
                value = config.hidden_dim
            if key.fields[0] == "head_dropout" and value is None and key.default is not None:
                value = config.dropout
            settings[key.theirs] = value
        if self.offset_by_padding:
            settings["max_position_embeddings"] += self.positions_before_first(settings)
        return settings | self.more_settings(config)

    def head_class(self, architecture, config):
        """Returns the name of transformers' class with the head of our architecture."""
        return self.classes[architecture] + self.class_suffix(config)

    def not_understood(self, settings):
        """Returns the keys of a config.json that are not understood, or not with such a value."""
        only = {**_ONLY, self.activation_key: _GELU, **self.only}
        read = {key.theirs for key in self.keys} | {*self.more_keys, *self.without_effect}
        read |= _WITHOUT_EFFECT
        return [
            f"{key}={value!r}" + (f" (expected {_or(only[key])})" if key in only else "")
            for key, value in settings.items()
            if (value not in only[key] if key in only else key not in read)
        ]


def _or(values):
    return " or ".join(map(repr, values))
