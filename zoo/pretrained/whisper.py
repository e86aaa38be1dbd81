"""The encoder of Whisper (Radford et al., 2023)."""

from .family import Family, Key
from .speech_to_text import ACTIVATIONS, ENCODER, KEYS, UNUSED, WITHOUT_EFFECT, blocks
from .table import convolution_1d, kept, no_head, of_encoder, without_tensor

_DEFAULTS = {
    "d_model": 384,
    "encoder_layers": 4,
    "encoder_attention_heads": 6,
    "encoder_ffn_dim": 1536,
    "dropout": 0.0,
    "activation_function": "gelu",
}
_KEYS = tuple(Key(k.theirs, k.ours, _DEFAULTS.get(k.theirs, k.default)) for k in KEYS)


def _table(config, settings):
    entries = [kept("position/table", "embed_positions.weight")]
    for stage in range(2):
        entries += convolution_1d(f"subsampling/convolution_{stage}", f"conv{stage + 1}")
    for entry in blocks(config):
        # Its keys have no bias; ours adds a constant to all scores of a query, which softmax takes
        # off again, and has no gradient.
        (ours,) = entry.ours
        has_none = ours.endswith("/key/bias")
        entries.append(without_tensor(ours, config.hidden_dim) if has_none else entry)
    return of_encoder(entries)


def _more_fields(settings):
    return {"stem_channels": (settings.get("d_model", _DEFAULTS["d_model"]),) * 2}


def _extractor(config):
    return {
        "feature_extractor_type": "WhisperFeatureExtractor",
        "feature_size": config.num_mels,
        # The extractor makes recordings of just this length, in seconds.
        "chunk_length": config.longest_input * config.hop_length // config.sampling_rate,
    }


FAMILY = Family(
    model_type="whisper",
    prefix="model",
    classes={},
    backbone_class="WhisperEncoder",
    keys=(
        *_KEYS,
        Key("num_mel_bins", "num_mels", 80),
        Key("max_source_positions", "max_vectors", 1500),
    ),
    fields={
        "speech_encoder": {
            **ENCODER,
            "position": "learned",
            "stem_activation": "gelu",
            "stem_kernels": (3, 3),
            "stem_strides": (1, 2),
        }
    },
    table=_table,
    heads={"speech_encoder": no_head},
    activation_key="activation_function",
    only={"activation_function": ACTIVATIONS, "is_encoder_decoder": (True, False)},
    without_effect=(
        *WITHOUT_EFFECT,
        *("apply_spec_augment", "begin_suppress_tokens", "classifier_proj_size"),
        *("mask_feature_length", "mask_feature_min_masks", "mask_feature_prob"),
        *("mask_time_length", "mask_time_min_masks", "mask_time_prob", "median_filter_width"),
        *("scale_embedding", "suppress_tokens", "use_weighted_layer_sum"),
    ),
    unused={
        **UNUSED,
        "classifier.*": "a head of another task",
        "layer_weights": "a head of another task",
        "projector.*": "a head of another task",
    },
    more_fields=_more_fields,
    more_settings=lambda config: {"is_encoder_decoder": True},
    extractor=_extractor,
)
