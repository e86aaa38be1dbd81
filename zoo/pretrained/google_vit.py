"""Google's own files of ViT (`.npz`), in the classic naming and in that of big_vision.

They have no config.json: names and shapes say what the model is. Their normalisations add 1e-6 and
their pixels are in [-1, 1].
"""

import math

import numpy as np

from .family import Family
from .table import Entry, kept
from .vit import ENCODER, ONLY, SHAPE_KEYS, VIT_KEYS, image_fields

# Classic | big_vision, whose positions are those of the patches alone.
_POSITIONS = "Transformer/posembed_input/pos_embedding|pos_embedding"
_ATTENTION = "MultiHeadDotProductAttention_{1|0}"
_FEED_FORWARD = "MlpBlock_{3|0}"
_FEED_FORWARD_NORM = "LayerNorm_{2|1}"


def read_settings(path, shapes):
    """Returns what a config.json would say of such a file.

    Args:
        path: The file, for the message.
        shapes: Dict from the names of the tensors to their shapes.

    Raises:
        ValueError: If it is no ViT, or its patches do not make a square.
    """

    def shape(names):
        return next(shapes[name] for name in names.split("|") if name in shapes)

    first = "Transformer/encoderblock_0/"
    try:
        patch_size, _, channels, hidden_dim = shape("embedding/kernel")
        _, length, _ = shape(_POSITIONS)
        _, num_heads, _ = shape(_either(first, _ATTENTION, "/query/kernel"))
        _, intermediate_dim = shape(_either(first, _FEED_FORWARD, "/Dense_0/kernel"))
    except (StopIteration, ValueError) as error:
        raise ValueError(
            f"Expected {path} to hold a ViT of Google's, with names as vision_transformer or "
            f"big_vision write them. Received: the tensors {sorted(shapes)[:4]}"
        ) from error
    patches = length - ("cls" in shapes and _POSITIONS.split("|")[0] in shapes)
    side = math.isqrt(patches)
    if side * side != patches:
        raise ValueError(
            f"Expected as many positions in {path} as a square has patches. Received: {patches}"
        )
    blocks = {name.split("/")[1] for name in shapes if name.startswith("Transformer/encoderblock_")}
    settings = {
        "hidden_size": hidden_dim,
        "num_hidden_layers": len(blocks),
        "num_attention_heads": num_heads,
        "intermediate_size": intermediate_dim,
        "patch_size": patch_size,
        "layer_norm_eps": 1e-6,
        "image_size": side * patch_size,
        "num_channels": channels,
    }
    if "head/bias" in shapes:
        settings["architectures"] = ["ViTForImageClassification"]
        settings["id2label"] = {str(i): f"LABEL_{i}" for i in range(shapes["head/bias"][0])}
    return settings


def _either(before, part, after=""):
    """The classic name of a part of a block, and that of big_vision."""
    name, numbers = part.rstrip("}").split("{")
    return "|".join(f"{before}{name}{number}{after}" for number in numbers.split("|"))


def _reshaped(ours, theirs, *shape):
    """A weight that is stored in another shape."""
    return Entry((ours,), (theirs,), lambda array: (array.reshape(shape),))


def _dense(ours, theirs):
    return [kept(f"{ours}/{part}", f"{theirs}/{part}") for part in ("kernel", "bias")]


def _norm(ours, theirs):
    names = theirs.split("|")
    scale, bias = ("|".join(f"{n}/{part}" for n in names) for part in ("scale", "bias"))
    return [kept(f"{ours}/gamma", scale), kept(f"{ours}/beta", bias)]


def _embeddings(config):
    """Patches, positions and the class token, whose own position is added where it has one."""
    entries = _dense("patch_embedding", "embedding")
    if config.pooling == "mean":
        return [*entries, _reshaped("position/table", _POSITIONS, -1, config.hidden_dim)]
    rows, columns = config.grid

    def read(token, positions):
        before, patches = np.split(positions[0], [-rows * columns])
        return token[0, 0] + before.sum(axis=0), patches

    return [*entries, Entry(("class_token/token", "position/table"), ("cls", _POSITIONS), read)]


def _block(index, hidden_dim):
    ours, theirs = f"encoder_block_{index}", f"Transformer/encoderblock_{index}/"
    entries = _norm(f"{ours}/attention_norm", f"{theirs}LayerNorm_0")
    entries += _norm(f"{ours}/feed_forward_norm", _either(theirs, _FEED_FORWARD_NORM))
    for part, theirs_part in (
        *((part, part) for part in ("query", "key", "value")),
        ("attention_output", "out"),
    ):
        path = f"{ours}/self_attention/{part}"
        name = f"/{theirs_part}"
        kernel = (-1, hidden_dim) if part == "attention_output" else (hidden_dim, -1)
        entries += [
            _reshaped(f"{path}/kernel", _either(theirs, _ATTENTION, f"{name}/kernel"), *kernel),
            _reshaped(f"{path}/bias", _either(theirs, _ATTENTION, f"{name}/bias"), -1),
        ]
    for number, part in enumerate(("intermediate", "feed_forward_output")):
        entries += [
            kept(f"{ours}/{part}/{w}", _either(theirs, _FEED_FORWARD, f"/Dense_{number}/{w}"))
            for w in ("kernel", "bias")
        ]
    return entries


def _table(config, settings):
    entries = [*_embeddings(config), *_norm("final_norm", "Transformer/encoder_norm")]
    for index in range(config.num_layers):
        entries += _block(index, config.hidden_dim)
    return entries


def _head(config):
    """The head, which has a dense layer before the logits where it is of pretraining."""
    before = _dense("head_dense", "pre_logits") if config.head_activation else []
    return [*before, *_dense("logits", "head")]


def _found(names, architecture):
    pooling = "cls" if "cls" in names else "mean"
    return {"pooling": pooling, "head_activation": "tanh" if "pre_logits/bias" in names else None}


FAMILY = Family(
    model_type="google_vit",
    prefix="",
    classes={"image_classifier": "ViTForImageClassification"},
    backbone_class="ViTModel",
    keys=VIT_KEYS,
    fields={"image_classifier": ENCODER},
    table=_table,
    heads={"image_classifier": _head},
    only=ONLY,
    found=_found,
    more_keys=SHAPE_KEYS,
    more_fields=image_fields,
)
