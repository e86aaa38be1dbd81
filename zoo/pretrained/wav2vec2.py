"""wav2vec 2.0 (Baevski et al., 2020), in both orders of its normalisations."""

import numpy as np

from .family import Family, Key
from .table import Entry, block, convolution_1d, dense, kept, norm

_CONVOLUTION = "encoder.pos_conv_embed.conv"


def _position():
    """Returns the entry of the kernel of positions: its direction, and its length at each place.

    Both are called otherwise by PyTorch before 2.0.
    """

    def read(lengths, directions):
        norms = np.sqrt((directions.astype("float64") ** 2).sum(axis=(0, 1), keepdims=True))
        return ((directions * (lengths / norms)).astype("float32").transpose(2, 1, 0),)

    def write(kernel):
        directions = kernel.transpose(2, 1, 0)
        norms = np.sqrt((directions.astype("float64") ** 2).sum(axis=(0, 1), keepdims=True))
        return norms.astype("float32"), directions

    new = f"{_CONVOLUTION}.parametrizations.weight.original"
    return Entry(
        ("position/kernel",),
        (f"{new}0|{_CONVOLUTION}.weight_g", f"{new}1|{_CONVOLUTION}.weight_v"),
        read,
        write,
    )


def _stem(config):
    entries = []
    for stage in range(len(config.stem_kernels)):
        ours, theirs = "waveform_encoder", f"feature_extractor.conv_layers.{stage}"
        entries += convolution_1d(f"{ours}/convolution_{stage}", f"{theirs}.conv", config.stem_bias)
        if config.stem_norm == "layer":
            entries += norm(f"{ours}/norm_{stage}", f"{theirs}.layer_norm")
        elif stage == 0:
            entries += norm(ours, f"{theirs}.layer_norm")
    return entries


def _table(config, settings):
    entries = [
        *_stem(config),
        *norm("stem_norm", "feature_projection.layer_norm"),
        *dense("stem_projection", "feature_projection.projection"),
        _position(),
        kept("position/bias", f"{_CONVOLUTION}.bias"),
        *norm("final_norm" if config.normalize_first else "embedding_norm", "encoder.layer_norm"),
    ]
    for index in range(config.num_layers):
        entries += block(
            index,
            f"encoder.layers.{index}",
            attention=[f"attention.{part}_proj" for part in ("q", "k", "v", "out")],
            attention_norm="layer_norm",
            feed_forward=("feed_forward.intermediate_dense", "feed_forward.output_dense"),
            feed_forward_norm="final_layer_norm",
        )
    return entries


def _head(config):
    return dense("logits", "lm_head")


def _more_fields(settings):
    stable = settings.get("do_stable_layer_norm", False)
    return {
        "embedding_norm": not stable,
        "feature_normalization": "utterance",  # Unless the file of sound says otherwise.
        "normalize_first": stable,
        "stem_channels": tuple(settings.get("conv_dim", (512,) * 7)),
        "stem_kernels": tuple(settings.get("conv_kernel", (10, 3, 3, 3, 3, 2, 2))),
        "stem_strides": tuple(settings.get("conv_stride", (5, 2, 2, 2, 2, 2, 2))),
    }


def _more_settings(config):
    return {
        "conv_dim": list(config.stem_channels or ()),
        "conv_kernel": list(config.stem_kernels or ()),
        "conv_stride": list(config.stem_strides or ()),
        "do_stable_layer_norm": config.normalize_first,
        # Without these there would be a vector for what is hidden in pretraining.
        "mask_time_prob": 0.0,
        "mask_feature_prob": 0.0,
        "pad_token_id": 0,
        "vocab_size": config.num_classes or 32,
    }


def _extractor(config):
    return {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "feature_size": 1,
        "padding_value": 0.0,
        "do_normalize": config.feature_normalization == "utterance",
        # Those with a norm over the recording were trained without masks.
        "return_attention_mask": config.stem_norm == "layer",
    }


def _extracted_fields(settings):
    for key, needed in (("feature_size", 1), ("padding_value", 0.0)):
        if settings.get(key, needed) != needed:
            raise ValueError(f"{key}={settings[key]!r}, expected {needed}")
    normalized = settings.get("do_normalize", True)
    return {"feature_normalization": "utterance" if normalized else None}


FAMILY = Family(
    model_type="wav2vec2",
    prefix="wav2vec2",
    classes={"speech_encoder": "Wav2Vec2ForCTC"},
    backbone_class="Wav2Vec2Model",
    keys=(
        Key("hidden_size", "hidden_dim", 768),
        Key("num_hidden_layers", "num_layers", 12),
        Key("num_attention_heads", "num_heads", 12),
        Key("intermediate_size", "intermediate_dim", 3072),
        Key("hidden_dropout", ("dropout", "embedding_dropout"), 0.1),
        Key("attention_dropout", "attention_dropout", 0.1),
        Key("final_dropout", "head_dropout", 0.1),
        Key("layer_norm_eps", "layer_norm_epsilon", 1e-5),
        Key("conv_bias", "stem_bias", False),
        Key("feat_extract_norm", "stem_norm", "group"),
        Key("num_conv_pos_embeddings", "position_kernel", 128),
        Key("num_conv_pos_embedding_groups", "position_groups", 16),
    ),
    fields={
        "speech_encoder": {
            "frequency_masks": 0,
            "head": "ctc",
            "position": "convolutional",
            "stem": "waveform",
            "time_masks": 0,
        }
    },
    table=_table,
    heads={"speech_encoder": _head},
    only={
        "adapter_attn_dim": (None,),
        "add_adapter": (False,),
        "feat_extract_activation": ("gelu", "gelu_python"),
        "feat_extract_norm": ("group", "layer"),
    },
    without_effect=(
        *("activation_dropout", "adapter_kernel_size", "adapter_stride", "apply_spec_augment"),
        *("classifier_proj_size", "codevector_dim", "contrastive_logits_temperature"),
        *("ctc_loss_reduction", "ctc_zero_infinity", "diversity_loss_weight"),
        *("feat_extract_dropout", "feat_proj_dropout", "feat_quantizer_dropout", "layerdrop"),
        *("hidden_dropout_prob", "mask_channel_length", "mask_channel_min_space"),
        *("mask_channel_other", "mask_channel_prob", "mask_channel_selection"),
        *("mask_feature_length", "mask_feature_min_masks", "mask_feature_prob"),
        *("mask_time_length", "mask_time_min_masks", "mask_time_min_space", "mask_time_other"),
        *("mask_time_prob", "mask_time_selection", "num_adapter_layers"),
        *("num_codevector_groups", "num_codevectors_per_group", "num_feat_extract_layers"),
        *("num_negatives", "output_hidden_size", "proj_codevector_dim", "tdnn_dilation"),
        *("tdnn_dim", "tdnn_kernel", "use_weighted_layer_sum", "vocab_size"),
        "xvector_output_dim",
    ),
    unused={
        "classifier.*": "a head of another task",
        "layer_weights": "a head of another task",
        "masked_spec_embed": "what is hidden in training",
        "project_hid.*": "of pretraining",
        "project_q.*": "of pretraining",
        "projector.*": "a head of another task",
        "quantizer.*": "of pretraining",
    },
    more_keys=("conv_dim", "conv_kernel", "conv_stride", "do_stable_layer_norm"),
    more_fields=_more_fields,
    more_settings=_more_settings,
    extractor=_extractor,
    extracted_fields=_extracted_fields,
)
