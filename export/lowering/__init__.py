"""Lowering: while a model is traced for ONNX, layers call fused operators instead of formulas.

Layers know nothing of it: `table.TABLE` says what each class calls, `lowered` rebinds the `call` of
every such layer of a model and restores it, and `markers` carries an operator through TensorFlow's
graph to tf2onnx.
"""

from .context import Lowering, lowered
from .markers import OPERATOR_HANDLERS, OPERATOR_SETS, STANDARD

__all__ = ["OPERATOR_HANDLERS", "OPERATOR_SETS", "STANDARD", "Lowering", "lowered"]
