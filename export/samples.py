"""Samples of an artefact: inputs of many shapes with the outputs of the Keras model.

They are computed once, when the artefact is made, and stored in it: `verify` then needs neither the
model nor our code, and a serving team can replay them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BATCH_SIZES = (1, 2, 5)
LENGTHS = (1, 2, 7)  # and the longest
RAW_FILE = "raw_inputs.json"


@dataclass(frozen=True)
class Sample:
    """One batch of inputs, and what the Keras model answers.

    Args:
        name: Such as `"batch5_length7_padded"`.
        inputs: Dict of arrays, as the artefact takes them.
        outputs: Dict of arrays, as it must return them.
    """

    name: str
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]


def write_samples(served, folder):
    """Computes the samples of a model and writes them to `folder`.

    Every batch size meets every length twice: without padding, and with rows of other lengths, one
    of them all padding, where the padding holds anything: a server may pad with whatever it likes.

    Args:
        served: `ServedModel`.
        folder: Where to write one `.npz` a sample, and raw inputs as JSON if the model has a
            preprocessor.
    """
    folder = Path(folder)
    folder.mkdir()
    generator = np.random.default_rng(0)
    for sample in _samples(served, generator):
        np.savez_compressed(
            folder / f"{sample.name}.npz",
            **{f"input.{name}": value for name, value in sample.inputs.items()},
            **{f"output.{name}": value for name, value in sample.outputs.items()},
        )
    if served.preprocessor is not None:
        _write_raw_samples(served, folder / RAW_FILE)


def read_samples(folder):
    """Yields every `Sample` of a folder."""
    for path in sorted(Path(folder).glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            yield Sample(path.stem, _part(arrays, "input."), _part(arrays, "output."))


def read_raw_samples(folder):
    """Returns the raw inputs with the tensors and outputs they must give, or None."""
    path = Path(folder) / RAW_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _part(arrays, prefix):
    return {
        name.removeprefix(prefix): arrays[name] for name in arrays.files if name.startswith(prefix)
    }


def _samples(served, generator):
    longest = served.task.longest(served.config)
    for batch in BATCH_SIZES:
        for length in sorted({min(length, longest) for length in (*LENGTHS, longest)}):
            full = served.task.sample(served.config, [length] * batch, seed=length)
            name = f"batch{batch}_length{length}"
            yield Sample(name, full, _outputs(served, full))
            lengths = generator.integers(0, length + 1, batch)
            lengths[-1] = 0
            clean = served.task.sample(served.config, lengths, seed=length, length=length)
            padded = served.task.fill_padding(served.config, clean, generator)
            yield Sample(f"{name}_padded", padded, _outputs(served, clean))


def _outputs(served, inputs):
    return {name: value.numpy() for name, value in served(inputs).items()}


def _write_raw_samples(served, path):
    raw = list(served.task.raw_samples)
    encoded = served.preprocessor.encode(raw)
    tensors = served.task.tensors(served.preprocessor.collate(encoded))
    outputs = _outputs(served, tensors)
    if "label" in outputs:
        outputs["label"] = np.array(served.labels)[outputs["label"]]
    value = {
        "inputs": raw,
        "tensors": {name: array.tolist() for name, array in tensors.items()},
        "outputs": {name: array.tolist() for name, array in outputs.items()},
    }
    path.write_text(json.dumps(value, ensure_ascii=True) + "\n", encoding="utf-8")
