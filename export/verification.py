"""`verify`: runs every variant of an artefact against the samples of the model it came from.

The engines know nothing of our code; the samples were answered by the Keras model.
"""

from ..zoo.files import check_files
from .artefact import LABELS_FILE, MANIFEST_FILE, Artefact
from .checking import check
from .comparison import Failure
from .formats import ENGINES
from .further_engines import engine_checks
from .onnx_verification import onnx_checks, onnx_stream_checks
from .report import Report, VerificationError
from .savedmodel_verification import savedmodel_checks, savedmodel_stream_checks


def verify(path, engines=(), metric=None):
    """Verifies an artefact: files, names, sizes, and answers equal to those of the Keras model.

    Args:
        path: The artefact's folder, as `to_savedmodel` or `to_onnx` wrote it.
        engines: What is to run it besides ONNX Runtime and TensorFlow in Python. SavedModels:
            `"c_library"`, a program of C on TensorFlow's own library, built on the spot, and
            `"tfserving"`, TF Serving itself (`tensorflow_model_server`, or its image in docker),
            asked over REST and gRPC. ONNX files: `"openvino"`, and `"onnxruntime_web"`, the
            WebAssembly of browsers in Node.js. Where one cannot be run, its check says so and has
            not passed. Defaults to `()`.
        metric: `TaskMetric` of the model that was exported, on labelled data: no variant may be
            worse by more than its tolerance. Defaults to None (it is not measured).

    Returns:
        `Report`, of which no check failed.

    Raises:
        FileNotFoundError: If there is no artefact.
        ValueError: If an engine is unknown, or the metric is of another model.
        VerificationError: If a check fails; its `report` says which.
    """
    unknown = set(engines) - set(ENGINES)
    if unknown:
        raise ValueError(
            f"Received unknown `engines`, expected some of {list(ENGINES)}. Received: {engines!r}"
        )
    artefact = Artefact.open(path)
    if metric is not None:
        metric.check_is_of(artefact)
    whole = []
    checks = [check("artefact", "files", lambda: _check_common_files(artefact))]
    checks.append(check("artefact", "variants", lambda: _check_variants(artefact)))
    if all(made.passed for made in checks):
        for name, variant in artefact.variants.items():
            checks.append(check(name, "files", lambda v=variant: _check_variant_files(artefact, v)))
            if checks[-1].passed:
                of_format = _CHECKS[variant["format"]]["streaming" in variant]
                checks.extend(of_format(artefact, name))
                whole.append(name)
        for engine in engines:
            checks.extend(engine_checks(engine, artefact, whole))
        if metric is not None:
            checks.extend(metric.checks(artefact, whole))
    report = Report(artefact.path, checks)
    if not report.passed:
        raise VerificationError(report)
    return report


def _check_common_files(artefact):
    check_files(artefact.path, artefact.manifest["files"])
    labels = artefact.manifest["labels"]
    listed = "".join(f"{name}\n" for name in labels)
    if labels and (artefact.path / LABELS_FILE).read_text("utf-8") != listed:
        raise Failure(
            f"expected the labels of {MANIFEST_FILE} to be those of {LABELS_FILE}, "
            f"received {labels}"
        )
    return f"{len(artefact.manifest['files'])} files as they were written"


def _check_variants(artefact):
    if not artefact.variants:
        raise Failure("expected a SavedModel or an ONNX file, received none")
    return ", ".join(artefact.variants)


def _check_variant_files(artefact, variant):
    check_files(artefact.path, variant["files"])
    size = sum(file["bytes"] for file in variant["files"].values())
    return f"{size / 1e6:.1f} MB as they were written"


# Format -> of whole inputs, of a stream's step.
_CHECKS = {
    "onnx": (onnx_checks, onnx_stream_checks),
    "savedmodel": (savedmodel_checks, savedmodel_stream_checks),
}
