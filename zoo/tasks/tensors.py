"""Tensors in, tensors out: what is known of a Keras model that is not of the zoo."""

from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from .interface import BATCH_SIZES, SampleInputs, TensorSpec


@dataclass(frozen=True)
class TensorsConfig:
    """The tensors of a Keras model, and what its inputs may hold.

    Args:
        inputs: `TensorSpec`s as dicts.
        outputs: The same.
        bounds: Dict from the name of each input of integers to what they stay below.
        lengths: Sizes of dynamic dimensions, but for the batch's, that the model takes.
    """

    inputs: list[dict]
    outputs: list[dict]
    bounds: dict[str, int]
    lengths: list[int]

    def to_dict(self):
        """Returns the fields as a JSON-like dict."""
        return asdict(self)


class Tensors:
    """A task of which nothing is known but its tensors: no labels, no raw inputs, no padding."""

    name = "tensors"
    raw_input = None
    preprocessor_files = ()
    masks: ClassVar = {}
    client_example = ()

    def raw_samples(self, config):
        """Returns raw inputs to verify by: none."""
        return ()

    def inputs(self, config):
        """Returns the tensors that an artefact takes."""
        return tuple(_spec(spec) for spec in config.inputs)

    def outputs(self, config):
        """Returns the tensors that an artefact returns."""
        return tuple(_spec(spec) for spec in config.outputs)

    def longest(self, config):
        """Returns the largest size of dynamic dimensions that the model was asked for."""
        return max(config.lengths)

    def sample(self, config, lengths, seed=0, length=None):
        """Returns random inputs, as many as there are `lengths`.

        Args:
            config: `TensorsConfig`.
            lengths: Sizes of the inputs, of which the largest counts: the first dynamic dimension
                has it, the next is longer by one, so that none is taken for another.
            seed: Seed of what they hold. Defaults to 0.
            length: That size in place of the largest. Defaults to None.

        Returns:
            Dict from the name of each input to its array.
        """
        generator = np.random.default_rng(seed)
        length = length or max(lengths)
        sizes = {
            name: length + place for place, name in enumerate(dynamic_dimensions(config.inputs))
        }
        sizes["batch"] = len(lengths)
        return {
            spec["name"]: _random(
                generator,
                tuple(sizes.get(size, size) for size in spec["shape"]),
                np.dtype(spec["dtype"]),
                config.bounds.get(spec["name"]),
            )
            for spec in config.inputs
        }

    def samples(self, config, generator):
        """Yields the `SampleInputs` that an artefact is verified by."""
        has_batch = any("batch" in spec["shape"] for spec in config.inputs)
        for batch in BATCH_SIZES if has_batch else (1,):
            for length in config.lengths:
                inputs = self.sample(config, [length] * batch, seed=length)
                yield SampleInputs(f"batch{batch}_length{length}", inputs, inputs)


def dynamic_dimensions(inputs):
    """Returns the names of the dynamic dimensions of inputs, but for the batch's, in order."""
    names = [size for spec in inputs for size in spec["shape"] if isinstance(size, str)]
    return list(dict.fromkeys(name for name in names if name != "batch"))


def _random(generator, shape, dtype, bound):
    if dtype.kind == "f":
        return generator.normal(size=shape).astype(dtype)
    if dtype.kind != "b":
        return generator.integers(0, bound, shape).astype(dtype)
    mask = generator.random(shape) < 0.5
    if len(shape) > 1:
        mask[..., 0] = True  # The mean of nothing is no number to compare with.
    return mask


def _spec(spec):
    return TensorSpec(**{**spec, "shape": tuple(spec["shape"])})
