"""A checkpoint's folder in the format of Hugging Face, read as a model of the zoo."""

import json
import warnings
from pathlib import Path

from ..builder import build_from_config
from ..files import HUB
from ..registry import get_architecture
from ..tasks import get_task
from . import google_vit
from .accounting import read_weights
from .ctc_symbols import read_symbols
from .families import FAMILIES
from .hub import downloaded
from .npz_tensors import NpzTensors
from .pixels import read_pixels
from .report import LoadReport
from .sentence_transformers import read_pooling
from .sound import read_sound
from .table import row_first
from .tensor_files import TensorFiles
from .tokenizer_files import read_tokenizer

CONFIG_FILE = "config.json"
# What the classes of transformers end in, and the architecture of ours that has such a head.
_HEADS = {
    "ForSequenceClassification": "sentiment_classifier",
    "ForTokenClassification": "sequence_tagger",
    "ForImageClassification": "image_classifier",
    "ForImageClassificationWithTeacher": "image_classifier",
    "ForCTC": "speech_encoder",
}


class Checkpoint:
    """A folder with config.json and safetensors, or a file of Google's ViT (`.npz`).

    Args:
        path: The folder, the file, or a name of the hub, `"hf://org/name"`, which is downloaded.

    Attributes:
        name: What it is called.
        settings: What config.json holds, or would hold.
        family: Its `Family`.
        labels: Names of its head's classes, in the order of the logits; none without a head.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is damaged, or the checkpoint of a family that is not known.
    """

    def __init__(self, path):
        is_of_hub = str(path).startswith(HUB)
        self.path = downloaded(path) if is_of_hub else Path(path).expanduser()
        self.name = path if is_of_hub else self.path.resolve().name
        if self.path.suffix == ".npz":
            self.files = NpzTensors(self.path)
            self.settings = google_vit.read_settings(self.path, self.files.shapes)
            self.family = google_vit.FAMILY
        else:
            self.settings = _read_settings(self.path / CONFIG_FILE)
            self.family = self._family()
            self.files = TensorFiles(self.path)
        prefix = f"{self.family.prefix}."
        self.names = {name.removeprefix(prefix): name for name in self.files.shapes}
        self.head_architecture = self._head_architecture()
        self.labels = self._labels() if self.head_architecture else []

    def _family(self):
        model_type = self.settings.get("model_type")
        if model_type not in FAMILIES:
            raise ValueError(
                f"Expected {self.path / CONFIG_FILE} to be of a model_type among "
                f"{sorted(FAMILIES)}. Received: model_type={model_type!r}"
            )
        family = FAMILIES[model_type]
        if family.offset_by_padding and self.settings.get("pad_token_id") is None:
            self.settings["pad_token_id"] = 1
        return family

    @property
    def architecture(self):
        """Name of the architecture that fits best: that of its head."""
        return self.head_architecture or next(iter(self.family.fields))

    def build(self, architecture=None, dtype=None, num_classes=None, head=None):
        """Builds the model and fills it.

        Args:
            architecture: Name of the architecture. Defaults to None (that of the head).
            dtype: Dtype policy. Defaults to None (Keras's global policy).
            num_classes: Number of classes, 0 for the backbone; another number than the head's
                makes a new one. Defaults to None (the head's, 0 without one).
            head: Kind of the head, of architectures that have several; another one than the
                checkpoint's makes a new one. Defaults to None (the checkpoint's).

        Returns:
            The model and the `LoadReport`.

        Raises:
            ValueError: If the family has no such architecture, or something does not fit; nothing
                is loaded then.
        """
        architecture = architecture or self.architecture
        if architecture not in self.family.fields:
            raise ValueError(
                f"Expected an architecture among {sorted(self.family.fields)} for a "
                f"{self.family.model_type!r} checkpoint. Received: {architecture!r}"
            )
        report = LoadReport(self.family.model_type)
        own = len(self.labels) if self.head_architecture == architecture else 0
        num_classes = own if num_classes is None else num_classes
        config = self._config(architecture, num_classes, report)
        is_own = own == num_classes
        if head is not None:
            is_own = is_own and head == getattr(config, "head", head)
            config = config.replace(head=head)
        kept = []
        if num_classes and own:
            kept = self.family.heads[architecture](config)
            kept = kept if is_own else _before_logits(kept)
            if self.blank:
                kept = [row_first(entry, self.blank) for entry in kept]
        unused = {**self.family.common_unused, **self.family.unused}
        theirs = {
            name for of in self.family.heads.values() for e in of(config) for name in e.theirs
        }
        for name in theirs - {name for entry in kept for name in entry.theirs}:
            unused |= dict.fromkeys(name.split("|"), "the checkpoint's own head")
        model = build_from_config(architecture, config, dtype)
        entries = [*self.family.table(config, self.settings), *kept]
        read_weights(model, entries, self.files, self.names, unused, report)
        if report.missing:
            was = f"its head of {own} classes is replaced" if own else "it has no such head"
            text = (
                f"{self.name}: {was}; a new one of {num_classes} classes is random until it "
                f"is trained ({', '.join(report.missing)})"
            )
            report.notes.append(text)
            warnings.warn(text, stacklevel=3)
        return model, report

    def preprocessor(self, architecture):
        """Reads what makes batches of raw inputs for a model of this architecture."""
        config = self._config(architecture, 0, LoadReport(self.family.model_type))
        task = get_task(get_architecture(architecture).task)
        if "tokenizer.json" not in task.preprocessor_files:
            return task.load_preprocessor(self.path, config)
        by_words = architecture == "sequence_tagger"
        tokenizer = read_tokenizer(self.path, config.vocabulary_size, by_words)
        return task.make_preprocessor(tokenizer, config)

    def _config(self, architecture, num_classes, report):
        fields = {"num_classes": num_classes}
        if architecture == "sentiment_classifier":
            pooling = read_pooling(self.path, report)
            if pooling is not None:
                fields |= {"pooling": pooling, "pooler_activation": None}
        config = self.family.config(self.settings, architecture, self.names, **fields)
        if architecture == "image_classifier":
            config = config.replace(**read_pixels(self.path, config.image_shape, report))
        if architecture == "speech_encoder":
            config = config.replace(**read_sound(self.path, self.family))
        return config

    def _head_architecture(self):
        classes = self.settings.get("architectures") or []
        architectures = [_HEADS[name] for c in classes for name in _HEADS if c.endswith(name)]
        known = [name for name in architectures if name in self.family.classes]
        return known[0] if known else None

    @property
    def blank(self):
        """The class that is the blank of CTC there, as it is the first here; 0 with other heads."""
        is_ctc = self.head_architecture == "speech_encoder"
        return (self.settings.get("pad_token_id") or 0) if is_ctc else 0

    def _labels(self):
        if self.head_architecture == "speech_encoder":
            count = self.settings.get("vocab_size", 32)
            labels = read_symbols(self.path, count, self.blank)
            self._check_labels(labels, "classes by `vocab_size`")
            return labels
        labels = self.settings.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}
        try:
            labels = [labels[key] for key in sorted(labels, key=int)]
            valid = all(isinstance(label, str) for label in labels)
        except (TypeError, ValueError, AttributeError, LookupError):
            valid = False
        if not valid or len(set(labels)) != len(labels):
            raise ValueError(
                f"Expected `id2label` of {self.path / CONFIG_FILE} to name each class once. "
                f"Received: {self.settings.get('id2label')!r:.200}"
            )
        self._check_labels(labels, "labels in `id2label`")
        return labels

    def _check_labels(self, labels, named):
        config = self.family.config(self.settings, self.head_architecture, self.names)
        (bias,) = (
            entry.theirs[-1]
            for entry in self.family.heads[self.head_architecture](config)
            if "logits/bias" in entry.ours
        )
        rows = self.files.shapes.get(self.names.get(bias), (None,))[0]
        if rows is not None and rows != len(labels):
            raise ValueError(
                f"Expected as many {named} of {self.path / CONFIG_FILE} as the head "
                f"has classes. Received: {len(labels)} labels, a head of {rows} classes"
            )
        if len(labels) < 2:
            raise ValueError(
                "Expected a head of two classes at least; one that gives a number (regression) is "
                f"not read. Received: the labels {labels}"
            )


def _before_logits(head):
    """What another number of classes leaves of a head: all but the last layer."""
    return [entry for entry in head if not entry.ours[0].startswith("logits")]


def _read_settings(path):
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected {path}, which says what the tensors beside it are; there is none."
        )
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"Expected {path} to be JSON: {error}") from error
    if not isinstance(settings, dict):
        raise ValueError(f"Expected {path} to hold a dict. Received: {settings!r:.60}")
    return settings
