"""ONNX files of fewer bits, made of the float32 one."""

import graphlib
import tempfile
from pathlib import Path

import numpy as np

from .large_models import put_in, save
from .quiet import quiet

# The largest number of float16; and what stands for larger ones, such as those that masks put in
# place of scores, with room for a score to be added.
_LARGEST_HALF = 65504.0
_LARGE_HALF = 3e4
# What has no float16 in ONNX Runtime: reductions of what is scattered, as over the edges of graphs.
_FLOAT32_OPERATORS = ("ScatterND", "ScatterElements")


def in_precision(model, precision, weights, exact_nodes):
    """Returns an ONNX model in another precision; what goes in and comes out stays float32.

    Args:
        model: `onnx.ModelProto` in float32.
        precision: One of `formats.PRECISIONS`.
        weights: Those that are its inputs, and become constants, see `large_weights`.
        exact_nodes: Names of nodes that stay in float32, as fewer bits are too coarse for them.
    """
    return _CONVERSIONS[precision](model, weights, exact_nodes)


def _float32(model, weights, exact_nodes):
    put_in(model, weights)
    return model


def _float16(model, weights, exact_nodes):
    """Halves weights and activations."""
    from onnxruntime.transformers import float16

    _make_masks_finite(model)
    kept = [value.name for value in (*model.graph.input, *model.graph.output)]
    model = float16.convert_float_to_float16(
        model,
        keep_io_types=[name for name in kept if name not in weights],
        op_block_list=[*float16.DEFAULT_OP_BLOCK_LIST, *_FLOAT32_OPERATORS],
        node_block_list=list(exact_nodes),
    )
    _stay_exact(model.graph)
    _sort(model.graph)
    put_in(model, weights)
    return model


def _make_masks_finite(model):
    """Brings constants, and what masked scores become, within what half precision can hold."""
    import onnx

    for value in model.graph.initializer:
        if value.data_type == onnx.TensorProto.FLOAT:
            array = onnx.numpy_helper.to_array(value)
            too_large = np.abs(array) > _LARGEST_HALF
            if too_large.any():
                array = np.where(too_large, np.sign(array) * _LARGE_HALF, array)
                value.CopyFrom(onnx.numpy_helper.from_array(array.astype("float32"), value.name))
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "mask_filter_value":
                attribute.f = -_LARGE_HALF


def _stay_exact(graph):
    """Hands what is in float32 to who wants it in float32, without making it half on the way.

    The converter casts after each node that stays exact, and back before the next.
    """
    casts = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Cast"}
    halved = {
        half: exact
        for half, exact in casts.items()
        if exact.endswith("_cast_to_fp16") or half.startswith("graph_input_cast_")
    }
    exact = {
        output: halved[half]
        for output, half in casts.items()
        if output.endswith("_cast_to_fp32") and half in halved
    }
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = exact.get(name, name)
    used = {name for node in graph.node for name in _taken(node)}
    used.update(value.name for value in graph.output)
    kept = [node for node in graph.node if used.intersection(node.output)]
    del graph.node[:]
    graph.node.extend(kept)


def _sort(graph):
    """Puts the nodes of a graph into an order in which each comes after what it takes.

    The converter appends the casts that it makes.
    """
    nodes = list(graph.node)
    made_by = {name: place for place, node in enumerate(nodes) for name in node.output}
    order = graphlib.TopologicalSorter(
        {
            place: [made_by[name] for name in _taken(node) if name in made_by]
            for place, node in enumerate(nodes)
        }
    )
    del graph.node[:]
    graph.node.extend(nodes[place] for place in order.static_order())


def _taken(node):
    """Yields the names of what a node takes, those of the graphs inside it too."""
    yield from filter(None, node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from _taken(inner)


def _int8(model, weights, exact_nodes):
    """Quantises matrices and embeddings by channel; activations are quantised as they come."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    put_in(model, weights)
    with tempfile.TemporaryDirectory() as folder, quiet("root"):
        exact, path = Path(folder) / "float32.onnx", Path(folder) / "model.onnx"
        save(model, exact)
        model.Clear()  # Large models would be in memory twice.
        quantize_dynamic(
            exact,
            path,
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
            nodes_to_exclude=list(exact_nodes),
            per_channel=True,
            weight_type=QuantType.QInt8,
            use_external_data_format=bool(weights),
        )
        return onnx.load(path)


_CONVERSIONS = {"float32": _float32, "float16": _float16, "int8": _int8}
