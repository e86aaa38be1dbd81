"""Tasks: what goes in, what comes out, whatever the architecture (imports no Keras).

A task says how raw inputs become tensors, which tensors an exported artefact takes and returns, and
how logits become predictions. Architectures name their task; pipelines, training and export ask it.
"""

from .graph_classification import GraphClassification
from .image_classification import ImageClassification
from .interface import TensorSpec
from .speech_recognition import SpeechRecognition
from .tensors import Tensors
from .text_classification import TextClassification
from .token_classification import TokenClassification

__all__ = [
    "TASKS",
    "GraphClassification",
    "ImageClassification",
    "SpeechRecognition",
    "TensorSpec",
    "TextClassification",
    "TokenClassification",
    "get_task",
]

TASKS = {
    task.name: task
    for task in (
        GraphClassification(),
        ImageClassification(),
        SpeechRecognition(),
        TextClassification(),
        TokenClassification(),
    )
}


def get_task(name):
    """Returns the task of this name.

    Raises:
        ValueError: If there is none.

    Example:
    >>> get_task("text_classification").raw_input
    'text'
    """
    if name == Tensors.name:  # Of models that are not of the zoo: no architecture has it.
        return Tensors()
    if name not in TASKS:
        raise ValueError(
            f"Received an unknown task, expected one of {sorted(TASKS)}. Received: task={name!r}"
        )
    return TASKS[name]
