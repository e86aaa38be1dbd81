"""Writing artefacts: staged beside the target, verified there, then moved in, the manifest last."""

import contextlib
import importlib.metadata
import json
import os
import uuid
from pathlib import Path
from typing import NamedTuple

from ..zoo.files import checksums, staging_folder, write_json
from ..zoo.tasks import get_task
from ..zoo.text_preprocessor import TOKENIZER_FILE
from .artefact import (
    FORMAT,
    FORMAT_VERSION,
    LABELS_FILE,
    MANIFEST_FILE,
    README_FILE,
    SAMPLES_FOLDER,
    STREAM_SAMPLES_FOLDER,
    VERIFY_FILE,
    Artefact,
)
from .example_requests import example_requests
from .fingerprint import fingerprint_of
from .formats import FORMATS, onnx_file
from .large_models import DATA_SUFFIX
from .onnx_conversion import write_onnx
from .readme import artefact_readme
from .samples import write_samples, write_stream_samples
from .savedmodel import write_savedmodel, write_stream_savedmodel
from .served_stream import ServedStream
from .serving_files import SERVING_FOLDER, write_serving_files
from .sources import as_served
from .task_metric import TOLERANCE, TaskMetric
from .verification import verify
from .warmup import write_warm_up

# What all variants share; a bare model has no tokenizer.
_COMMON_FILES = (TOKENIZER_FILE, LABELS_FILE, SAMPLES_FOLDER)
STREAM_SAVEDMODEL_FOLDER = "savedmodel_streaming"
_STREAM_FOLDERS = (STREAM_SAVEDMODEL_FOLDER, STREAM_SAMPLES_FOLDER)


def to_savedmodel(model, path, version=None, signatures="auto", overwrite=False):
    """Exports a model to a SavedModel for TF Serving, proven equal before it is moved into place.

    Args:
        model: A `zoo.Pipeline`, a bare model of `zoo.build`, or any other Functional or Sequential
            Keras model.
        path: The artefact's folder; the SavedModel goes to `path/savedmodel/<version>`.
        version: Version number, as TF Serving wants one. Defaults to None (1).
        signatures: `"auto"` or a list of names, see `write_savedmodel`. Defaults to `"auto"`.
        overwrite: Whether a SavedModel that is there may be replaced. Defaults to False.

    Returns:
        The `Report` of the verification.

    Raises:
        FileExistsError: If the variant is there and `overwrite` is False.
        ValueError: If the folder holds exports of another model.
        VerificationError: If it does not answer as the model does; nothing is left then.
    """
    return to_artefact(model, path, ["savedmodel"], version, signatures, overwrite)


def to_onnx(model, path, overwrite=False, attention="fused", precision="float32", opset=None):
    """Exports a model to ONNX for ONNX Runtime, proven equal before it is moved into place.

    Args:
        model: A `zoo.Pipeline`, a bare model of `zoo.build`, or any other Functional or Sequential
            Keras model.
        path: The artefact's folder; the file goes to `path/onnx/model.onnx`, or of a precision
            other than float32 to such as `path/onnx/model.int8.onnx`.
        overwrite: Whether a file that is there may be replaced. Defaults to False.
        attention: What attention, layer normalisation, GELU and dense layers become: `"fused"`, one
            operator of ONNX Runtime each; `"standard"`, one operator each of the ONNX standard; or
            `"decomposed"`, the operators of their formulas, which every runtime has. Defaults to
            `"fused"`.
        precision: `"float32"`; `"float16"`, weights and what is computed with them; or `"int8"`:
            matrices and embeddings quantised by channel, and activations as they come. What goes in
            and comes out is float32. Defaults to `"float32"`.
        opset: Version of the ONNX operators, up to 23. Defaults to None: 18, and 23 of `"standard"`
            attention, which older ones lack.

    Returns:
        The `Report` of the verification.

    Raises:
        FileExistsError: If the variant is there and `overwrite` is False.
        ValueError: If the folder holds exports of another model, an operator of the model has no
            ONNX form, or the `opset` none of the operators.
        VerificationError: If it does not answer as the model does; nothing is left then.
    """
    return to_artefact(
        model,
        path,
        ["onnx"],
        overwrite=overwrite,
        attention=attention,
        precisions=[precision],
        opset=opset,
    )


