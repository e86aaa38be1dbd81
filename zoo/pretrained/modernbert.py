"""ModernBERT (Warner et al., 2024): local attention, every third block global, no biases."""

import numpy as np

from .family import Family, Key
from .table import Entry, dense, kept, norm, transposed

_GLOBAL_WAVELENGTH, _LOCAL_WAVELENGTH = 160000.0, 10000.0
_ENCODER = {
    "embedding_norm": True,
    "feed_forward": "geglu",
    "first_attention_norm": False,
    "head_activation": "gelu",
    "head_norm": True,
    "normalize_first": True,
    "position": "rope",
    "use_bias": False,
}


def _norm(config, ours, theirs):
    return norm(ours, theirs)[: 2 if config.norm_bias else 1]


def _block(config, index):
    ours, theirs = f"encoder_block_{index}", f"layers.{index}"
    projections = tuple(
        f"{ours}/self_attention/{part}/kernel" for part in ("query", "key", "value")
    )
    entries = [
        Entry(
            projections,
            (f"{theirs}.attn.Wqkv.weight",),
            lambda array: np.split(array.T, 3, axis=1),
            lambda *arrays: (np.concatenate(arrays, axis=1).T,),
        ),
        transposed(f"{ours}/self_attention/attention_output/kernel", f"{theirs}.attn.Wo.weight"),
        transposed(f"{ours}/intermediate/kernel", f"{theirs}.mlp.Wi.weight"),
        transposed(f"{ours}/feed_forward_output/kernel", f"{theirs}.mlp.Wo.weight"),
        *_norm(config, f"{ours}/feed_forward_norm", f"{theirs}.mlp_norm"),
    ]
    return entries + (
        _norm(config, f"{ours}/attention_norm", f"{theirs}.attn_norm") if index else []
    )


def _table(config, settings):
    entries = [
        kept("token_embedding/embeddings", "embeddings.tok_embeddings.weight"),
        *_norm(config, "embedding_norm", "embeddings.norm"),
        *_norm(config, "final_norm", "final_norm"),
    ]
    for index in range(config.num_layers):
        entries += _block(config, index)
    return entries


def _head(config):
    before = dense("head_dense", "head.dense")[: 2 if config.head_bias else 1]
    return [*before, *_norm(config, "head_norm", "head.norm"), *dense("logits", "classifier")]


def _layer_types(every, count):
    return ["sliding_attention" if i % every else "full_attention" for i in range(count)]


def _more_fields(settings):
    """Which blocks are global, how far the others see, and the wavelengths of both.

    Older files say it by a number and two wavelengths, newer ones by a list and a dict.
    """
    count = settings.get("num_hidden_layers", 22)
    every = settings.get("global_attn_every_n_layers", 3)
    types = settings.get("layer_types") or _layer_types(every, count)
    found = [n for n in (every, *range(1, count + 1)) if _layer_types(n, count) == types]
    if not found:
        raise ValueError(
            "Expected `layer_types` of config.json to be 'full_attention' every so many layers, "
            f"the first among them, and 'sliding_attention' else. Received: layer_types={types}"
        )
    ropes = settings.get("rope_parameters") or {}
    wavelengths = []
    for kind, key, default in (
        ("full_attention", "global_rope_theta", _GLOBAL_WAVELENGTH),
        ("sliding_attention", "local_rope_theta", _LOCAL_WAVELENGTH),
    ):
        rope = {"rope_type": "default", "rope_theta": settings.get(key, default)}
        rope |= ropes.get(kind) or {}
        if rope.keys() != {"rope_type", "rope_theta"} or rope["rope_type"] != "default":
            raise ValueError(
                "Expected `rope_parameters` of config.json to be of the default kind, with no more "
                f"than `rope_theta`. Received: rope_parameters={ropes}"
            )
        wavelengths.append(rope["rope_theta"] or wavelengths[0])
    reach = settings.get("local_attention", 128) // 2
    return {
        "global_every": found[0],
        "global_rope_wavelength": float(wavelengths[0]),
        "rope_wavelength": float(wavelengths[1]),
        "window": (reach, reach),
    }


def _more_settings(config):
    left, right = config.window or (0, 0)
    return {
        "global_attn_every_n_layers": config.global_every or config.num_layers,
        "global_rope_theta": config.global_rope_wavelength or config.rope_wavelength,
        "local_attention": left + right,
        "local_rope_theta": config.rope_wavelength,
    }


FAMILY = Family(
    model_type="modernbert",
    prefix="model",
    classes={
        "sentiment_classifier": "ModernBertForSequenceClassification",
        "sequence_tagger": "ModernBertForTokenClassification",
    },
    backbone_class="ModernBertModel",
    keys=(
        Key("vocab_size", "vocabulary_size", 50368),
        Key("hidden_size", "hidden_dim", 768),
        Key("num_hidden_layers", "num_layers", 22),
        Key("num_attention_heads", "num_heads", 12),
        Key("intermediate_size", "intermediate_dim", 1152),
        Key("max_position_embeddings", "max_sequence_length", 8192),
        Key("norm_eps", "layer_norm_epsilon", 1e-5),
        Key("norm_bias", "norm_bias", False),
        Key("embedding_dropout", "embedding_dropout", 0.0),
        Key("attention_dropout", "attention_dropout", 0.0),
        Key("mlp_dropout", "dropout", 0.0),
        Key("classifier_dropout", "head_dropout", 0.0),
        Key("classifier_bias", "head_bias", False),
        Key("classifier_pooling", "pooling", "cls"),
    ),
    fields={"sentiment_classifier": _ENCODER, "sequence_tagger": _ENCODER},
    table=_table,
    heads={"sentiment_classifier": _head, "sequence_tagger": _head},
    activation_key="hidden_activation",
    only={
        "attention_bias": (False,),
        "classifier_activation": ("gelu",),
        "mlp_bias": (False,),
    },
    without_effect=(
        *("decoder_bias", "deterministic_flash_attn", "initializer_cutoff_factor"),
        *("layer_norm_eps", "reference_compile", "repad_logits_with_grad"),
        *("sparse_pred_ignore_index", "sparse_prediction"),
    ),
    unused={"decoder.*": "a head of pretraining"},
    more_keys=(
        *("global_attn_every_n_layers", "global_rope_theta", "layer_types"),
        *("local_attention", "local_rope_theta", "rope_parameters"),
    ),
    more_fields=_more_fields,
    more_settings=_more_settings,
)
