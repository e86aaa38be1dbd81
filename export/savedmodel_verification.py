"""A SavedModel of an artefact: its signatures as the manifest says, small, right, and warmed up."""

import functools

import numpy as np

from . import classification
from .artefact import SAMPLES_FOLDER
from .checking import check, check_weights_size, signature_answers
from .comparison import Failure, compare
from .engines import SavedModelEngine
from .exported_stream import ExportedStream
from .samples import read_samples
from .serving_files import is_padded_by_servers
from .stream_verification import stream_checks
from .warmup import WARM_UP_FILE, read_warm_up

PREDICT_METHOD = "tensorflow/serving/predict"


def savedmodel_checks(artefact, name):
    """Yields the checks of a SavedModel of whole inputs.

    Args:
        artefact: `Artefact`.
        name: The variant's.
    """
    folder, signatures = artefact.path / name, artefact.variants[name]["signatures"]
    engine = _engine(folder)
    yield from _folder_checks(artefact, name, engine)
    for signature, kind in signatures.items():
        yield check(
            name,
            f"answers of `{signature}` in a TensorFlow 1 session",
            lambda s=signature, k=kind: signature_answers(artefact, engine(), s, k),
        )
    if (folder / WARM_UP_FILE).exists():
        yield check(name, "warm-up requests", lambda: _check_warm_up(folder, engine()))
    if "tokens" in signatures and is_padded_by_servers(artefact.inputs):
        yield check(
            name,
            "requests that a server pads and merges",
            lambda: _check_merged_requests(artefact, engine()),
        )


def savedmodel_stream_checks(artefact, name):
    """Yields the checks of a SavedModel of a stream's step, see `savedmodel_checks`."""
    yield from _folder_checks(artefact, name, _engine(artefact.path / name))
    stream = functools.cache(lambda: ExportedStream(artefact, name))
    yield from stream_checks(artefact, name, stream, "a TensorFlow 1 session")


def _engine(folder):
    """Returns what loads it when it is first asked; where that fails, each check says so."""
    return functools.cache(lambda: SavedModelEngine(folder))


def _folder_checks(artefact, name, engine):
    signatures = artefact.variants[name]["signatures"]
    yield check(name, "signatures", lambda: _check_signatures(engine(), signatures))
    yield check(name, "weights stored once", lambda: _check_size(artefact, artefact.path / name))


def _check_warm_up(folder, engine):
    """Sends each request that the server would send to itself."""
    count = 0
    for signature, inputs in read_warm_up(folder):
        for name, value in engine.run(signature, inputs).items():
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise Failure(f"expected finite {name}, received others from `{signature}`")
        count += 1
    return f"{count} answered"


def _check_merged_requests(artefact, engine):
    """Merges requests as TF Serving's `pad_variable_length_inputs` does.

    It fills up shorter tensors with their own first element.
    """
    samples = [s for s in read_samples(artefact.path / SAMPLES_FOLDER) if _rows(s.inputs) == 1]
    merged = {
        name: _padded_by_server([sample.inputs[name] for sample in samples])
        for name in samples[0].inputs
    }
    received = engine.run("tokens", merged)
    largest = 0.0
    for row, sample in enumerate(samples):
        part = {
            name: received[name][row : row + 1][tuple(slice(size) for size in value.shape)]
            for name, value in sample.outputs.items()
        }
        largest = max(largest, compare(f"{sample.name}, merged", sample.outputs, part))
    return f"{len(samples)} requests of different lengths, largest difference {largest:.1e}"


def _rows(inputs):
    return len(next(iter(inputs.values())))


def _padded_by_server(arrays):
    shape = np.max([array.shape[1:] for array in arrays], axis=0, initial=0)
    return np.concatenate(
        [
            np.pad(
                array,
                [
                    (0, 0),
                    *((0, most - size) for size, most in zip(array.shape[1:], shape, strict=True)),
                ],
                constant_values=array.flat[0] if array.size else 0,
            )
            for array in arrays
        ]
    )


def _check_signatures(engine, expected):
    received = engine.signatures
    if received != sorted(expected):
        raise Failure(f"expected {sorted(expected)}, received {received}")
    for signature, kind in expected.items():
        wanted = classification.METHOD if kind in classification.KINDS else PREDICT_METHOD
        if engine.method(signature) != wanted:
            raise Failure(
                f"expected `{signature}` to answer {wanted}, received {engine.method(signature)}"
            )
    return ", ".join(received)


def _check_size(artefact, folder):
    size = sum(path.stat().st_size for path in (folder / "variables").iterdir())
    return check_weights_size(artefact, size)
