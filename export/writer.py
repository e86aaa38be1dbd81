"""Writing artefacts: staged beside the target, verified there, then moved in, the manifest last."""

import importlib.metadata
from pathlib import Path

from ..zoo.files import checksums, staging_folder, write_json
from ..zoo.versions import own_version
from .artefact import FORMAT, FORMAT_VERSION, MANIFEST_FILE
from .common_files import files_below, write_common_files
from .fingerprint import fingerprint_of
from .formats import FORMATS
from .placing import check_target, locked, move_in
from .served_stream import ServedStream
from .sources import as_served
from .task_metric import TOLERANCE, TaskMetric
from .variants import parts_of, variant_of, write_variant
from .verification import verify

# What wrote the files, besides TensorFlow, whose package has several names.
_PACKAGES = ("keras", "tf2onnx", "onnx", "onnxruntime")


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
    wanted = [variant_of(format, version, streams=True)]
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
        variant_of(format_name, version, streams, precision)
        for streams in ((False, True) if streaming else (False,))
        for format_name in formats
        for precision in (precisions if format_name == "onnx" and not streams else ("float32",))
    ]
    options = {"signatures": signatures, "attention": attention, "opset": opset}
    evaluation = None if eval_split is None else (eval_split, eval_tolerance)
    return _export(model, path, wanted, options, chunk_size, overwrite, progress, evaluation)


def _export(model, path, wanted, options, chunk_size, overwrite, progress, evaluation=None):
    path = Path(path).expanduser()
    names = [variant.name for variant in wanted]
    progress = progress or (lambda message: None)
    served = as_served(model)
    streams = any(variant.streams for variant in wanted)
    stream = ServedStream(served, chunk_size) if streams else None
    fingerprint = fingerprint_of(served)
    check_target(path, names, fingerprint, overwrite)
    metric = None
    if evaluation is not None:
        progress("evaluating the Keras model")
        metric = TaskMetric.of(model, *evaluation, served)
    with staging_folder(path) as folder:
        progress("sampling the Keras model")
        files = write_common_files(served, folder)
        variants = {}
        for variant in wanted:
            progress(f"writing {variant.name}")
            written = write_variant(served, stream, folder, variant, options)
            parts = parts_of(variant.name, written)
            listed = [file for part in parts for file in files_below(folder, part)]
            variants[variant.name] = {**written, "files": checksums(folder, listed)}
        manifest = _manifest(served, fingerprint, variants, files)
        write_json(folder / MANIFEST_FILE, manifest)
        progress(f"verifying {' and '.join(names)}")
        report = verify(folder, metric=metric)
        with locked(path):
            check_target(path, names, fingerprint, overwrite)
            move_in(folder, path, manifest, report)
    return type(report)(path, report.checks)


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
        "inputs": [spec.to_dict() for spec in served.inputs],
        "outputs": [spec.to_dict() for spec in served.outputs],
        "training": served.training,
        "versions": {
            **own_version(),
            **{name: importlib.metadata.version(name) for name in _PACKAGES},
            "tensorflow": _tensorflow_version(),
        },
        "variants": variants,
        "files": files,
    }


def _tensorflow_version():
    import tensorflow as tf

    return tf.__version__
