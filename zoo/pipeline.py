"""A pipeline: a model with what it needs to answer raw inputs, saved as one folder."""

import functools
from pathlib import Path

import keras
import numpy as np

from .builder import MODEL_FILE, architecture_of, config_of, load_model, model_file, rebuild
from .compact_file import COMPACT_FILE, write_compact_file
from .files import (
    check_files,
    checksums,
    is_checkpoint,
    move_files,
    read_manifest,
    staging_folder,
    write_json,
)
from .predictor import Predictor
from .registry import get_architecture, get_preset, list_presets
from .tasks import get_task
from .versions import own_version

FORMAT = "attnzoo.pipeline"
FORMAT_VERSION = 1
LABELS_FILE = "labels.txt"
MANIFEST_FILE = "manifest.json"


class Pipeline(Predictor):
    """A zoo model, its preprocessor and its labels: raw inputs in, predictions out.

    Args:
        model: A model built by `zoo.build`.
        preprocessor: What makes batches of raw inputs, such as `TextPreprocessor`.
        labels: Names of the classes, in the order of the logits.
        training: JSON-like dict on where the weights come from (data, seed, metrics), kept in the
            manifest. Defaults to None (unknown).

    Raises:
        ValueError: If the number of labels is not the model's number of classes.

    Example:
    ```python
    pipeline = zoo.load("runs/sst2")
    pipeline(["a gripping , funny film"])[0].label
    ```
    """

    def __init__(self, model, preprocessor, labels, training=None):
        super().__init__(
            get_task(get_architecture(architecture_of(model)).task), preprocessor, labels
        )
        self.model = model
        self.config = config_of(model)
        self.training = training or {}
        if len(self.labels) != self.config.num_classes:
            raise ValueError(
                "Expected one label for each class of the model. Received: "
                f"{len(self.labels)} labels {self.labels}, num_classes={self.config.num_classes}"
            )
        if getattr(self.config, "classifier_activation", None) is not None:
            raise ValueError(
                "Expected a model that returns logits, which a pipeline turns to probabilities; "
                "build it with `classifier_activation=None`. "
                f"Received: classifier_activation={self.config.classifier_activation!r}"
            )

    def run(self, batch):
        """Returns the model's outputs for one batch."""
        return self.model.predict_on_batch(batch)

    def embed(self, inputs, batch_size=32, normalize=False):
        """Returns the vectors that the head sees, float32.

        Args:
            inputs: List of raw inputs; a single one counts as a list.
            batch_size: Inputs that go through the model at once. Defaults to 32.
            normalize: Whether each vector is scaled to length 1. Defaults to False.

        Returns:
            `(len(inputs), hidden_dim)`, or, where each word or node has a label, a list with
            `(words, hidden_dim)` for each sentence, `(nodes, hidden_dim)` for each graph.
        """
        backbone = self._backbone
        vectors = self._outputs(
            inputs, backbone.output.shape[-1], batch_size, backbone.predict_on_batch
        )
        if not normalize:
            return vectors
        if isinstance(vectors, list):
            return [_unit(rows) for rows in vectors]
        return _unit(vectors)

    @functools.cached_property
    def _backbone(self):
        """A model of the same layers without the head."""
        head = [
            layer for layer in self.model.layers if layer.name in ("head_dense", "head_dropout")
        ]
        if not head:
            return self.model
        return type(self.model)(self.model.input, head[0].input)

    def save(self, path, overwrite=False, storage=None):
        """Saves the pipeline as a folder: model, preprocessor, labels and manifest.

        The files are staged beside `path` first. A folder that is there already may hold other
        files (such as a training run's); the manifest is written last and says what counts.

        Args:
            path: The folder.
            overwrite: Whether a pipeline that is there may be replaced. Defaults to False.
            storage: `"float16"` stores the weights in half precision, to be small rather than
                exact. Defaults to None (as they are).

        Raises:
            FileExistsError: If a pipeline is there and `overwrite` is False.
            ValueError: If `storage` is unknown, or a weight beyond its range.
        """
        if storage not in (None, "float16"):
            raise ValueError(
                'Received an invalid value for argument `storage`, expected "float16" or None. '
                f"Received: storage={storage!r}"
            )
        path = Path(path)
        if (path / MANIFEST_FILE).exists() and not overwrite:
            raise FileExistsError(
                f"Expected no saved pipeline at {path}; choose another folder or pass "
                "`overwrite=True` (`--overwrite` on the command line)."
            )
        with staging_folder(path) as folder:
            if storage is None:
                self.model.save(folder / MODEL_FILE)
            else:
                write_compact_file(rebuild(self.model), folder / COMPACT_FILE)
            self.preprocessor.save(folder)
            (folder / LABELS_FILE).write_text("\n".join(self.labels) + "\n", encoding="utf-8")
            names = sorted(file.name for file in folder.iterdir())
            write_json(folder / MANIFEST_FILE, self._manifest(checksums(folder, names)))
            path.mkdir(exist_ok=True)
            move_files(folder, path, [*names, MANIFEST_FILE])
            # A model of the other kind, which the manifest no longer lists.
            for name in {MODEL_FILE, COMPACT_FILE}.difference(names):
                (path / name).unlink(missing_ok=True)

    def _manifest(self, files):
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "architecture": architecture_of(self.model),
            "task": self.task.name,
            "labels": self.labels,
            "parameters": self.model.count_params(),
            "training": self.training,
            "versions": {**own_version(), "keras": keras.__version__},
            "files": files,
        }


def _unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def load(path, architecture=None):
    """Loads a pipeline: a folder written by `Pipeline.save`, or a preset that has weights.

    Args:
        path: The folder, or a name of `zoo.list_presets(pretrained=True)`; or a folder in the
            format of Hugging Face, a name of its hub (`hf://org/name`, which is downloaded) or a
            file of Google's ViT, see `docs/pretrained.md`.
        architecture: For such a folder, the name of the architecture that it becomes. Defaults to
            None (that of its head).

    Returns:
        A `Pipeline`.

    Raises:
        FileNotFoundError: If no saved pipeline is there.
        ValueError: If a file of it is missing, truncated or changed, or its format is newer than
            this version of attnzoo reads.
    """
    folder = Path(path).expanduser()
    pretrained = list_presets(pretrained=True)
    if str(path) in pretrained:
        folder = Path(get_preset(path).weights)
    if is_checkpoint(path):
        from .pretrained import load_pipeline

        return load_pipeline(path, architecture)
    presets = f" or one of the presets {pretrained}" if pretrained else ""
    manifest = read_manifest(
        folder,
        FORMAT,
        FORMAT_VERSION,
        ("task", "labels", "training", "files"),
        f"a folder written by `Pipeline.save` or `attnzoo train`{presets}",
    )
    file = model_file(folder)
    check_files(folder, manifest["files"], required=(file.name, LABELS_FILE))
    model = load_model(file)
    task = get_task(manifest["task"])
    if architecture not in (None, architecture_of(model)):
        raise ValueError(
            f"Expected a saved {architecture!r}. Received: {str(folder)!r}, which holds a "
            f"{architecture_of(model)!r}"
        )
    preprocessor = task.load_preprocessor(folder, config_of(model))
    return Pipeline(model, preprocessor, manifest["labels"], manifest["training"])
