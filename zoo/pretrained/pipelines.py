"""A checkpoint's folder as a pipeline: the model with its tokenizer or its pixels' scale."""

from ..builder import config_of
from ..pipeline import Pipeline
from .loading import Checkpoint


def load_pipeline(path, architecture=None):
    """Loads a checkpoint's folder as a pipeline.

    Args:
        path: The folder, or what else `Checkpoint` takes.
        architecture: Name of an architecture of the zoo, such as `"sequence_tagger"`. Defaults to
            None (the one that the checkpoint's head is of).

    Returns:
        A `Pipeline`; one without labels, if the checkpoint has no head of this kind.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If something does not fit; nothing is loaded by half.
    """
    checkpoint = Checkpoint(path)
    architecture = architecture or checkpoint.architecture
    preprocessor = checkpoint.preprocessor(architecture)
    model, report = checkpoint.build(architecture)
    labels = checkpoint.labels if config_of(model).num_classes else []
    source = {"name": checkpoint.name, **report.to_dict()}
    del source["loaded"]
    return Pipeline(model, preprocessor, labels, training={"checkpoint": source})
