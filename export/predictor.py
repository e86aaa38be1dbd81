"""Predictions from an exported file: the same `Predictor` as a pipeline, another engine."""

from ..zoo.predictor import Predictor
from .artefact import find
from .engines import OnnxEngine, SavedModelEngine


def load(path):
    """Loads an exported artefact to predict with; neither Keras nor our models are involved.

    Args:
        path: The artefact's folder (its ONNX file is taken if it has one), or one of its variants,
            such as `"dist/onnx/model.onnx"` or `"dist/savedmodel/1"`.

    Returns:
        `OnnxPredictor` or `SavedModelPredictor`, called as a pipeline is.

    Raises:
        FileNotFoundError: If there is no artefact, or no such variant in it.
        ValueError: If the artefact has no preprocessor, so that only tensors could go in.
    """
    artefact, name = find(path)
    needed = set(artefact.task.preprocessor_files)
    if artefact.raw_input is None or not needed <= set(artefact.manifest["files"]):
        raise ValueError(
            f"Expected an artefact with a preprocessor, which makes tensors of raw inputs; "
            f"export a pipeline instead of a bare model. Received: {artefact.path}"
        )
    return _PREDICTORS[artefact.variants[name]["format"]](artefact, name)


def is_artefact(path):
    """Returns whether `path` is an artefact's folder or one of its variants."""
    try:
        find(path, streaming=None)
    except (FileNotFoundError, ValueError):
        return False
    return True


class _ArtefactPredictor(Predictor):
    """What both have in common: task, preprocessor and labels come from the artefact."""

    def __init__(self, artefact):
        super().__init__(
            artefact.task,
            artefact.task.load_preprocessor(artefact.path, artefact.config),
            artefact.manifest["labels"],
        )


class OnnxPredictor(_ArtefactPredictor):
    """Predicts by the ONNX file, its tokenizer beside it.

    Args:
        artefact: `Artefact`.
        name: The variant's path in it.
    """

    def __init__(self, artefact, name):
        super().__init__(artefact)
        self._engine = OnnxEngine(artefact.path / name)

    def run(self, batch):
        """Returns the logits of one batch of `preprocessor.collate`."""
        return self._engine.run(self.task.tensors(batch), ["logits"])["logits"]


class SavedModelPredictor(_ArtefactPredictor):
    """Predicts by the SavedModel's own signature for raw inputs, where it has one.

    Args:
        artefact: `Artefact`.
        name: The variant's path in it.
    """

    def __init__(self, artefact, name):
        super().__init__(artefact)
        self._engine = SavedModelEngine(artefact.path / name)
        self._kinds = artefact.variants[name]["signatures"]

    def run(self, batch):
        """Returns the logits of one batch of `preprocessor.collate`."""
        signature = next(name for name, kind in self._kinds.items() if kind == "tensors")
        return self._engine.run(signature, self.task.tensors(batch), ["logits"])["logits"]

    def logits(self, inputs, batch_size=32):
        """Returns the logits of raw inputs, which the graph itself preprocesses."""
        served = self.task.served_kind
        signature = next((name for name, kind in self._kinds.items() if kind == served), None)
        inputs = self.preprocessor.checked(inputs)
        pairs = any(type(item) is tuple for item in inputs)  # The graph takes single texts.
        if signature is None or pairs:
            return super().logits(inputs, batch_size)

        def run_rows(rows):
            batch = self.task.served_batch([inputs[row] for row in rows])
            return self._engine.run(signature, batch, ["logits"])["logits"]

        rows = self._in_batches([len(item) for item in inputs], batch_size, run_rows)
        return self.task.collect(inputs, rows, len(self.labels))


_PREDICTORS = {"onnx": OnnxPredictor, "savedmodel": SavedModelPredictor}
