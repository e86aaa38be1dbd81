"""How a task describes the tensors that an exported artefact takes and returns."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

BATCH_SIZES = (1, 2, 5)
LENGTHS = (1, 2, 7)  # and the longest


@dataclass(frozen=True)
class TensorSpec:
    """One named tensor of an artefact.

    Args:
        name: Its name in every format.
        dtype: NumPy name of its dtype.
        shape: A string names a dynamic dimension, an integer is a fixed one.
        description: One line for READMEs.
        padding: What fills a row up to the size of the longest. Defaults to 0.
    """

    name: str
    dtype: str
    shape: tuple[str | int, ...]
    description: str = ""
    padding: int = 0

    def to_dict(self):
        """Returns it as a manifest says it, JSON-like."""
        return {**self.__dict__, "shape": list(self.shape)}


class SampleInputs(NamedTuple):
    """Inputs that an artefact is verified by.

    Args:
        name: Such as `"batch5_length7_padded"`.
        clean: What the model is asked, padding being zeros.
        sent: What the artefact is sent: the same with anything for padding, as a server may pad
            with whatever it likes. The answers must be equal.
    """

    name: str
    clean: dict
    sent: dict


def sequence_samples(task, config, generator):
    """Yields `SampleInputs` for a task on sequences: every batch size at every length.

    Each twice: without padding, and with rows of other lengths, one of them all padding.

    Args:
        task: With `longest`, `sample` and `fill_padding`.
        config: The model's configuration.
        generator: NumPy generator of lengths and padding.
    """
    longest = task.longest(config)
    for batch in BATCH_SIZES:
        for length in sorted({min(length, longest) for length in (*LENGTHS, longest)}):
            full = task.sample(config, [length] * batch, seed=length)
            name = f"batch{batch}_length{length}"
            yield SampleInputs(name, full, full)
            lengths = generator.integers(0, length + 1, batch)
            lengths[-1] = 0
            clean = task.sample(config, lengths, seed=length, length=length)
            sent = task.fill_padding(config, clean, generator)
            yield SampleInputs(f"{name}_padded", clean, sent)


def softmax(logits):
    """Returns probabilities along the last axis, in float64."""
    logits = np.asarray(logits, "float64")
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)
