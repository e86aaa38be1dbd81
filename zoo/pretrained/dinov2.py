"""DINOv2 (Oquab et al., 2023): LayerScale, and a head on class token and mean of the patches."""

from .family import Family, Key
from .table import block, classifier, kept, norm
from .vit import (
    ATTENTION,
    ENCODER,
    KEYS,
    ONLY,
    SHAPE_KEYS,
    embeddings,
    image_fields,
    image_settings,
)


def _table(config, settings):
    entries = [*embeddings(), *norm("final_norm", "layernorm")]
    for index in range(config.num_layers):
        layer = f"encoder.layer.{index}"
        entries += block(
            index,
            layer,
            attention=ATTENTION,
            attention_norm="norm1",
            feed_forward=("mlp.fc1", "mlp.fc2"),
            feed_forward_norm="norm2",
        )
        for number, branch in enumerate(("attention", "feed_forward"), start=1):
            entries.append(
                kept(
                    f"encoder_block_{index}/{branch}_scale/gamma",
                    f"{layer}.layer_scale{number}.lambda1",
                )
            )
    return entries


def _fields(settings):
    ratio = settings.get("mlp_ratio", 4)
    width = int(settings.get("hidden_size", 768) * ratio)
    return {**image_fields(settings), "intermediate_dim": width}


def _settings(config):
    ratio = config.intermediate_dim / config.hidden_dim
    ratio = int(ratio) if ratio.is_integer() else ratio
    return {**image_settings(config), "mlp_ratio": ratio, "use_mask_token": False}


FAMILY = Family(
    model_type="dinov2",
    prefix="dinov2",
    classes={"image_classifier": "Dinov2ForImageClassification"},
    backbone_class="Dinov2Model",
    keys=(
        *KEYS,
        Key("patch_size", "patch_size", 14),
        Key("layer_norm_eps", "layer_norm_epsilon", 1e-6),
        Key("layerscale_value", "layer_scale", 1.0),
        Key("drop_path_rate", "drop_path", 0.0),
    ),
    fields={"image_classifier": {**ENCODER, "pooling": "cls_mean"}},
    table=_table,
    heads={"image_classifier": classifier},
    only={**ONLY, "use_swiglu_ffn": (False,)},
    without_effect=(
        *("_out_features", "_out_indices", "apply_layernorm", "out_features", "out_indices"),
        *("reshape_hidden_states", "stage_names", "use_mask_token"),
    ),
    more_keys=(*SHAPE_KEYS, "mlp_ratio"),
    more_fields=_fields,
    more_settings=_settings,
)
