"""DeiT (Touvron et al., 2021), with its distillation token and the head on it.

The mean of two heads is one head on both vectors, of half the kernels; that is what we have.
"""

import numpy as np

from .family import Family
from .table import Entry, dense
from .vit import (
    ENCODER,
    ONLY,
    SHAPE_KEYS,
    VIT_KEYS,
    blocks,
    embeddings,
    image_fields,
    image_settings,
)

_BOTH = "cls_distillation"


def _table(config, settings):
    return [*embeddings(("class_token", "distillation_token")), *blocks(config)]


def _head(config):
    if config.pooling != _BOTH:
        return dense("logits", "classifier")
    heads = ("cls_classifier", "distillation_classifier")
    names = tuple(f"{head}.{part}" for head in heads for part in ("weight", "bias"))
    return [Entry(("logits/kernel", "logits/bias"), names, _mean_of_heads, _two_heads)]


def _mean_of_heads(first, first_bias, second, second_bias):
    return np.concatenate([first.T, second.T]) / 2, (first_bias + second_bias) / 2


def _two_heads(kernel, bias):
    first, second = np.split(2 * kernel, 2)
    return first.T, bias, second.T, bias


def _found(names, architecture):
    return {"pooling": _BOTH} if "cls_classifier.weight" in names else {}


FAMILY = Family(
    model_type="deit",
    prefix="deit",
    classes={"image_classifier": "DeiTForImageClassification"},
    class_suffix=lambda config: "WithTeacher" if config.pooling == _BOTH else "",
    backbone_class="DeiTModel",
    keys=VIT_KEYS,
    fields={"image_classifier": {**ENCODER, "distillation_token": True}},
    table=_table,
    heads={"image_classifier": _head},
    only=ONLY,
    without_effect=("encoder_stride", "pooler_act", "pooler_output_size"),
    unused={"pooler.*": "the pooled vector is made without it"},
    found=_found,
    more_keys=SHAPE_KEYS,
    more_fields=image_fields,
    more_settings=image_settings,
)
