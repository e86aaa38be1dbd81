"""A model of the zoo written as a folder that transformers loads with equal outputs."""

import json
from pathlib import Path

from ..builder import architecture_of, rebuild
from ..files import staging_folder
from .accounting import made_tensors
from .ctc_symbols import write_symbols
from .families import FAMILIES
from .loading import CONFIG_FILE
from .pixels import write_pixels
from .sentence_transformers import write_pooling
from .sound import sound_fields, write_sound
from .tensor_files import WEIGHTS_FILE, write_tensors
from .tokenizer_files import write_tokenizer

# Fields that are written to another file than config.json.
_BESIDE = ("pixel_mean", "pixel_std")
# Fields without weights that change what a model says, and that transformers does not have.
_CHANGES_OUTPUTS = ("att_context_size", "classifier_activation", "head")


def save_checkpoint(pipeline, path):
    """Writes a pipeline as a folder in the format of Hugging Face.

    Args:
        pipeline: A `Pipeline` whose model has the shape of a family's, as one has that was loaded
            from a checkpoint, whatever it was trained on since.
        path: The folder; it must be new.

    Returns:
        The model_type that it was written as.

    Raises:
        FileExistsError: If something is there.
        ValueError: If no family has such models.
    """
    path = Path(path).expanduser()
    if path.exists():
        raise FileExistsError(f"Expected nothing at {path}; choose another folder.")
    # Built anew, as loaded models have other names for what is inside their layers.
    model, config = rebuild(pipeline.model, dtype="float32"), pipeline.config
    architecture = architecture_of(model)
    was = pipeline.training.get("checkpoint", {}).get("model_type")
    family, config, pooling = _family_of(architecture, config, was)
    settings = family.settings(config, getattr(pipeline.preprocessor, "pad_id", 0))
    entries = family.table(config, settings)
    prefix = ""
    settings["architectures"] = [family.backbone_class]
    if config.num_classes:
        prefix = f"{family.prefix}."
        settings["architectures"] = [family.head_class(architecture, config)]
        if architecture != "speech_encoder":  # Whose labels are symbols, in a file of their own.
            labels = {str(index): label for index, label in enumerate(pipeline.labels)}
            settings["id2label"] = labels
            settings["label2id"] = {label: int(index) for index, label in labels.items()}
        entries += family.heads[architecture](config)
    tensors = made_tensors(model, entries)
    of_head = {
        name.split("|")[0] for entry in family.heads[architecture](config) for name in entry.theirs
    }
    tensors = {name if name in of_head else prefix + name: a for name, a in tensors.items()}
    with staging_folder(path) as folder:
        (folder / CONFIG_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        write_tensors(tensors, folder / WEIGHTS_FILE)
        if hasattr(pipeline.preprocessor, "tokenizer"):
            write_tokenizer(pipeline.preprocessor, folder)
        if architecture == "image_classifier":
            write_pixels(folder, config)
        if architecture == "speech_encoder":
            write_sound(folder, family, config)
            if config.num_classes:
                write_symbols(folder, pipeline.labels)
        if pooling is not None:
            write_pooling(folder, pooling, config.hidden_dim)
        folder.rename(path)
    return family.model_type


def _family_of(architecture, config, was):
    """Returns the family, the configuration as it has it, and how sentence-transformers pool."""
    pooling = None
    if architecture == "sentiment_classifier" and config.num_classes == 0:
        if config.pooler_activation is None:
            pooling = config.pooling
        config = config.replace(pooling="cls")
    differences = {
        name: _differences(family, architecture, config)
        for name, family in FAMILIES.items()
        if architecture in family.fields
    }
    fitting = [name for name, fields in differences.items() if not fields]
    if fitting:  # Several have the same shape.
        return FAMILIES[was if was in fitting else fitting[0]], config, pooling
    raise ValueError(
        "Expected a model that transformers has too, as those that are loaded from its checkpoints "
        f"(a head on the mean of tokens has no class there). Received: a {architecture} that "
        + "; ".join(f"is no {name} by {', '.join(of)}" for name, of in sorted(differences.items()))
    )


def _differences(family, architecture, config):
    """Fields in which a configuration is not one of the family's."""
    is_speech = architecture == "speech_encoder"
    others = [
        f"{name}={getattr(config, name)!r}"
        for name, value in family.fields[architecture].items()
        if getattr(config, name) != value and name not in config.free_fields
    ]
    if others and is_speech:  # Its families do not have each other's fields.
        return others
    settings = family.settings(config)
    if wrong := family.not_understood(settings):
        return wrong
    entries = [*family.table(config, settings), *family.heads[architecture](config)]
    names = {name.split("|")[0] for entry in entries for name in entry.theirs}
    if config.num_classes:  # A head of transformers' is on the pooler where the family has one.
        names.add("pooler.dense.weight")
    found = family.config(settings, architecture, names, num_classes=config.num_classes)
    if config.num_classes and architecture not in family.classes:
        return [f"num_classes={config.num_classes} (it has a decoder there, and no head)"]
    if is_speech:
        found = found.replace(**sound_fields(family, config))
    return [
        f"{name}={value!r}"
        for name, value in config.to_dict().items()
        if value != getattr(found, name)
        and (name not in config.free_fields or name in _CHANGES_OUTPUTS)
        and name not in _BESIDE
    ]
