"""`verify`: runs every variant of an artefact against the samples of the model it came from.

The engines know nothing of our code; the samples were answered by the Keras model.
"""

import functools
import math
from collections import Counter

import numpy as np

from ..zoo.files import check_files
from . import classification
from .artefact import LABELS_FILE, MANIFEST_FILE, SAMPLES_FOLDER, Artefact
from .checking import check, compare_in_precision, signature_answers
from .comparison import Failure, compare
from .engines import OnnxEngine, SavedModelEngine
from .exported_stream import ExportedStream
from .formats import ENGINES
from .further_engines import engine_checks
from .report import Report, VerificationError
from .samples import read_samples
from .serving_files import is_padded_by_servers
from .stream_verification import check_state_matters, check_stream_answers, check_streams_apart
from .warmup import WARM_UP_FILE, read_warm_up

# What the stored weights may exceed 4 bytes a parameter by: names, shapes, small constants.
_SLACK = 0.02
_SLACK_BYTES = 16_384
PREDICT_METHOD = "tensorflow/serving/predict"


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
                checks.extend(_verifier(variant)(artefact, name))
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


# === ONNX ===


def _verify_onnx(artefact, name):
    path = artefact.path / name
    yield from _verify_onnx_file(artefact, name)
    variant = artefact.variants[name]
    for optimized in (False, True):
        what = f"answers, graph optimisations {'on' if optimized else 'off'}"

        def answers(optimized=optimized):
            return compare_in_precision(artefact, variant, OnnxEngine(path, optimized).run)

        yield check(name, what, answers)


def _verify_onnx_file(artefact, name):
    path = artefact.path / name
    yield check(name, "ONNX checker", lambda: _check_onnx_file(path))
    yield check(name, "names and dimensions", lambda: _check_onnx_names(artefact, name))
    yield check(name, "operators", lambda: _check_onnx_operators(artefact, name))
    yield check(name, "weights stored once", lambda: _check_onnx_size(artefact, name))


def _check_onnx_file(path):
    import onnx

    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path, load_external_data=False)
    domains = sorted({opset.domain or "ai.onnx" for opset in model.opset_import})
    return f"{len(model.graph.node)} nodes of {', '.join(domains)}"


def _check_onnx_names(artefact, name):
    import onnx

    graph = onnx.load(artefact.path / name, load_external_data=False).graph
    inputs, outputs = artefact.tensors(name)
    for values, specs in ((graph.input, inputs), (graph.output, outputs)):
        received = [_signature_of(value) for value in values]
        expected = [(spec["name"], spec["dtype"], tuple(spec["shape"])) for spec in specs]
        if received != expected:
            raise Failure(f"expected {expected}, received {received}")
    names = [spec["name"] for spec in (*inputs, *outputs)]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more


def _check_onnx_operators(artefact, name):
    import onnx

    variant = artefact.variants[name]
    expected = variant.get("fused", {})
    graph = onnx.load(artefact.path / name, load_external_data=False).graph
    counts = Counter(node.op_type for node in graph.node)
    received = {operator: counts[operator] for operator in expected}
    if received != expected:
        raise Failure(f"expected {_listed(expected)}, received {_listed(received)}")
    unfused = (
        f"; {how} {_listed(variant[key])}"
        for key, how in (
            ("decomposed", "by their own formula"),
            ("others", "converted as they are"),
        )
        if variant.get(key)
    )
    return "".join([_listed(expected) or "none fused", *unfused])


def _listed(counts):
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _signature_of(value):
    import onnx

    tensor = value.type.tensor_type
    shape = tuple(d.dim_param or d.dim_value for d in tensor.shape.dim)
    return value.name, onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name, shape


def _check_onnx_size(artefact, name):
    import onnx

    variant = artefact.variants[name]
    initializers = onnx.load(artefact.path / name, load_external_data=False).graph.initializer
    constants = variant.get("constant_bytes", 0)
    sizes = [(math.prod(value.dims), _bytes_each(value)) for value in initializers]
    size = sum(count * each for count, each in sizes)
    precision = variant.get("precision", "float32")
    if precision == "int8":
        # As many numbers as there are parameters, whatever each takes.
        _compare_size(artefact, 4 * sum(count for count, _ in sizes), constants)
        return f"{size:,} bytes for {artefact.manifest['parameters']:,} parameters"
    return _compare_size(artefact, size, constants, each={"float32": 4, "float16": 2}[precision])


def _bytes_each(initializer):
    import onnx

    return onnx.helper.tensor_dtype_to_np_dtype(initializer.data_type).itemsize


def _compare_size(artefact, size, constants=0, each=4):
    expected = each * artefact.manifest["parameters"]
    limit = expected * (1 + _SLACK) + _SLACK_BYTES + constants
    if size > limit:
        raise Failure(
            f"expected about {expected:,} bytes of weights, {each} for each parameter, and "
            f"{constants:,} of constants, received {size:,}"
        )
    return f"{size:,} bytes for {artefact.manifest['parameters']:,} parameters"


# === SavedModel ===


def _verify_savedmodel(artefact, name):
    folder = artefact.path / name
    signatures = artefact.variants[name]["signatures"]
    # Loaded by the first check that asks; where that fails, each check says so.
    engine = functools.cache(lambda: SavedModelEngine(folder))
    yield check(name, "signatures", lambda: _check_signatures(engine(), signatures))
    yield check(name, "weights stored once", lambda: _check_savedmodel_size(artefact, folder))
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


def _check_savedmodel_size(artefact, folder):
    size = sum(path.stat().st_size for path in (folder / "variables").iterdir())
    return _compare_size(artefact, size)


# === Streams ===


def _verify_onnx_stream(artefact, name):
    yield from _verify_onnx_file(artefact, name)
    for optimized in (False, True):
        stream = functools.cache(lambda o=optimized: ExportedStream(artefact, name, o))
        state = "on" if optimized else "off"
        yield from _verify_stream(artefact, name, stream, f"graph optimisations {state}")


def _verify_savedmodel_stream(artefact, name):
    folder, signatures = artefact.path / name, artefact.variants[name]["signatures"]
    engine = functools.cache(lambda: SavedModelEngine(folder))
    yield check(name, "signatures", lambda: _check_signatures(engine(), signatures))
    yield check(name, "weights stored once", lambda: _check_savedmodel_size(artefact, folder))
    stream = functools.cache(lambda: ExportedStream(artefact, name))
    yield from _verify_stream(artefact, name, stream, "a TensorFlow 1 session")


def _verify_stream(artefact, name, stream, engine):
    samples = artefact.path / artefact.variants[name]["samples"]
    for what, function in (
        ("streams as whole recordings", lambda: check_stream_answers(stream(), samples)),
        ("streams side by side", lambda: check_streams_apart(stream())),
        ("state lost", lambda: check_state_matters(stream(), samples)),
    ):
        yield check(name, f"{what}, {engine}", function)


def _verifier(variant):
    return _VERIFIERS[variant["format"]]["streaming" in variant]


# Format -> of whole inputs, of a stream's step.
_VERIFIERS = {
    "onnx": (_verify_onnx, _verify_onnx_stream),
    "savedmodel": (_verify_savedmodel, _verify_savedmodel_stream),
}
