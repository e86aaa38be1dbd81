"""ViT (Dosovitskiy et al., 2021), and what all families of images share."""

from .family import Family, Key
from .table import block, classifier, convolution, image_positions, norm

KEYS = (
    Key("hidden_size", "hidden_dim", 768),
    Key("num_hidden_layers", "num_layers", 12),
    Key("num_attention_heads", "num_heads", 12),
    Key("hidden_dropout_prob", ("dropout", "embedding_dropout"), 0.0),
    Key("attention_probs_dropout_prob", "attention_dropout", 0.0),
)
VIT_KEYS = (
    *KEYS,
    Key("intermediate_size", "intermediate_dim", 3072),
    Key("patch_size", "patch_size", 16),
    Key("layer_norm_eps", "layer_norm_epsilon", 1e-12),
)
ENCODER = {"normalize_first": True, "position": "learned", "stem": "patch", "pooling": "cls"}
ONLY = {"qkv_bias": (True,)}
ATTENTION = (
    *(f"attention.attention.{part}" for part in ("query", "key", "value")),
    "attention.output.dense",
)
SHAPE_KEYS = ("image_size", "num_channels")


def image_fields(settings):
    """Returns the fields that two keys decide together."""
    size = settings.get("image_size", 224)
    height, width = (size, size) if isinstance(size, int) else size
    return {"image_shape": (height, width, settings.get("num_channels", 3))}


def image_settings(config):
    """Returns those two keys."""
    height, width, channels = config.image_shape
    size = height if height == width else [height, width]
    return {"image_size": size, "num_channels": channels}


def embeddings(tokens=("class_token",)):
    """Returns the entries of the embeddings."""
    return [
        *convolution("patch_embedding", "embeddings.patch_embeddings.projection"),
        image_positions(tokens),
    ]


def blocks(config):
    """Returns the entries of the encoder blocks of ViT and DeiT, with the last normalisation."""
    entries = norm("final_norm", "layernorm")
    for index in range(config.num_layers):
        entries += block(
            index,
            f"encoder.layer.{index}",
            attention=ATTENTION,
            attention_norm="layernorm_before",
            feed_forward=("intermediate.dense", "output.dense"),
            feed_forward_norm="layernorm_after",
        )
    return entries


def _table(config, settings):
    return [*embeddings(), *blocks(config)]


FAMILY = Family(
    model_type="vit",
    prefix="vit",
    classes={"image_classifier": "ViTForImageClassification"},
    backbone_class="ViTModel",
    keys=VIT_KEYS,
    fields={"image_classifier": ENCODER},
    table=_table,
    heads={"image_classifier": classifier},
    only=ONLY,
    without_effect=("encoder_stride", "pooler_act", "pooler_output_size"),
    unused={"pooler.*": "the pooled vector is made without it"},
    more_keys=SHAPE_KEYS,
    more_fields=image_fields,
    more_settings=image_settings,
)
