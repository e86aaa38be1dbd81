"""What an export can be of: pipelines, models of the zoo, and any other Keras model."""

import re
from pathlib import Path

from ..zoo import Pipeline, load
from ..zoo.builder import load_model
from .served_keras_model import ServedKerasModel
from .served_model import ServedModel


def load_source(path):
    """Loads what is to be exported.

    Args:
        path: A `.keras` file, or what `zoo.load` takes.

    Returns:
        The Keras model of the file, else a `zoo.Pipeline`.

    Raises:
        FileNotFoundError: If nothing is there.
        ValueError: If a file holds layers whose classes are not known here.
    """
    file = Path(path).expanduser()
    if file.suffix != ".keras":
        return load(path)
    if not file.is_file():
        raise FileNotFoundError(f"Expected a file of Keras. Received: {str(path)!r}")
    try:
        return load_model(file)
    except TypeError as error:
        reason = str(error).rpartition("Exception encountered: ")[2]
        unknown = re.match(r"Could not locate (?:class|function) '\w+'", reason)
        raise ValueError(
            "Expected a file of Keras's own layers and those of attnzoo; export a model of your "
            "own classes by `export.to_onnx`, where Python knows them. "
            f"Received: {unknown[0] if unknown else reason}"
        ) from error


def as_served(model):
    """Returns the `ServedModel` of a zoo model or pipeline, else the `ServedKerasModel`."""
    of_the_zoo = isinstance(model, Pipeline) or getattr(model, "metadata", None)
    return ServedModel(model) if of_the_zoo else ServedKerasModel(model)
