"""An artefact on disk: a folder whose manifest alone says what counts.

DIST/manifest.json, verify.json, README.md, samples/, tokenizer.json, labels.txt,
     savedmodel/<version>/, onnx/model.onnx, onnx/model.int8.onnx
"""

from dataclasses import dataclass
from pathlib import Path

from ..zoo.files import read_manifest
from ..zoo.registry import get_preset
from ..zoo.tasks import get_task
from ..zoo.tasks.tensors import Tensors, TensorsConfig

FORMAT = "attnzoo.artefact"
FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
VERIFY_FILE = "verify.json"
LABELS_FILE = "labels.txt"
README_FILE = "README.md"
SAMPLES_FOLDER = "samples"
STREAM_SAMPLES_FOLDER = "samples_streaming"
_KEYS = (
    "architecture",
    "task",
    "config",
    "labels",
    "parameters",
    "fingerprint",
    "inputs",
    "outputs",
    "variants",
    "files",
)


@dataclass(frozen=True)
class Artefact:
    """An artefact that is there.

    Args:
        path: Its folder.
        manifest: What its `manifest.json` holds.
    """

    path: Path
    manifest: dict

    @classmethod
    def open(cls, path):
        """Reads the manifest of the artefact in the folder `path`.

        Raises:
            FileNotFoundError: If there is none.
            ValueError: If it is not one that this version understands.
        """
        path = Path(path).expanduser()
        manifest = read_manifest(
            path, FORMAT, FORMAT_VERSION, _KEYS, "an artefact's folder, written by `attnzoo export`"
        )
        return cls(path, manifest)

    @property
    def variants(self):
        """Dict from a variant's path, such as `"onnx/model.onnx"`, to what is known of it."""
        return self.manifest["variants"]

    @property
    def inputs(self):
        """Descriptions of the tensors it takes, as dicts."""
        return self.manifest["inputs"]

    @property
    def outputs(self):
        """Descriptions of the tensors it returns, as dicts."""
        return self.manifest["outputs"]

    def tensors(self, name):
        """Returns the descriptions of what a variant takes and returns: a step has its own."""
        variant = self.variants[name]
        return tuple(variant.get(key, self.manifest[key]) for key in ("inputs", "outputs"))

    @property
    def task(self):
        """The task of `zoo.tasks`."""
        return get_task(self.manifest["task"])

    @property
    def raw_input(self):
        """Name of the raw input, such as `"text"`."""
        return self.task.raw_input

    @property
    def config(self):
        """The model's configuration; `TensorsConfig` of a Keras model that is not of the zoo."""
        config_class = TensorsConfig
        if self.manifest["task"] != Tensors.name:
            config_class = type(get_preset(self.manifest["architecture"]).config)
        return config_class(**self.manifest["config"])


def find(path, streaming=False):
    """Returns the artefact and the name of the variant that a path means.

    Args:
        path: The artefact's folder (its ONNX file is taken if it has one, the one in float32 of
            several), or one of its variants, such as `"dist/onnx/model.int8.onnx"` or
            `"dist/savedmodel/1"`.
        streaming: Whether it must be the step of a stream (True), or of whole inputs (False).
            Defaults to False. None means either.

    Raises:
        FileNotFoundError: If there is no artefact, or no such variant in it.
        ValueError: If the variant is of the other kind.
    """
    path = Path(path).expanduser().absolute()
    for folder in (path, path.parent.parent):
        if (folder / MANIFEST_FILE).is_file():
            artefact = Artefact.open(folder)
            break
    else:
        raise FileNotFoundError(
            "Expected an artefact's folder, written by `attnzoo export`, or a variant inside one. "
            f"Received: {str(path)!r}"
        )
    variants = artefact.variants

    def fits(name):
        return streaming is None or ("streaming" in variants[name]) == streaming

    if folder == path:
        names = sorted(filter(fits, variants), key=lambda name: _rank(variants[name]))
    else:
        names = [path.relative_to(folder).as_posix()]
    if names and names[0] in variants and not fits(names[0]):
        raise ValueError(f"Expected {_KINDS[streaming]}. Received: {names[0]} of {folder}")
    if not names or names[0] not in variants:
        wanted = f", {_KINDS[streaming]}" if streaming else ""
        raise FileNotFoundError(
            f"Expected one of the variants {sorted(variants)} of {folder}{wanted}. "
            f"Received: {str(path)!r}"
        )
    return artefact, names[0]


def _rank(variant):
    """Returns what is least for the variant that a folder means: ONNX, in float32."""
    return variant["format"] != "onnx", variant.get("precision", "float32") != "float32"


_KINDS = {
    True: "the step of a stream, which `attnzoo export --streaming` writes",
    False: "a variant that takes whole inputs, not the step of a stream (`export.load_stream`, "
    "`attnzoo stream`)",
}
