"""What training does for each task: where data come from, batches, recipes and metrics.

`zoo.tasks` says what a model of a task takes and answers; these say how one is made.
"""

from .graph_classification import GraphClassificationTraining
from .image_classification import ImageClassificationTraining
from .speech_recognition import SpeechRecognitionTraining
from .text_classification import TextClassificationTraining
from .token_classification import TokenClassificationTraining

__all__ = ["TRAINING_TASKS", "get_training_task"]

TRAINING_TASKS = {
    task.name: task
    for task in (
        GraphClassificationTraining(),
        ImageClassificationTraining(),
        SpeechRecognitionTraining(),
        TextClassificationTraining(),
        TokenClassificationTraining(),
    )
}


def get_training_task(name):
    """Returns what training does for the task of this name.

    Raises:
        ValueError: If there is none.
    """
    if name not in TRAINING_TASKS:
        raise ValueError(
            "Received an unknown task, expected one of "
            f"{sorted(TRAINING_TASKS)}. Received: task={name!r}"
        )
    return TRAINING_TASKS[name]
