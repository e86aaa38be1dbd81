"""Every registered architecture at a size that builds in no time, with inputs for it."""

import dataclasses

import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.zoo.registry import get_architecture
from attnzoo.zoo.tasks import get_task

from ..layer_test_case import randomize_weights

every_model = pytest.mark.parametrize("name", zoo.list_models())
every_padded_model = pytest.mark.parametrize(
    "name", [name for name in zoo.list_models() if get_task(get_architecture(name).task).masks]
)

# Those of them that an architecture has among its fields.
REDUCED = {
    "vocabulary_size": 100,
    "max_sequence_length": 16,
    "hidden_dim": 32,
    "intermediate_dim": 48,
    "num_layers": 1,
    "num_heads": 2,
    "image_shape": (8, 8, 3),
    "patch_size": 4,
    "sampling_rate": 1000,
    "num_mels": 6,
    "frequency_mask_width": 2,
}


def reduced_overrides(name, **overrides):
    """The overrides that make the tiny preset of an architecture smaller still."""
    fields = {field.name for field in dataclasses.fields(zoo.get_config(f"{name}/tiny"))}
    return {key: value for key, value in REDUCED.items() if key in fields} | overrides


def small_model(name, dtype=None, **overrides):
    """A small model with noise for weights, so that no zero bias hides a mistake."""
    model = zoo.build(f"{name}/tiny", dtype=dtype, **reduced_overrides(name, **overrides))
    randomize_weights(model)
    return model


def task_of(model):
    """The task of a zoo model."""
    return get_task(get_architecture(model.metadata["architecture"]).task)


def unit_of(model):
    """Steps of the input that make one of the positions that tests count by."""
    return getattr(zoo.config_of(model), "steps_per_vector", 1)


def sample(model, lengths, length=None, **kwargs):
    """Random tensors of the model's task, as an artefact takes them.

    Lengths are those that the encoder sees: tokens, nodes, vectors of speech.
    """
    unit = unit_of(model)
    lengths = np.asarray(lengths) * unit
    length = None if length is None else length * unit
    return task_of(model).sample(zoo.config_of(model), lengths, length=length, **kwargs)


def model_inputs(model, tensors):
    """What the Keras model takes, its masks written out from the lengths."""
    task = task_of(model)
    inputs = {name: value for name, value in tensors.items() if name in model.input}
    for mask, (lengths, dimension) in task.masks.items():
        size = dimensions(model, tensors)[dimension]
        inputs[mask] = np.arange(size) < tensors[lengths][:, None]
    return inputs


def dimensions(model, tensors):
    """Sizes of the named dimensions, `{"batch": 3, "length": 7}`."""
    sizes = {
        dimension: size
        for spec in task_of(model).inputs(zoo.config_of(model))
        for dimension, size in zip(spec.shape, tensors[spec.name].shape, strict=True)
        if isinstance(dimension, str)
    }
    if "length" in sizes:
        sizes["frames"] = sizes["length"] // unit_of(model)
    return sizes


def logits_of(model, tensors):
    """The model's output for tensors of its task."""
    return np.asarray(model(model_inputs(model, tensors)), "float32")


def learnable_targets(model, tensors):
    """A class for each logit vector that the model returns for the tensors, and what it weighs.

    The classes are those of another model of the same kind. The padding of words and of nodes
    weighs nothing.
    """
    teacher = zoo.build(
        model.name, weights=None, **zoo.config_of(model).replace(dropout=0.0).to_dict()
    )
    randomize_weights(teacher)
    targets = logits_of(teacher, tensors).argmax(-1)
    is_real = np.ones(targets.shape, bool)
    if targets.ndim == 2 and "word_starts" in tensors:
        is_real = tensors["word_starts"] >= 0
    elif targets.ndim == 2 and "waveform" in tensors:
        is_real = np.arange(targets.shape[1]) < tensors["lengths"][:, None] // unit_of(model)
    elif targets.ndim == 2:
        is_real = np.arange(targets.shape[1]) < tensors["num_nodes"][:, None]
    return targets, is_real.astype("float32")
