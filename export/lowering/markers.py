"""Markers: nodes of a TensorFlow graph that become one ONNX operator each.

TensorFlow has no such operators, so a marker is a Python function's node that is never run: what it
stands for is written in its token, where tf2onnx's handler finds it.
"""

import contextlib
import contextvars
import json
from collections import Counter

import numpy as np
import tensorflow as tf
from onnx import TensorProto, helper

MICROSOFT = "com.microsoft"
# Of operators of the standard that are newer than what tf2onnx writes, until it has written.
STANDARD = "attnzoo.standard"
OPERATOR_SETS = [helper.make_opsetid(domain, 1) for domain in (MICROSOFT, STANDARD)]
_PREFIX = "attnzoo:"
_counts = contextvars.ContextVar("counts")


@contextlib.contextmanager
def counted_marks():
    """Yields a `Counter` of the operators that are marked inside."""
    counts = Counter()
    token = _counts.set(counts)
    try:
        yield counts
    finally:
        _counts.reset(token)


def mark(operator, inputs, shape, domain="", **attributes):
    """Returns the float32 output of an ONNX operator, as a tensor of a graph that is being traced.

    Args:
        operator: Such as `"LayerNormalization"`.
        inputs: Tensors, or None for an optional input that is left out.
        shape: Static shape of the output, None for sizes that are not known.
        domain: The operator's. Defaults to `""`, that of ONNX itself.
        **attributes: Of the operator.
    """
    _counts.get()[operator] += 1
    inputs = list(inputs)
    while inputs[-1] is None:  # An input that is named as left out, last, ends ONNX Runtime.
        inputs.pop()
    given = [tf.convert_to_tensor(value) for value in inputs if value is not None]
    described = {
        "operator": operator,
        "domain": domain,
        "attributes": attributes,
        "given": [value is not None for value in inputs],
        "shape": [-1 if size is None else size for size in shape],
    }
    token = _PREFIX + json.dumps(described)
    output = tf.raw_ops.PyFuncStateless(input=given, token=token, Tout=[tf.float32])[0]
    return tf.ensure_shape(output, shape)


def _to_operator(context, node, name, _):
    """Replaces a marker by its operator: what tf2onnx calls for each."""
    token = node.get_attr_value("token")
    token = token.decode("utf-8") if isinstance(token, bytes) else token
    described = json.loads(token.removeprefix(_PREFIX))
    inputs, (output,) = iter(list(node.input)), node.output
    context.remove_node(node.name)
    context.make_node(
        described["operator"],
        [next(inputs) if is_given else "" for is_given in described["given"]],
        attr=described["attributes"],
        outputs=[output],
        shapes=[described["shape"]],
        dtypes=[TensorProto.FLOAT],
        name=name,
        domain=described["domain"],
    )


def _to_erf(context, node, name, _):
    """Replaces TensorFlow's `Erfc`, of which exact GELU is made, by 1 - Erf."""
    (states,), (output,) = list(node.input), node.output
    shape, dtype = context.get_shape(output), context.get_dtype(output)
    context.remove_node(node.name)
    erf = context.make_node("Erf", [states], shapes=[shape], dtypes=[dtype]).output[0]
    one = context.make_const(f"{name}_one", np.ones((), helper.tensor_dtype_to_np_dtype(dtype)))
    context.make_node(
        "Sub", [one.output[0], erf], outputs=[output], shapes=[shape], dtypes=[dtype], name=name
    )


# What tf2onnx calls for TensorFlow's operators that it knows nothing of.
OPERATOR_HANDLERS = {"PyFuncStateless": (_to_operator, []), "Erfc": (_to_erf, [])}