def streaming(
    model, path, format="onnx", chunk_size=None, version=None, overwrite=False, progress=None
):
    """Exports the step of a speech encoder's stream, proven equal to the model on whole recordings.

    Args:
        model: A `zoo.Pipeline`, or a bare model of `zoo.build`, that `zoo.StreamingEncoder` takes.
        path: The artefact's folder; the step goes to `path/onnx/model.streaming.onnx` or
            `path/savedmodel_streaming/<version>`, beside what takes whole recordings.
        format: One of `FORMATS`. Defaults to `"onnx"`.
        chunk_size: Vectors in each step. Defaults to None: the chunk that a `"chunked_limited"`
            model was trained with, 8 for another.
        version: Version number of a SavedModel. Defaults to None (1).
        overwrite: Whether a step that is there may be replaced. Defaults to False.
        progress: `f(message)`, told what is done next. Defaults to None.

    Returns:
        The `Report` of the verification.

    Raises:
        FileExistsError: If the variant is there and `overwrite` is False.
        ValueError: If the model cannot be streamed in such chunks, or the folder holds exports of
            another model.
        VerificationError: If it does not answer as the model does; nothing is left then.

    Example:
    ```python
    export.streaming(pipeline, "dist")
    stream = export.load_stream("dist")
    ```
    """
    wanted = [_variant(format, version, streams=True)]
    return _export(model, path, wanted, {}, chunk_size, overwrite, progress)


def to_artefact(
    model,
    path,
    formats=FORMATS,
    version=None,
    signatures="auto",
    overwrite=False,
    progress=None,
    streaming=False,
    chunk_size=None,
    attention="fused",
    precisions=("float32",),
    opset=None,
    eval_split=None,
    eval_tolerance=TOLERANCE,
):
    """Exports a model to several formats at once; see `to_savedmodel`, `to_onnx` and `streaming`.

    Args:
        model: A `zoo.Pipeline`, a bare model of `zoo.build`, or any other Functional or Sequential
            Keras model.
        path: The artefact's folder.
        formats: Some of `FORMATS`. Defaults to all.
        version: Version number of the SavedModel. Defaults to None (1).
        signatures: Signatures of the SavedModel. Defaults to `"auto"`.
        overwrite: Whether variants that are there may be replaced. Defaults to False.
        progress: `f(message)`, told what is done next. Defaults to None.
        streaming: Whether the step of a stream is written too, in the same formats. Defaults to
            False.
        chunk_size: Vectors in each step of the stream. Defaults to None, see `streaming`.
        attention: Of the ONNX files, see `to_onnx`. Defaults to `"fused"`.
        precisions: Of the ONNX files of whole inputs, one file each; a stream's step is float32.
            Defaults to float32 alone.
        opset: Of the ONNX files, see `to_onnx`. Defaults to None.
        eval_split: `training.Split` on which the task's metric of each new variant must be that of
            the Keras model. Defaults to None (it is not measured).
        eval_tolerance: How much worse a variant may be there, in parts of 1. Defaults to 0.01.

    Returns:
        The `Report` of the verification of the new variants.
    """
    wanted = [
        _variant(format_name, version, streams, precision)
        for streams in ((False, True) if streaming else (False,))
        for format_name in formats
        for precision in (precisions if format_name == "onnx" and not streams else ("float32",))
    ]
    options = {"signatures": signatures, "attention": attention, "opset": opset}
    evaluation = None if eval_split is None else (eval_split, eval_tolerance)
    return _export(model, path, wanted, options, chunk_size, overwrite, progress, evaluation)


class _Variant(NamedTuple):
    """What is to be written: its path in the artefact, format and precision, whether it steps."""

    name: str
    format: str
    streams: bool
    precision: str


