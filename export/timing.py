"""How fast the variants of an artefact answer on this machine."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .artefact import Artefact

KERAS = "Keras"
_WARM_UP = 3
_FEWEST_CALLS = 5


@dataclass(frozen=True)
class Timing:
    """What calls of one variant with batches of one shape took.

    Args:
        variant: Such as `"onnx/model.onnx"`, or `"Keras"`.
        threads: Processor threads that it might use.
        batch: Inputs of each call.
        length: Length of each input, in vectors of the encoder; None where inputs have one size.
        calls: Number of calls that were timed.
        p50: Median of a call, in milliseconds.
        p95: 95th percentile.
        p99: 99th percentile.
        throughput: Inputs a second, one call after the other.
    """

    variant: str
    threads: int
    batch: int
    length: int | None
    calls: int
    p50: float
    p95: float
    p99: float
    throughput: float

    def to_dict(self):
        """Returns a JSON-like dict."""
        return asdict(self)


def bench(path, batches=(1, 8), lengths=(16, 128), threads=(1,), seconds=1.0, model=None):
    """Times every variant of an artefact that takes whole inputs.

    They take turns, call by call, so that what slows the machine slows them all. Each number of
    threads has a process of its own, for TensorFlow's are those of the process.

    Args:
        path: The artefact's folder.
        batches: Inputs of each call. Defaults to `(1, 8)`.
        lengths: Lengths of the inputs, in vectors of the encoder; those beyond the model's longest
            input become that. Where inputs have one size they are not heeded. Defaults to
            `(16, 128)`.
        threads: Numbers of processor threads. Defaults to `(1,)`.
        seconds: How long each variant is called with each shape, five calls at least. Defaults to
            1.0.
        model: Folder of the saved pipeline, or the `.keras` file, that was exported, to time Keras
            as well. Defaults to None.

    Returns:
        List of `Timing`.

    Raises:
        FileNotFoundError: If there is no artefact, or no saved pipeline.
        ValueError: If a number is not positive, or the pipeline is of another architecture.
    """
    for name, values in (("batches", batches), ("lengths", lengths), ("threads", threads)):
        if not values or any(not isinstance(v, int) or v < 1 for v in values):
            raise ValueError(
                f"Received an invalid value for argument `{name}`, expected positive integers. "
                f"Received: {name}={values!r}"
            )
    if not seconds > 0:
        raise ValueError(
            "Received an invalid value for argument `seconds`, expected a positive number. "
            f"Received: seconds={seconds!r}"
        )
    artefact = Artefact.open(path)
    shapes = [(batch, length) for batch in batches for length in _lengths(artefact, lengths)]
    timings = []
    for count in threads:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as process:
            work = process.submit(_time_all, artefact.path, shapes, count, seconds, model)
            timings += work.result()
    return timings


def _lengths(artefact, lengths):
    """Returns the lengths that the model takes, each once, or None where it has none."""
    task, config = artefact.task, artefact.config
    if not any("length" in spec["shape"] for spec in artefact.inputs):
        return [None]
    longest = task.longest(config) // getattr(config, "steps_per_vector", 1)
    return sorted({min(length, longest) for length in lengths})


def _time_all(path, shapes, threads, seconds, model):
    """Times all variants with all shapes, in a process that does nothing else."""
    artefact = Artefact.open(path)
    rivals = {
        name: _caller(artefact, name, threads)
        for name, variant in artefact.variants.items()
        if "streaming" not in variant
    }
    if model is not None:
        rivals[KERAS] = _keras_caller(artefact, model, threads)
    unit = getattr(artefact.config, "steps_per_vector", 1)
    timings = []
    for batch, length in shapes:
        size = 1 if length is None else length * unit
        inputs = artefact.task.sample(artefact.config, [size] * batch)
        for name, milliseconds in _race(rivals, inputs, seconds).items():
            p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99))
            throughput = 1000 * batch / float(np.mean(milliseconds))
            timings.append(
                Timing(
                    *(name, threads, batch, length, len(milliseconds)),
                    *(float(p50), float(p95), float(p99), throughput),
                )
            )
    return timings


def _race(rivals, inputs, seconds):
    """Calls each in turn until the time of all is over; returns milliseconds of the calls."""
    for _ in range(_WARM_UP):
        for call in rivals.values():
            call(inputs)
    milliseconds = {name: [] for name in rivals}
    end = time.perf_counter() + seconds * len(rivals)
    while time.perf_counter() < end or len(next(iter(milliseconds.values()))) < _FEWEST_CALLS:
        for name, call in rivals.items():
            started = time.perf_counter()
            call(inputs)
            milliseconds[name].append(1000 * (time.perf_counter() - started))
    return milliseconds


def _caller(artefact, name, threads):
    """Returns a function that a variant answers a batch by."""
    from .engines import OnnxEngine, SavedModelEngine

    path, variant = artefact.path / name, artefact.variants[name]
    _, outputs = artefact.tensors(name)
    names = [spec["name"] for spec in outputs]
    if variant["format"] == "onnx":
        engine = OnnxEngine(path, threads=threads)
        return lambda inputs: engine.run(inputs, names)
    engine = SavedModelEngine(path, threads=threads)
    signature = next(key for key, kind in variant["signatures"].items() if kind == "tensors")
    return lambda inputs: engine.run(signature, inputs, names)


def _keras_caller(artefact, model, threads):
    import tensorflow as tf

    from .sources import as_served, load_source

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    served = as_served(load_source(model))
    if served.architecture != artefact.manifest["architecture"]:
        raise ValueError(
            f"Expected the {artefact.manifest['architecture']!r} that was exported. "
            f"Received: {str(Path(model))!r}, a {served.architecture!r}"
        )
    function = tf.function(served.__call__, input_signature=[served.signature()])
    return lambda inputs: {key: value.numpy() for key, value in function(inputs).items()}
