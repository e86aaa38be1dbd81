"""How a process serves one library's models to the benchmark of encoders; needs NumPy alone.

The first line that it reads is JSON, `{model: sizes}`, with the fields of our configurations. Each
further one is `model TAB call TAB batch`: it makes that call and answers its seconds.
"""

import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

LENGTH, NUM_CLASSES = 128, 2  # Tokens of the sentences, labels of all.


@dataclass
class Model:
    """A model of some library.

    Args:
        parameters: How many numbers it learns.
        prepare: `f(arrays) -> batch`, which makes tensors of the library of what `batch` returns.
        inference: `f(batch)`, a forward call without dropout or gradients.
        training_step: `f(batch)`, a step of AdamW on the cross-entropy; None if it cannot learn.
    """

    parameters: int
    prepare: Any
    inference: Any
    training_step: Any


def batch(sizes, size):
    """Returns the arrays of a batch: pixels, or tokens of half to all of the length, and labels."""
    random = np.random.default_rng(0)
    labels = random.integers(0, NUM_CLASSES, size).astype("int32")
    if "image_shape" in sizes:
        return {"images": random.integers(0, 256, (size, *sizes["image_shape"])), "labels": labels}
    lengths = np.linspace(LENGTH, LENGTH // 2, size).astype(int)
    return {
        "token_ids": random.integers(0, sizes["vocabulary_size"], (size, LENGTH)).astype("int32"),
        "padding_mask": np.arange(LENGTH) < lengths[:, None],
        "labels": labels,
    }


def serve(build):
    """Answers the lines of the benchmark until there are none.

    Args:
        build: `f(sizes) -> Model`.
    """
    sizes = json.loads(sys.stdin.readline())
    models = {name: build(of_model) for name, of_model in sizes.items()}
    print(json.dumps({name: model.parameters for name, model in models.items()}), flush=True)
    batches = {}
    for line in sys.stdin:
        name, call, size = line.rstrip("\n").split("\t")
        model = models[name]
        if (name, size) not in batches:
            batches[name, size] = model.prepare(batch(sizes[name], int(size)))
        function = model.inference if call == "inference" else model.training_step
        started = time.perf_counter()
        function(batches[name, size])
        print(time.perf_counter() - started, flush=True)
