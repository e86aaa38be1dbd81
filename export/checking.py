"""Checks that formats and engines have in common."""

import numpy as np

from . import classification
from .artefact import SAMPLES_FOLDER
from .comparison import BUDGETS, Failure, compare, compare_roughly
from .report import Check
from .samples import raw_feed, read_raw_samples, read_samples

# What the stored weights may exceed their bytes by: names, shapes, small constants.
_SLACK = 0.02
_SLACK_BYTES = 16_384


def check(variant, name, function):
    """Runs a check: it returns its detail, or raises, whatever the runtimes raise."""
    try:
        return Check(variant, name, True, function())
    except Exception as error:
        reason = str(error) if isinstance(error, (Failure, ValueError)) else repr(error)
        return Check(variant, name, False, reason)


def check_weights_size(artefact, size, constants=0, each=4):
    """Checks that as many bytes are stored as the parameters take, and little more.

    Args:
        artefact: `Artefact`.
        size: Bytes that are stored.
        constants: How many of them may be of other things than weights. Defaults to 0.
        each: Bytes of a parameter. Defaults to 4.

    Returns:
        What was found, in a few words.
    """
    expected = each * artefact.manifest["parameters"]
    limit = expected * (1 + _SLACK) + _SLACK_BYTES + constants
    if size > limit:
        raise Failure(
            f"expected about {expected:,} bytes of weights, {each} for each parameter, and "
            f"{constants:,} of constants, received {size:,}"
        )
    return f"{size:,} bytes for {artefact.manifest['parameters']:,} parameters"


def compare_samples(artefact, run, takes=None):
    """Compares the answers of `run(inputs)` to all samples with those of the Keras model.

    Args:
        artefact: `Artefact`.
        run: Takes and gives a dict of arrays.
        takes: `f(inputs)`, whether it can be asked that. Defaults to None (anything).

    Returns:
        What was found, in a few words.
    """
    largest, count = 0.0, 0
    for sample in _samples(artefact, takes):
        largest = max(largest, compare(sample.name, sample.outputs, run(sample.inputs)))
        count += 1
    if not count:
        raise Failure("expected samples in the artefact, received none")
    return f"{count} shapes, largest difference {largest:.1e}"


def compare_in_precision(artefact, variant, run):
    """Compares the answers of a file as closely as its precision allows.

    Args:
        artefact: `Artefact`.
        variant: What the manifest says of the file.
        run: Takes and gives a dict of arrays.
    """
    budget = BUDGETS.get(variant.get("precision"))
    if budget is None:
        return compare_samples(artefact, run)
    samples = read_samples(artefact.path / SAMPLES_FOLDER)
    pairs = ((sample.outputs, run(sample.inputs)) for sample in samples)
    error, agreement = compare_roughly(pairs, budget)
    return f"median difference {error:.1%} of the answer, {agreement:.1%} of the largest the same"


def _samples(artefact, takes):
    samples = read_samples(artefact.path / SAMPLES_FOLDER)
    return samples if takes is None else (s for s in samples if takes(s.inputs))


def signature_answers(artefact, engine, signature, kind, takes=None):
    """Compares a signature's answers to all samples of it with those of the Keras model.

    Args:
        artefact: `Artefact`.
        engine: What runs it: `run(signature, inputs)` gives a dict of arrays.
        signature: Its name.
        kind: Its kind, see `write_savedmodel`.
        takes: `f(inputs)`, whether it can be asked that. Defaults to None (anything).

    Returns:
        What was found, in a few words.
    """
    if kind == "tensors":
        return compare_samples(artefact, lambda inputs: engine.run(signature, inputs), takes)
    if kind == "classify_tensors":
        return _compare_classified_samples(artefact, engine, signature)
    raw = read_raw_samples(artefact.path / SAMPLES_FOLDER)
    expected = raw["tensors"] if kind == "preprocess" else raw["outputs"]
    if kind == "classify":
        expected = _classified(artefact, expected)
    if kind == "words":
        expected = {name: v for name, v in expected.items() if name not in ("start", "end")}
    inputs = raw_feed(raw, kind, artefact.raw_input)
    largest = compare("raw inputs", expected, engine.run(signature, inputs))
    return f"{len(raw['inputs'])} raw inputs, largest difference {largest:.1e}"


def _compare_classified_samples(artefact, engine, signature):
    largest, count = 0.0, 0
    for sample in read_samples(artefact.path / SAMPLES_FOLDER):
        examples = classification.tensor_examples(sample.inputs, artefact.task)
        expected = _classified(artefact, sample.outputs)
        received = engine.run(signature, {"inputs": examples})
        largest = max(largest, compare(sample.name, expected, received))
        count += 1
    return f"examples of {count} shapes, largest difference {largest:.1e}"


def _classified(artefact, outputs):
    """Returns what the Classify API must answer where these are the outputs."""
    scores = outputs["probabilities"]
    labels = np.array(artefact.manifest["labels"])
    return {"classes": np.tile(labels, (len(scores), 1)), "scores": scores}