def _export(model, path, wanted, options, chunk_size, overwrite, progress, evaluation=None):
    path = Path(path).expanduser()
    names = [variant.name for variant in wanted]
    progress = progress or (lambda message: None)
    served = as_served(model)
    streams = any(variant.streams for variant in wanted)
    stream = ServedStream(served, chunk_size) if streams else None
    fingerprint = fingerprint_of(served)
    _check_target(path, names, fingerprint, overwrite)
    metric = None
    if evaluation is not None:
        progress("evaluating the Keras model")
        metric = TaskMetric.of(model, *evaluation, served)
    with staging_folder(path) as folder:
        progress("sampling the Keras model")
        files = _write_common_files(served, folder)
        variants = {}
        for variant in wanted:
            progress(f"writing {variant.name}")
            (folder / variant.name).parent.mkdir(exist_ok=True)
            if variant.streams:
                written = _write_stream(served, stream, folder, variant, options)
            else:
                written = _WRITERS[variant.format](
                    served, folder / variant.name, precision=variant.precision, **options
                )
            parts = _parts(variant.name, written)
            listed = [file for part in parts for file in _files_below(folder, part)]
            variants[variant.name] = {**written, "files": checksums(folder, listed)}
        manifest = _manifest(served, fingerprint, variants, files)
        write_json(folder / MANIFEST_FILE, manifest)
        progress(f"verifying {' and '.join(names)}")
        report = verify(folder, metric=metric)
        with _lock(path):
            _check_target(path, names, fingerprint, overwrite)
            _move_in(folder, path, manifest, report)
    return type(report)(path, report.checks)


def _variant(format_name, version, streams=False, precision="float32"):
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
        return _Variant(f"{folder}/{version}", format_name, streams, precision)
    file = "model.streaming.onnx" if streams else onnx_file(precision)
    return _Variant(f"onnx/{file}", format_name, streams, precision)


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
        "inputs": [_spec(spec) for spec in stream.inputs],
        "outputs": [_spec(spec) for spec in stream.outputs],
        "samples": samples,
    }


def _parts(name, variant):
    """Returns what of an artefact belongs to a variant alone: itself, and what is beside it."""
    beside = [f"{name}{DATA_SUFFIX}"] if "data" in variant else []
    return [name, *beside, *([variant["samples"]] if "samples" in variant else [])]


def _write_common_files(served, folder):
    """Writes what all variants share and returns its checksums."""
    write_samples(served, folder / SAMPLES_FOLDER)
    if served.labels:
        (folder / LABELS_FILE).write_text("".join(f"{label}\n" for label in served.labels), "utf-8")
    if served.preprocessor is not None:
        served.preprocessor.save(folder)
    return _common_checksums(folder)


def _common_checksums(folder):
    present = [name for name in _COMMON_FILES if (folder / name).exists()]
    return checksums(folder, [file for name in present for file in _files_below(folder, name)])


def _files_below(folder, name):
    start = folder / name
    files = [start] if start.is_file() else [file for file in start.rglob("*") if file.is_file()]
    return sorted(file.relative_to(folder).as_posix() for file in files)


def _manifest(served, fingerprint, variants, files):
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "architecture": served.architecture,
        "task": served.task.name,
        "config": served.config.to_dict(),
        "labels": served.labels,
        "parameters": served.model.count_params(),
        "fingerprint": fingerprint,
        "inputs": [_spec(spec) for spec in served.inputs],
        "outputs": [_spec(spec) for spec in served.outputs],
        "training": served.training,
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("attnzoo", "keras", "tf2onnx", "onnx", "onnxruntime")
        }
        | {"tensorflow": _tensorflow_version()},
        "variants": variants,
        "files": files,
    }


def _tensorflow_version():
    import tensorflow as tf

    return tf.__version__


def _spec(spec):
    return {**spec.__dict__, "shape": list(spec.shape)}


# === Into place ===


