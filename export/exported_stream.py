"""A stream through an exported step: the same `initial_state`, `step` and `flush` as in Keras."""

import functools

import numpy as np

from ..zoo.chunk_stream import NEXT, ChunkStream
from .artefact import find
from .engines import OnnxEngine, SavedModelEngine
from .formats import STREAM_SIGNATURE


def load_stream(path, threads=None):
    """Loads the exported step of a stream; neither Keras nor our models are involved.

    Args:
        path: The artefact's folder (the ONNX file is taken if it has one), or its
            `onnx/model.streaming.onnx` or `savedmodel_streaming/1`.
        threads: Processor threads that ONNX Runtime uses. Defaults to None (its choice).

    Returns:
        `ExportedStream`.

    Raises:
        FileNotFoundError: If there is no artefact, or no step of a stream in it.

    Example:
    ```python
    stream = export.load_stream("dist")
    state = stream.initial_state(batch_size=1)
    for chunk in chunks:  # each (1, stream.steps_per_chunk)
        outputs, state = stream.step(chunk, state)
    outputs, state = stream.flush(state)
    ```
    """
    artefact, name = find(path, streaming=True)
    return ExportedStream(artefact, name, threads=threads)


class ExportedStream(ChunkStream):
    """Runs streams by the ONNX file or the SavedModel of a step.

    Args:
        artefact: `Artefact`.
        name: The variant's path in it.
        optimized: Whether ONNX Runtime may rewrite the graph. Defaults to True.
        threads: Processor threads that ONNX Runtime uses. Defaults to None (its choice).

    Attributes:
        labels: Names of the classes.
        vector_ms: Time from one vector to the next, in milliseconds.
        sampling_rate: Samples a second, in Hz.
    """

    def __init__(self, artefact, name, optimized=True, threads=None):
        variant = artefact.variants[name]
        described = variant["streaming"]
        first, lengths, *state = _by_name(variant["inputs"]).items()
        names = [name for name, _ in state]
        answers = _by_name(variant["outputs"])
        super().__init__(
            first[0],
            first[1][0],
            dict(state),
            {n: spec for n, spec in answers.items() if n.removeprefix(NEXT) not in names},
            described["chunk_size"],
            described["lookahead_frames"],
            described["latency_ms"],
        )
        self._lengths = lengths[0]
        self.labels = artefact.manifest["labels"]
        self.vector_ms = described["vector_ms"]
        self.sampling_rate = described["sampling_rate"]
        path = artefact.path / name
        if variant["format"] == "onnx":
            self._run = OnnxEngine(path, optimized, threads).run
        else:
            self._run = functools.partial(SavedModelEngine(path).run, STREAM_SIGNATURE)

    def answer(self, chunk, mask, state):
        """Returns the answers and the next state, made by the exported file.

        Raises:
            ValueError: If a mask has real steps behind others, which `lengths` cannot say.
        """
        lengths = mask.sum(axis=1).astype("int32")
        if not np.array_equal(np.arange(mask.shape[1]) < lengths[:, None], mask):
            raise ValueError(
                "Expected a mask whose real steps come first, as an exported step takes `lengths`. "
                "Received: real steps after others"
            )
        return self._run({self.input_name: chunk, self._lengths: lengths, **state})


def _by_name(specs):
    """Returns the shape without the batch, and the dtype, of each tensor by name."""
    return {spec["name"]: (tuple(spec["shape"][1:]), spec["dtype"]) for spec in specs}
