"""An artefact on disk: a folder whose manifest alone says what counts.

DIST/manifest.json, verify.json, README.md, samples/, tokenizer.json, labels.txt,
     savedmodel/<version>/, onnx/model.onnx
"""

from dataclasses import dataclass
from pathlib import Path

from ..zoo.files import read_manifest
from ..zoo.registry import get_preset
from ..zoo.tasks import get_task

FORMAT = "attnzoo.artefact"
FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
VERIFY_FILE = "verify.json"
LABELS_FILE = "labels.txt"
README_FILE = "README.md"
SAMPLES_FOLDER = "samples"
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
        """The model's configuration."""
        default = get_preset(self.manifest["architecture"]).config
        return type(default)(**self.manifest["config"])
