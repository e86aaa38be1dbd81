"""An ONNX file of an artefact: valid, named as the manifest says, small, and right."""

import functools
import math
from collections import Counter

import onnx

from .checking import check, check_weights_size, compare_in_precision
from .comparison import Failure
from .engines import OnnxEngine
from .exported_stream import ExportedStream
from .stream_verification import stream_checks


def onnx_checks(artefact, name):
    """Yields the checks of an ONNX file of whole inputs.

    Args:
        artefact: `Artefact`.
        name: The variant's.
    """
    path = artefact.path / name
    yield from _file_checks(artefact, name)
    variant = artefact.variants[name]
    for optimized in (False, True):
        what = f"answers, graph optimisations {'on' if optimized else 'off'}"

        def answers(optimized=optimized):
            return compare_in_precision(artefact, variant, OnnxEngine(path, optimized).run)

        yield check(name, what, answers)


def onnx_stream_checks(artefact, name):
    """Yields the checks of an ONNX file of a stream's step, see `onnx_checks`."""
    yield from _file_checks(artefact, name)
    for optimized in (False, True):
        stream = functools.cache(lambda o=optimized: ExportedStream(artefact, name, o))
        state = "on" if optimized else "off"
        yield from stream_checks(artefact, name, stream, f"graph optimisations {state}")


def _file_checks(artefact, name):
    path, variant = artefact.path / name, artefact.variants[name]
    # Read by the first check that asks; where that fails, each check says so.
    model = functools.cache(lambda: onnx.load(path, load_external_data=False))
    yield check(name, "ONNX checker", lambda: _check_model(path, model()))
    yield check(
        name,
        "names and dimensions",
        lambda: _check_names(model().graph, *artefact.tensors(name)),
    )
    yield check(name, "operators", lambda: _check_operators(model().graph, variant))
    yield check(
        name,
        "weights stored once",
        lambda: _check_size(artefact, model().graph.initializer, variant),
    )


def _check_model(path, model):
    onnx.checker.check_model(str(path), full_check=True)
    domains = sorted({opset.domain or "ai.onnx" for opset in model.opset_import})
    return f"{len(model.graph.node)} nodes of {', '.join(domains)}"


def _check_names(graph, inputs, outputs):
    for values, specs in ((graph.input, inputs), (graph.output, outputs)):
        received = [_signature_of(value) for value in values]
        expected = [(spec["name"], spec["dtype"], tuple(spec["shape"])) for spec in specs]
        if received != expected:
            raise Failure(f"expected {expected}, received {received}")
    names = [spec["name"] for spec in (*inputs, *outputs)]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more


def _check_operators(graph, variant):
    expected = variant.get("fused", {})
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
    tensor = value.type.tensor_type
    shape = tuple(d.dim_param or d.dim_value for d in tensor.shape.dim)
    return value.name, onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name, shape


def _check_size(artefact, initializers, variant):
    constants = variant.get("constant_bytes", 0)
    sizes = [(math.prod(value.dims), _bytes_each(value)) for value in initializers]
    size = sum(count * each for count, each in sizes)
    precision = variant.get("precision", "float32")
    if precision == "int8":
        # As many numbers as there are parameters, whatever each takes.
        check_weights_size(artefact, 4 * sum(count for count, _ in sizes), constants)
        return f"{size:,} bytes for {artefact.manifest['parameters']:,} parameters"
    each = {"float32": 4, "float16": 2}[precision]
    return check_weights_size(artefact, size, constants, each)


def _bytes_each(initializer):
    return onnx.helper.tensor_dtype_to_np_dtype(initializer.data_type).itemsize
