"""Checkpoints by their name on the Hugging Face hub, `hf://org/name`.

No other way to load weights opens the network, and this only where such a name is given.
"""

import re
from pathlib import Path

from ..files import HUB

# What a checkpoint is read from; all else stays there, pickled weights above all.
_FILES = ("*.json", "*.safetensors", "vocab.txt")


def downloaded(name):
    """Downloads a checkpoint, unless the library has it in its cache, and returns its folder.

    Args:
        name: `"hf://org/name"`, or `"hf://org/name@revision"` with a branch, tag or commit.

    Raises:
        ValueError: If the name is not of this form.
        ImportError: If the package `huggingface_hub` is not installed.
        OSError: If the hub cannot be reached, or has no such checkpoint.
    """
    repository, _, revision = name.removeprefix(HUB).partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ValueError(
            "Expected a name of the hub to be 'hf://org/name' or 'hf://org/name@revision'. "
            f"Received: {name!r}"
        )
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ImportError(
            "Expected the package `huggingface_hub` for a name of the hub; install it "
            "(`pip install huggingface_hub`) or download the folder and give its path. "
            f"Received: {name!r}"
        ) from error
    try:
        folder = snapshot_download(repository, revision=revision or None, allow_patterns=_FILES)
    except Exception as error:  # Of many kinds, those of its HTTP client among them.
        raise OSError(
            "Expected the hub to be reachable and to have this checkpoint; check the name and the "
            f"connection, or give a folder. Received: {name!r}, and {type(error).__name__}: {error}"
        ) from error
    return Path(folder)