def _check_target(path, names, fingerprint, overwrite):
    """Raises unless the variants may be written to the artefact at `path`."""
    if not (path / MANIFEST_FILE).exists():
        if path.exists() and (not path.is_dir() or _foreign_files(path)):
            raise FileExistsError(
                "Expected a new folder, an empty one or an artefact to export to. "
                f"Received: {path}, which holds something else"
            )
        return
    artefact = Artefact.open(path)
    existing = [name for name in names if name in artefact.variants]
    if existing and not overwrite:
        raise FileExistsError(
            f"Expected no {' and no '.join(existing)} in {path}; choose another folder or pass "
            "`overwrite=True` (`--overwrite` on the command line)."
        )
    others = sorted(set(artefact.variants) - set(names))
    if others and artefact.manifest["fingerprint"] != fingerprint:
        raise ValueError(
            f"Expected {path} to hold exports of this very model, as one artefact is one model; "
            f"choose another folder. Received: one that holds {others} of another model"
        )


def _foreign_files(path):
    """Returns what is in a folder without a manifest and is not left from a killed export."""
    folders = {*FORMATS, *_STREAM_FOLDERS, SERVING_FOLDER}
    ours = {*folders, *_COMMON_FILES, VERIFY_FILE, README_FILE, ".lock"}
    return [
        file
        for file in path.iterdir()
        if file.name not in ours and not file.name.startswith(".partial-")
    ]


@contextlib.contextmanager
def _lock(path):
    from filelock import FileLock

    path.mkdir(exist_ok=True)
    with FileLock(path / ".lock"):
        yield


def _move_in(folder, path, manifest, report):
    """Moves a verified artefact from its staging folder to its place, the manifest last.

    The process may end after any line of this, and what the manifest lists is whole all the same.
    """
    for file in path.glob(".partial-*"):  # Of a process that ended here: we hold the lock.
        file.unlink()
    new, common = manifest["variants"], _COMMON_FILES
    old, others, other_checks = None, {}, []
    if (path / MANIFEST_FILE).exists():
        old = Artefact.open(path)
        others = {name: value for name, value in old.variants.items() if name not in new}
        old_report = json.loads((path / VERIFY_FILE).read_text(encoding="utf-8"))
        other_checks = [check for check in old_report["checks"] if check["variant"] in others]
        if others and _common_checksums(path) == old.manifest["files"]:
            # They are of this very model: what all share is there already, and stays.
            common = ()
            manifest = {**manifest, "files": old.manifest["files"]}
    manifest = {**manifest, "variants": {**others, **new}}
    requests = example_requests(manifest, get_task(manifest["task"]), folder / SAMPLES_FOLDER)

    # From here until the end, only the variants that stay count.
    if old is not None:
        if not others:
            (path / MANIFEST_FILE).unlink()
        elif len(others) < len(old.variants) or common:
            write_json(path / MANIFEST_FILE, {**old.manifest, "variants": others})
        for name in old.variants.keys() - others.keys():
            for part in _parts(name, old.variants[name]):
                _set_aside(path / part, folder)
    for part in (part for name in new for part in _parts(name, new[name])):
        (path / part).parent.mkdir(exist_ok=True)
        _replace(folder / part, path / part)
    for file in common:
        if (folder / file).exists():
            _replace(folder / file, path / file)
    checks = [*other_checks, *report.to_dict()["checks"]]
    write_json(path / VERIFY_FILE, {**report.to_dict(), "checks": checks})
    (folder / README_FILE).write_text(artefact_readme(manifest, requests), encoding="utf-8")
    write_serving_files(folder, manifest, requests)
    for file in (README_FILE, SERVING_FOLDER):
        _replace(folder / file, path / file)
    write_json(path / MANIFEST_FILE, manifest)


def _replace(source, target):
    """Moves a file or a folder to its place; what was there is never there by half."""
    if target.is_dir():
        _set_aside(target, source.parent)
    os.replace(source, target)


def _set_aside(path, folder):
    """Moves what is no longer wanted into a folder that is about to be removed."""
    if path.exists():
        os.replace(path, folder / f"{path.name}.replaced-{uuid.uuid4().hex}")
