"""Samples of an artefact: inputs of many shapes with the outputs of the Keras model.

They are computed once, when the artefact is made, and stored in it: `verify` then needs neither the
model nor our code, and a serving team can replay them.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..zoo.tasks.interface import SampleInputs
from .classification import raw_examples

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

    The task decides which (`SampleInputs` of `zoo.tasks`).

    Args:
        served: `ServedModel`.
        folder: Where to write one `.npz` a sample, and raw inputs as JSON if the model has a
            preprocessor and the task has such inputs.
    """
    folder = Path(folder)
    folder.mkdir()
    generator = np.random.default_rng(0)
    for sample in served.task.samples(served.config, generator):
        _write_sample(served, folder, sample)
    if served.preprocessor is not None and served.task.raw_samples(served.config):
        _write_raw_samples(served, folder / RAW_FILE)


def write_stream_samples(served, stream, folder):
    """Computes what the model answers to whole recordings that take from one step to many.

    Args:
        served: `ServedModel`.
        stream: `ServedStream` of it.
        folder: Where to write one `.npz` a sample.
    """
    folder = Path(folder)
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    chunk, vector = stream.encoder.steps_per_chunk, stream.config.steps_per_vector
    reach = sum(stream.config.contexts[0]) + 1
    # Until each cache has been filled and has let go of what it held first.
    longest = (3 + -(-reach * vector // chunk)) * chunk
    for length in sorted({vector, max(vector, chunk - 1), 2 * chunk, longest + vector + 1}):
        for batch in (1, 3):
            lengths = generator.integers(0, length + 1, batch)
            lengths[0] = length
            if batch > 1:
                lengths[-1] = 0
            name = f"batch{batch}_length{length}"
            clean = served.task.sample(served.config, lengths, seed=length, length=length)
            sent = served.task.fill_padding(served.config, clean, generator)
            _write_sample(served, folder, SampleInputs(name, clean, sent))


def _write_sample(served, folder, sample):
    outputs = _outputs(served, sample.clean)
    np.savez_compressed(
        folder / f"{sample.name}.npz",
        **{f"input.{name}": value for name, value in sample.sent.items()},
        **{f"output.{name}": value for name, value in outputs.items()},
    )


def read_samples(folder):
    """Yields every `Sample` of a folder."""
    for path in sorted(Path(folder).glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            yield Sample(path.stem, _part(arrays, "input."), _part(arrays, "output."))


def read_raw_samples(folder):
    """Returns the raw inputs with the tensors and outputs they must give, or None."""
    path = Path(folder) / RAW_FILE
    if not path.is_file():
        return None
    return json.loads(path.read_text(encoding="utf-8"), object_hook=_from_base64)


def raw_feed(raw, kind, raw_input):
    """Returns what a signature of raw inputs is fed with.

    Args:
        raw: What `read_raw_samples` returned.
        kind: Kind of the signature, see `write_savedmodel`.
        raw_input: Name of the raw input, such as `"text"`.
    """
    if kind == "classify":
        return {"inputs": raw_examples(raw_input, raw["inputs"])}
    if kind == "words":
        return {"words": np.array(raw["outputs"]["words"], object)}
    return {raw_input: np.array(raw["inputs"], object)}


def _part(arrays, prefix):
    return {
        name.removeprefix(prefix): arrays[name] for name in arrays.files if name.startswith(prefix)
    }


def _outputs(served, inputs):
    return {name: value.numpy() for name, value in served(inputs).items()}


def _write_raw_samples(served, path):
    raw = list(served.task.raw_samples(served.config))
    checked = served.preprocessor.checked(raw)
    encoded = served.preprocessor.encode(checked)
    tensors = served.task.tensors(served.preprocessor.collate(encoded))
    outputs = _outputs(served, tensors)
    if "label" in outputs:
        outputs |= served.task.named_outputs(outputs, served.labels, tensors)
    outputs |= served.task.raw_outputs(checked)
    value = {
        "inputs": [as_json(item) for item in raw],
        "tensors": {name: array.tolist() for name, array in tensors.items()},
        "outputs": {name: array.tolist() for name, array in outputs.items()},
    }
    path.write_text(json.dumps(value, ensure_ascii=True) + "\n", encoding="utf-8")


def as_json(item):
    """Returns bytes as TF Serving's REST interface takes them, anything else as it is."""
    return {"b64": base64.b64encode(item).decode("ascii")} if isinstance(item, bytes) else item


def _from_base64(value):
    return base64.b64decode(value["b64"]) if set(value) == {"b64"} else value
