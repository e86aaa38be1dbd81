"""Names of architectures and presets (imports no Keras: `attnzoo list` must answer at once)."""

import difflib
import fnmatch
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .config import ModelConfig

_SHIPPED = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Preset:
    """A named configuration, with the weights it declares if it has any.

    Args:
        config: The configuration.
        description: One line for listings.
        weights: Path of the saved pipeline that comes with the preset. Defaults to None (none:
            random).
    """

    config: ModelConfig
    description: str = ""
    weights: str | None = None


def shipped(architecture, presets):
    """Returns the presets whose pipelines come with the package, in `weights/`.

    Args:
        architecture: Name of the architecture.
        presets: Dict from preset name to configuration and description.
    """
    return {
        name: Preset(config, description, str(_SHIPPED / architecture / name))
        for name, (config, description) in presets.items()
    }


@dataclass(frozen=True)
class Architecture:
    """What the registry knows of an architecture.

    Args:
        name: Its name, such as `"sentiment_classifier"`.
        task: Name of the task, which decides inputs, outputs and metrics (`zoo.tasks`).
        builder: `f(config, dtype) -> keras.Model`, or `"module:function"`, imported when needed.
        presets: Dict from preset name to `Preset`.
        default_preset: The preset that the bare name means.
        description: One line for listings.
        demo_preset: The preset that learns the task's demo data in a minute or two.
    """

    name: str
    task: str
    builder: Callable | str
    presets: dict[str, Preset] = field(default_factory=dict)
    default_preset: str = "small"
    description: str = ""
    demo_preset: str = "tiny"

    def load_builder(self):
        """Returns the builder function, importing its module if need be."""
        if callable(self.builder):
            return self.builder
        module, function = self.builder.split(":")
        return getattr(importlib.import_module(module), function)


_ARCHITECTURES: dict[str, Architecture] = {}


def register(architecture):
    """Adds an architecture to the registry.

    Raises:
        ValueError: If the name is taken or is not a plain identifier.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", architecture.name):
        raise ValueError(
            "Received an invalid architecture name, expected lower-case letters, digits and "
            f"underscores. Received: name={architecture.name!r}"
        )
    if architecture.name in _ARCHITECTURES:
        raise ValueError(
            "Received an architecture name that is taken; choose another. "
            f"Received: name={architecture.name!r}"
        )
    if architecture.default_preset not in architecture.presets:
        raise ValueError(
            "Received a default preset that is not among the presets, expected one of "
            f"{sorted(architecture.presets)}. "
            f"Received: default_preset={architecture.default_preset!r}"
        )
    _ARCHITECTURES[architecture.name] = architecture


def register_model(name, task, presets, default_preset=None, description=""):
    """Decorator that registers a user's own architecture, which then builds, trains and exports.

    Args:
        name: Its name: lower-case letters, digits and underscores.
        task: Name of the task, such as `"text_classification"`.
        presets: Dict from preset name to configuration (a frozen dataclass derived from
            `zoo.ModelConfig`).
        default_preset: The preset that the bare name means. Defaults to None (the first).
        description: One line for listings. Defaults to `""`.

    Returns:
        A decorator for `f(config, dtype) -> keras.Model`.

    Raises:
        ValueError: If the name is taken or invalid, the task unknown, or there are no presets.

    Example:
    ```python
    @zoo.register_model("bag_of_words", "text_classification", {"small": BagOfWordsConfig()})
    def bag_of_words(config, dtype):
        ...
        return layers.NamedInputsModel(inputs, logits)
    ```
    """
    from .tasks import get_task

    get_task(task)
    if not presets:
        raise ValueError(
            f"Received no presets for {name!r}, expected a dict with at least one configuration."
        )

    def decorate(builder):
        register(
            Architecture(
                name=name,
                task=task,
                builder=builder,
                presets={preset: Preset(config) for preset, config in presets.items()},
                default_preset=default_preset or next(iter(presets)),
                description=description,
            )
        )
        return builder

    return decorate


def list_models(pattern=None, task=None):
    """Returns the names of the registered architectures.

    Args:
        pattern: Shell pattern such as `"*_classifier"`. Defaults to None (all).
        task: Name of a task to keep. Defaults to None (all).

    Example:
    >>> list_models("sentiment*")
    ['sentiment_classifier']
    """
    return sorted(
        name
        for name, architecture in _ARCHITECTURES.items()
        if (pattern is None or fnmatch.fnmatchcase(name, pattern))
        and (task is None or architecture.task == task)
    )


def list_presets(model=None, pretrained=None):
    """Returns names such as `"sentiment_classifier/small"`, smallest first as registered.

    Args:
        model: Name of one architecture. Defaults to None (all).
        pretrained: True keeps presets with weights, False those without. Defaults to None (all).

    Raises:
        ValueError: If the architecture is unknown.

    Example:
    >>> list_presets("sentiment_classifier", pretrained=True)
    ['sentiment_classifier/student_sst2']
    """
    names = list_models() if model is None else [get_architecture(model).name]
    return [
        f"{name}/{preset_name}"
        for name in names
        for preset_name, preset in _ARCHITECTURES[name].presets.items()
        if pretrained is None or pretrained == (preset.weights is not None)
    ]


def get_architecture(name):
    """Returns the `Architecture` of `"model"` or `"model/preset"`.

    Raises:
        ValueError: If the name is unknown or looks like a path.
    """
    model = name.split("/")[0]
    if model in _ARCHITECTURES and name.count("/") <= 1:
        return _ARCHITECTURES[model]
    _raise_unknown(name)


def get_preset(name):
    """Returns the `Preset` of `"model/preset"`, or the default one of `"model"`.

    Raises:
        ValueError: If the name is unknown or looks like a path.
    """
    architecture = get_architecture(name)
    _, slash, preset = name.partition("/")
    preset = preset if slash else architecture.default_preset
    if preset not in architecture.presets:
        _raise_unknown(name)
    return architecture.presets[preset]


def get_config(name):
    """Returns the configuration of `"model/preset"`, or of the default preset of `"model"`.

    Raises:
        ValueError: If the name is unknown.

    Example:
    >>> get_config("sentiment_classifier/tiny").hidden_dim
    32
    """
    return get_preset(name).config


def _raise_unknown(name):
    known = [*list_models(), *list_presets()]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    path = (
        " A saved model is loaded by `zoo.load(path)`."
        if name.startswith((".", "/", "~")) or name.count("/") > 1
        else ""
    )
    raise ValueError(
        "Received an unknown model name, expected one of those that `zoo.list_presets()` gives."
        f"{hint}{path} Received: {name!r}"
    )
