"""Adapters: what LoRA learns beside kernels that stay as they are, and its small file."""

import contextlib
import gc
import hashlib
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from ..layers import TransformerEncoderBlock
from ..layers.projections import SelfAttentionProjections
from ..zoo.builder import rebuild
from .layer_levels import layer_levels
from .pipeline import TrainingPipeline

ADAPTERS_FILE = "adapters.npz"


def attention_projections(model):
    """Returns the dense layers of queries, keys, values and outputs, a dict from name to layer."""
    return {
        f"{block.name}/{dense.name}": dense
        for block in model.layers
        if isinstance(block, TransformerEncoderBlock)
        for attention in block._flatten_layers()
        if isinstance(attention, SelfAttentionProjections)
        for dense in (
            attention.query_dense,
            attention.key_dense,
            attention.value_dense,
            attention.output_dense,
        )
    }


@contextlib.contextmanager
def adapted(model, rank, seed=0):
    """Lets a model learn by adapters for a while, and merges them into its kernels in the end.

    The kernel of each projection of the attention becomes `kernel + a @ b`, of which only `a`
    `(inputs, rank)` and `b` `(rank, outputs)`, which begins at zero, learn.

    Args:
        model: A model of the zoo.
        rank: Rank of the adapters; 0 does nothing.
        seed: Seed of the first values. Defaults to 0.

    Raises:
        ValueError: If the model has no such projections.

    References:
        Hu et al., 2022, "LoRA: low-rank adaptation of large language models", section 4.1.
    """
    projections = attention_projections(model) if rank else {}
    if rank and not projections:
        raise ValueError(
            "Expected a model of encoder blocks, into whose attention adapters go; use another "
            f"recipe for this one. Received: lora_rank={rank}, model {model.name!r}"
        )
    for index, dense in enumerate(projections.values()):
        first = keras.initializers.HeUniform(seed=1000 * seed + index)
        dense.enable_lora(rank, a_initializer=first)
        for adapter in (dense.lora_kernel_a, dense.lora_kernel_b):
            adapter.trainable = True  # Though the layer is frozen.
        # Keras would save them merged, and set them to zero on loading: no run could be resumed.
        dense.save_own_variables = layers.Layer.save_own_variables.__get__(dense)
        dense.load_own_variables = layers.Layer.load_own_variables.__get__(dense)
    try:
        yield
    finally:
        gc.freeze()  # Keras collects garbage at each variable that goes: seconds in the end.
        for dense in projections.values():
            _merge(dense)
        gc.unfreeze()


def _merge(dense):
    """Adds an adapter to its kernel and makes the layer the ordinary one that it was."""
    dense._kernel.assign(merged(dense._kernel, dense.lora_kernel_a, dense.lora_kernel_b))
    for name in ("lora_kernel_a", "lora_kernel_b", "save_own_variables", "load_own_variables"):
        delattr(dense, name)
    dense.lora_enabled, dense.lora_rank, dense.lora_alpha = False, None, None
    dense._kernel.trainable = dense.trainable


def merged(kernel, a, b):
    """Returns the kernel with an adapter, in float32, which a model of mixed precision is not."""
    return ops.convert_to_numpy(kernel) + ops.convert_to_numpy(a) @ ops.convert_to_numpy(b)


def save_adapters(path, model, labels):
    """Writes the adapters of a model, and its head, to a `.npz` file.

    Args:
        path: The file.
        model: A model while it is `adapted`.
        labels: Names of the classes.
    """
    arrays = {"labels": np.array(labels), "base": np.array(_digest(model))}
    for name, dense in attention_projections(model).items():
        arrays[f"{name}/a"] = ops.convert_to_numpy(dense.lora_kernel_a)
        arrays[f"{name}/b"] = ops.convert_to_numpy(dense.lora_kernel_b)
    np.savez(path, **arrays, **_head(model))


def load_adapters(path, base):
    """Returns a pipeline of a base model with the adapters and the head of a `.npz` file.

    Args:
        path: The file `adapters.npz` of a run of the recipe `lora`, or its folder.
        base: The `Pipeline` that the run began with, such as of `zoo.load`; it stays as it is.

    Returns:
        A `TrainingPipeline` with the adapters merged in, which answers as that of the run.

    Raises:
        FileNotFoundError: If there is no file.
        ValueError: If the file is of another base.

    Example:
    ```python
    pipeline = training.load_adapters("runs/reviews", zoo.load("checkpoints/all-MiniLM-L6-v2"))
    ```
    """
    path = Path(path)
    with np.load(path / ADAPTERS_FILE if path.is_dir() else path, allow_pickle=False) as file:
        arrays = dict(file)
    labels = arrays.pop("labels").tolist()
    model = rebuild(base.model, new_head=True, num_classes=len(labels))
    if str(arrays.pop("base")) != _digest(model):
        raise ValueError(
            "Expected the base that the adapters were trained on, weight for weight; load that "
            f"one. Received: adapters {str(path)!r} and a base with other weights"
        )
    for name, dense in attention_projections(model).items():
        dense._kernel.assign(merged(dense._kernel, arrays[f"{name}/a"], arrays[f"{name}/b"]))
    for layer in layer_levels(model)[2]:
        layer.set_weights([arrays[f"{layer.name}/{i}"] for i in range(len(layer.weights))])
    return TrainingPipeline(model, base.preprocessor, labels, base.training)


def _head(model):
    return {
        f"{layer.name}/{index}": weight
        for layer in layer_levels(model)[2]
        for index, weight in enumerate(layer.get_weights())
    }


def _digest(model):
    """Returns what tells the base from another: the SHA-256 of the kernels under the adapters."""
    digest = hashlib.sha256()
    for dense in attention_projections(model).values():
        digest.update(ops.convert_to_numpy(dense._kernel).tobytes())
    return digest.hexdigest()
