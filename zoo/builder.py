"""`zoo.build`: from a name, a configuration and weights to a Keras model."""

import zipfile
from pathlib import Path

import keras

from ..layers import NamedInputsModel
from .compact_file import COMPACT_FILE, read_compact_file
from .files import is_checkpoint
from .registry import get_architecture, get_preset

MODEL_FILE = "model.keras"


def build(name, weights="preset", num_classes=None, dtype=None, **overrides):
    """Builds a registered architecture as a Functional `keras.Model` that returns logits.

    Args:
        name: `"model/preset"`, or `"model"` for its default preset.
        weights: `"preset"` loads what the preset declares (random where it declares none), None
            gives random weights, and a path loads that checkpoint: a saved pipeline's folder, a
            folder in the format of Hugging Face, a name of its hub (`hf://org/name`) or Google's
            `.npz` of ViT (see `docs/pretrained.md`), or a `.keras` file, whose configuration then
            decides the sizes, or a `.weights.h5` file. Defaults to `"preset"`.
        num_classes: Number of classes; 0 gives the backbone. With a checkpoint of another number,
            or another `head` of a speech encoder, the head is new and random. Defaults to None (the
            configuration's).
        dtype: Dtype policy of the layers, such as `"mixed_bfloat16"`. Defaults to None (Keras's
            global policy).
        **overrides: Fields of the configuration to change, such as `hidden_dim=96`.

    Returns:
        A Functional model. It takes a dict of its named inputs; `padding_mask` may be left out.

    Raises:
        ValueError: If a name or field is unknown, or an override conflicts with the checkpoint.
        FileNotFoundError: If `weights` is a path where nothing is.

    Example:
    >>> import numpy as np
    >>> model = build("sentiment_classifier/tiny", num_classes=3)
    >>> tuple(model({"token_ids": np.array([[2, 7, 3]])}).shape)
    (1, 3)
    """
    architecture = get_architecture(name)
    preset = get_preset(name)
    if num_classes is not None:
        overrides["num_classes"] = num_classes
    if weights == "preset":
        weights = preset.weights
    if weights is not None and is_checkpoint(weights):
        from .pretrained import Checkpoint

        of_head = {name: overrides.pop(name, None) for name in ("num_classes", "head")}
        model, _ = Checkpoint(weights).build(architecture.name, dtype, **of_head)
        return rebuild(model, dtype, **overrides) if overrides else model
    source = None if weights is None else _checkpoint_path(weights)
    if source is None or source.name.endswith(".weights.h5"):
        model = build_from_config(architecture.name, preset.config.replace(**overrides), dtype)
        if source is not None:
            model.load_weights(source)
        return model
    return _build_from_checkpoint(architecture, source, dtype, overrides)


def build_from_config(name, config, dtype=None):
    """Builds the architecture `name` with random weights from a configuration."""
    model = get_architecture(name).load_builder()(config, dtype)
    if not isinstance(model, NamedInputsModel):
        raise ValueError(
            f"Expected the builder of {name!r} to return a `layers.NamedInputsModel`. "
            f"Received: {type(model).__name__}"
        )
    model.metadata = {"architecture": name, "config": config.to_dict()}
    return model


def config_of(model):
    """Returns the configuration that a zoo model was built with.

    Raises:
        ValueError: If the model was not built by `zoo.build`.

    Example:
    >>> config_of(build("sentiment_classifier/tiny")).hidden_dim
    32
    """
    default = get_preset(architecture_of(model)).config
    return type(default)(**model.metadata["config"])


def architecture_of(model):
    """Returns the name of the architecture that a zoo model was built from.

    Raises:
        ValueError: If the model was not built by `zoo.build`.
    """
    metadata = getattr(model, "metadata", None) or {}
    if "architecture" not in metadata:
        raise ValueError(
            "Expected a model built by `zoo.build` or loaded by `zoo.load`. "
            f"Received: {type(model).__name__} {getattr(model, 'name', '')!r}"
        )
    return metadata["architecture"]


def model_file(folder):
    """Returns the path of the model in a saved pipeline's folder, in full or in half precision."""
    compact = folder / COMPACT_FILE
    return compact if compact.exists() else folder / MODEL_FILE


def load_model(path):
    """Loads a zoo model from a `.keras` file, or from one in half precision.

    Raises:
        ValueError: If the file is neither.
    """
    if path.suffix == ".safetensors":
        return read_compact_file(path, _build_from_fields)
    try:
        return keras.models.load_model(path, compile=False)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"Expected {path} to be a Keras file: {error}") from error


def _build_from_fields(name, fields):
    default = get_preset(name).config
    return build_from_config(name, type(default)(**fields))


def _checkpoint_path(weights):
    path = Path(weights).expanduser()
    if path.is_dir():
        path = model_file(path)
    if not path.exists():
        raise FileNotFoundError(
            'Expected `weights` to be "preset", None, a saved pipeline\'s folder, a `.keras` file '
            f"or a `.weights.h5` file. Received: weights={str(weights)!r}, and nothing is there"
        )
    return path


def _build_from_checkpoint(architecture, path, dtype, overrides):
    checkpoint = load_model(path)
    if architecture_of(checkpoint) != architecture.name:
        raise ValueError(
            f"Expected a checkpoint of {architecture.name!r}. "
            f"Received: {str(path)!r}, which holds {architecture_of(checkpoint)!r}"
        )
    return rebuild(checkpoint, dtype, **overrides)


def rebuild(model, dtype=None, new_head=False, **overrides):
    """Builds a zoo model anew from its configuration and copies its weights.

    Args:
        model: A model built by `zoo.build`.
        dtype: Dtype policy of the new model. Defaults to None (Keras's global policy).
        new_head: Whether the layer of logits, the last with weights, starts at random. Defaults to
            False.
        **overrides: Fields that do not shape the encoder (`config.free_fields`), such as
            `dropout`, or of the head (`num_classes`), which then is new, with random weights.

    Raises:
        ValueError: If an override conflicts with the weights.
    """
    saved = config_of(model)
    config = saved.replace(**overrides)
    conflicts = [
        f"{field}={value!r} (checkpoint: {getattr(saved, field)!r})"
        for field, value in overrides.items()
        if field not in saved.free_fields and value != getattr(saved, field)
    ]
    if conflicts:
        raise ValueError(
            "Received overrides that conflict with the checkpoint, whose configuration decides "
            f"the sizes; leave them out or train anew. Received: {', '.join(conflicts)}"
        )
    rebuilt = build_from_config(architecture_of(model), config, dtype)
    saved_layers = {layer.name: layer for layer in model.layers}
    if list(map(type, model.layers)) == list(map(type, rebuilt.layers)):
        # The same layers, whatever Keras named them.
        names = [layer.name for layer in rebuilt.layers]
        saved_layers = dict(zip(names, model.layers, strict=True))
    head = [layer for layer in rebuilt.layers if layer.weights][-1]
    head_differs = any(
        getattr(config, field, None) != getattr(saved, field, None)
        for field in ("num_classes", "head")
    )
    for layer in rebuilt.layers:
        if new_head and layer is head:
            continue
        weights = saved_layers[layer.name].get_weights() if layer.name in saved_layers else []
        weights = config.adapted_weights(saved, layer.name, weights)
        if [w.shape for w in weights] == [tuple(w.shape) for w in layer.weights]:
            layer.set_weights(weights)
        elif not head_differs:
            raise ValueError(
                f"Expected weights of shapes {[tuple(w.shape) for w in layer.weights]} for layer "
                f"{layer.name!r}. Received: {[w.shape for w in weights]}"
            )
    return rebuilt
