"""An exported step, run as a host runs it, against what the model answers to whole recordings."""

import numpy as np

from .checking import check
from .comparison import Failure, compare
from .samples import read_samples

# Largest difference from the Keras model, relative to the outputs where those exceed 1.
TOLERANCE = 1e-5


def stream_checks(artefact, name, stream, engine):
    """Yields the checks of a stream's step.

    Args:
        artefact: `Artefact`.
        name: The variant's.
        stream: `f()`, which gives the `ExportedStream`.
        engine: What runs it, in words.
    """
    samples = artefact.path / artefact.variants[name]["samples"]
    for what, function in (
        ("streams as whole recordings", lambda: _check_answers(stream(), samples)),
        ("streams side by side", lambda: _check_streams_apart(stream())),
        ("state lost", lambda: _check_state_matters(stream(), samples)),
    ):
        yield check(name, f"{what}, {engine}", function)


def _check_answers(stream, samples):
    """Returns what was found when recordings went in chunk by chunk.

    Args:
        stream: `ExportedStream`.
        samples: Folder of samples: recordings, and what the Keras model answers to the whole.

    Raises:
        Failure: If a stream does not answer as the model does.
    """
    largest, count, steps = 0.0, 0, 0
    for sample in read_samples(samples):
        recordings, lengths = (sample.inputs[name] for name in (stream.input_name, "lengths"))
        vectors = lengths // (stream.steps_per_chunk // stream.chunk_size)
        received = _answers(stream, recordings, lengths)
        steps += -(-recordings.shape[1] // stream.steps_per_chunk)
        for row, number in enumerate(vectors):
            expected = {name: array[row, :number] for name, array in sample.outputs.items()}
            difference = compare(f"{sample.name}, stream {row}", expected, received[row], TOLERANCE)
            largest = max(largest, difference)
        count += 1
    if not count:
        raise Failure("expected samples of streams in the artefact, received none")
    return (
        f"{count} shapes, {steps} steps of {stream.chunk_size} vectors, "
        f"largest difference {largest:.1e}"
    )


def _check_state_matters(stream, samples):
    """Loses each tensor of the state before every step: the answers must not stay as they are.

    So what the comparison of answers says is shown to mean something.

    Raises:
        Failure: If the answers stay as they are, naming the tensor.
    """
    longest = max(read_samples(samples), key=lambda sample: sample.inputs[stream.input_name].size)
    recording = longest.inputs[stream.input_name][:1]
    lengths = longest.inputs["lengths"][:1]
    (whole,) = _answers(stream, recording, lengths)
    for name in stream.state_specs:
        (without,) = _answers(stream, recording, lengths, lost=name)
        if not _differ(whole, without):
            raise Failure(f"the answers stay as they are when {name} is lost before every step")
    return f"each of {len(stream.state_specs)} tensors, if lost, changes the answers"


def _check_streams_apart(stream):
    """Checks that two streams side by side answer as each alone, from a start of zeros."""
    generator = np.random.default_rng(7)
    shape = (2, 3 * stream.steps_per_chunk, *stream.input_shape[1:])
    recordings = generator.normal(0, 0.1, shape).astype("float32")
    lengths = np.array([shape[1], shape[1] // 2], "int32")
    together = _answers(stream, recordings, lengths)
    largest = 0.0
    for row in range(2):
        part = slice(row, row + 1)
        (alone,) = _answers(stream, recordings[part], lengths[part])
        largest = max(largest, compare(f"stream {row} alone", alone, together[row], TOLERANCE))
    return f"largest difference {largest:.1e}"


def _answers(stream, recordings, lengths, lost=None):
    """Returns a dict of arrays for each stream: what it answered, without what is no answer."""
    if lost is not None:
        stream = _Forgetful(stream, lost)
    parts = list(stream.answers(recordings, lengths))
    joined = {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
    real = joined.pop("padding_mask")
    return [
        {name: array[row][real[row]] for name, array in joined.items()} for row in range(len(real))
    ]


class _Forgetful:
    """A stream that loses one tensor of its state before every step."""

    def __init__(self, stream, lost):
        self._stream, self._lost = stream, lost

    def answers(self, recordings, lengths):
        """Yields the answers, as the stream does."""
        answer = self._stream.answer

        def forgetting(chunk, mask, state):
            return answer(chunk, mask, {**state, self._lost: np.zeros_like(state[self._lost])})

        self._stream.answer = forgetting
        try:
            yield from self._stream.answers(recordings, lengths)
        finally:
            del self._stream.answer


def _differ(whole, without):
    # By anything at all: an engine gives the same numbers for the same inputs, and how much a part
    # of the state matters is the model's own affair.
    return any(not np.array_equal(whole[name], without[name]) for name in whole)
