"""Variants of an artefact: the one file or folder that each format, precision or step becomes."""

from typing import NamedTuple

from .artefact import SAMPLES_FOLDER, STREAM_SAMPLES_FOLDER
from .formats import FORMATS, onnx_file
from .large_models import DATA_SUFFIX
from .onnx_conversion import write_onnx
from .samples import write_stream_samples
from .savedmodel import write_savedmodel, write_stream_savedmodel
from .warmup import write_warm_up

STREAM_SAVEDMODEL_FOLDER = "savedmodel_streaming"


class Variant(NamedTuple):
    """What is to be written: its path in the artefact, format and precision, whether it steps."""

    name: str
    format: str
    streams: bool
    precision: str


def variant_of(format_name, version, streams=False, precision="float32"):
    """Returns the `Variant` of a format, a version (None: 1), and a precision if it is ONNX.

    Raises:
        ValueError: If there is no such format or version.
    """
    if format_name not in FORMATS:
        raise ValueError(
            f"Received an unknown format, expected some of {FORMATS}. Received: {format_name!r}"
        )
    version = 1 if version is None else version
    if not isinstance(version, int) or version < 1:
        raise ValueError(
            f"Expected `version` to be a positive integer. Received: version={version!r}"
        )
    if format_name == "savedmodel":
        folder = STREAM_SAVEDMODEL_FOLDER if streams else "savedmodel"
        return Variant(f"{folder}/{version}", format_name, streams, precision)
    file = "model.streaming.onnx" if streams else onnx_file(precision)
    return Variant(f"onnx/{file}", format_name, streams, precision)


def write_variant(served, stream, folder, variant, options):
    """Writes a variant into an artefact's folder.

    Args:
        served: `ServedModel`.
        stream: `ServedStream` of the model, if the variant steps.
        folder: The artefact's folder.
        variant: `Variant`.
        options: `signatures` of SavedModels, `attention` and `opset` of ONNX files.

    Returns:
        What the manifest says of it, JSON-like, but for its files.
    """
    (folder / variant.name).parent.mkdir(exist_ok=True)
    if variant.streams:
        return _write_stream(served, stream, folder, variant, options)
    path = folder / variant.name
    return _WRITERS[variant.format](served, path, precision=variant.precision, **options)


def _write_savedmodel(served, path, signatures="auto", **of_onnx):
    kinds, reason = write_savedmodel(served, path, signatures)
    write_warm_up(path, kinds, served.task, path.parents[1] / SAMPLES_FOLDER, served.architecture)
    without = {} if reason is None else {"without_raw_signatures": reason}
    return {"format": "savedmodel", "signatures": kinds, **without}


def _write_onnx(served, path, signatures=None, **options):
    return {"format": "onnx", **write_onnx(served, path, **options)}


_WRITERS = {"savedmodel": _write_savedmodel, "onnx": _write_onnx}


def _write_stream(served, stream, folder, variant, options):
    """Writes a step, and samples of its own, which depend on the size of its chunks."""
    path = folder / variant.name
    if variant.format == "onnx":
        written = _write_onnx(stream, path, **options)
    else:
        written = {"format": "savedmodel", "signatures": write_stream_savedmodel(stream, path)}
    samples = f"{STREAM_SAMPLES_FOLDER}/{variant.name.replace('/', '_')}"
    write_stream_samples(served, stream, folder / samples)
    return {
        **written,
        "streaming": stream.description(),
        "inputs": [spec.to_dict() for spec in stream.inputs],
        "outputs": [spec.to_dict() for spec in stream.outputs],
        "samples": samples,
    }


def parts_of(name, variant):
    """Returns what of an artefact belongs to a variant alone: itself, and what is beside it.

    Args:
        name: Its name.
        variant: What the manifest says of it.
    """
    beside = [f"{name}{DATA_SUFFIX}"] if "data" in variant else []
    return [name, *beside, *([variant["samples"]] if "samples" in variant else [])]
