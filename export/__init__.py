"""attnzoo.export: SavedModel and ONNX, proven equal to the model (floor 4: imports training).

What needs TensorFlow is imported when first asked for; an ONNX file predicts without it.
"""

import importlib
from typing import TYPE_CHECKING

from .formats import FORMATS
from .report import Check, Report, VerificationError

if TYPE_CHECKING:
    from .exported_stream import load_stream
    from .inspection import inspect
    from .predictor import load
    from .task_metric import TaskMetric
    from .timing import bench
    from .verification import verify
    from .writer import streaming, to_artefact, to_onnx, to_savedmodel

__all__ = [
    "FORMATS",
    "Check",
    "Report",
    "TaskMetric",
    "VerificationError",
    "bench",
    "inspect",
    "load",
    "load_stream",
    "streaming",
    "to_artefact",
    "to_onnx",
    "to_savedmodel",
    "verify",
]

_LAZY = {
    "TaskMetric": "task_metric",
    "bench": "timing",
    "inspect": "inspection",
    "load": "predictor",
    "load_stream": "exported_stream",
    "streaming": "writer",
    "to_artefact": "writer",
    "to_onnx": "writer",
    "to_savedmodel": "writer",
    "verify": "verification",
}


def __getattr__(name):
    """Imports what needs TensorFlow on first use (PEP 562)."""
    if name in _LAZY:
        value = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
