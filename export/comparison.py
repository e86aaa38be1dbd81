"""Answers of an exported file against those of the Keras model, and what is said if they differ."""

from typing import NamedTuple

import numpy as np

from ..zoo.tasks.interface import softmax

# Largest difference from the Keras model, relative to the outputs where those exceed 1.
TOLERANCE = 2e-5


class Budget(NamedTuple):
    """How far the answers of a file of fewer bits may be from the Keras model's.

    Args:
        error: The median over answers of how far they are off, in parts of them.
        agreement: The share of answers whose largest element must be the same.
    """

    error: float
    agreement: float


# Of what is not float32. Half precision rounds by up to 1 part in 2048, and a model does so some
# twenty times from its input to its answer; a step of int8 is 1 part in 127, which averages out.
BUDGETS = {"float16": Budget(0.01, 0.98), "int8": Budget(0.05, 0.9)}


class Failure(Exception):
    """A check that did not pass."""


def compare(name, expected, received, tolerance=TOLERANCE):
    """Returns the largest difference of the float outputs.

    Args:
        name: What the sample is called.
        expected: Dict of arrays of the Keras model.
        received: Dict of arrays of the exported file.
        tolerance: Largest difference, relative to an answer's own largest value if that exceeds 1.
            Defaults to `TOLERANCE`.

    Raises:
        Failure: If any output is missing, of another shape, or differs.
    """
    if set(received) != set(expected):
        raise Failure(f"expected outputs {sorted(expected)}, received {sorted(received)}")
    largest = 0.0
    for output, reference in expected.items():
        reference = np.asarray(reference)
        answer = np.asarray(received[output])
        if answer.dtype == object:  # A TensorFlow session returns bytes.
            answer = np.vectorize(lambda value: value.decode("utf-8"), otypes=[object])(answer)
        if answer.shape != reference.shape:
            raise Failure(
                f"sample {name}: expected {output} of shape {reference.shape}, "
                f"received {answer.shape}"
            )
        if reference.dtype.kind == "f":
            difference = _compare_floats(name, output, reference, answer, tolerance)
            largest = max(largest, difference)
        elif output == "label" and "logits" in expected:
            _compare_labels(name, reference, answer, softmax(expected["logits"]))
        elif not np.array_equal(answer, reference):
            raise Failure(f"sample {name}: {output} differs")
    return largest


def compare_roughly(pairs, budget):
    """Returns the median error of answers in parts of them, and how many agree on the largest.

    Args:
        pairs: What the Keras model answers and what was received, dicts of arrays, of each sample;
            probabilities do not count where there are logits, of which they are made.
        budget: `Budget`.

    Raises:
        Failure: If answers are of another shape, or too far from the Keras model's.
    """
    errors, agreements = [], []
    for expected, received in pairs:
        floats = [name for name, array in expected.items() if array.dtype.kind == "f"]
        for name in floats:
            if name == "probabilities" and "logits" in floats:
                continue
            reference, answer = expected[name], received[name]
            if answer.shape != reference.shape:
                raise Failure(
                    f"expected {name} of shape {reference.shape}, received {answer.shape}"
                )
            sizes = np.linalg.norm(reference, axis=-1)
            difference = np.linalg.norm(answer - reference, axis=-1)
            errors.append((difference / np.maximum(sizes, 1e-3)).ravel())
            agreements.append((answer.argmax(-1) == reference.argmax(-1)).ravel())
    if not errors:
        raise Failure("expected samples in the artefact, received none")
    error, agreement = np.median(np.concatenate(errors)), np.mean(np.concatenate(agreements))
    if not (error <= budget.error and agreement >= budget.agreement):  # So that a NaN fails.
        raise Failure(
            f"answers differ by {error:.1%} in the median and {agreement:.1%} agree on the largest "
            f"element, expected at most {budget.error:.0%} and at least {budget.agreement:.0%}"
        )
    return float(error), float(agreement)


def _compare_floats(name, output, reference, answer, tolerance):
    # Of each answer its own: where a vector is padding, logits of CTC are ten thousands.
    scale = np.abs(reference).max(axis=-1, keepdims=True, initial=1.0)
    differences = np.abs(answer - reference)
    excess = differences / scale
    if not np.all(excess <= tolerance):  # Written so that a NaN fails.
        worst = np.unravel_index(
            np.nanargmax(np.where(np.isnan(excess), np.inf, excess)), excess.shape
        )
        raise Failure(
            f"sample {name}: {output} differs by {differences[worst]:.1e}, expected at most "
            f"{tolerance * np.broadcast_to(scale, differences.shape)[worst]:.1e}"
        )
    return float(differences.max(initial=0.0))


def _compare_labels(name, reference, answer, probabilities):
    wrong = answer != reference
    # Where two classes are equally likely to within the tolerance, either may win.
    margin = np.diff(np.sort(probabilities, axis=-1)[..., -2:]).max(axis=-1, initial=0.0)
    if np.any(wrong & (margin > 2 * TOLERANCE)):
        raise Failure(f"sample {name}: expected labels {reference}, received {answer}")
