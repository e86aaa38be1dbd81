"""Checkpoints that transformers writes and reads in an interpreter of its own.

`ATTNZOO_PEERS_PYTHON` names that interpreter; `make test-peers` makes one.
"""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SIDE = Path(__file__).with_name("transformers_side.py")
PYTHON = Path(os.environ.get("ATTNZOO_PEERS_PYTHON", ROOT / ".venv-peers/bin/python"))


def pytest_collection_modifyitems(items):
    """Marks the tests that ask transformers: `make test-peers` runs these alone."""
    for item in items:
        if "transformers" in getattr(item, "fixturenames", ()):
            item.add_marker("peers")


def run_transformers(*arguments):
    """Runs `transformers_side.py`, and raises with what it says if it fails."""
    result = subprocess.run(
        [str(PYTHON), str(SIDE), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-3000:]


@pytest.fixture(scope="session")
def transformers():
    """Skips where the interpreter with transformers is missing."""
    found = (
        PYTHON.is_file()
        and not subprocess.run(
            [str(PYTHON), "-c", "import torch, transformers"], capture_output=True, check=False
        ).returncode
    )
    if not found:
        pytest.skip("transformers is not installed: make test-peers")


@pytest.fixture(scope="session")
def checkpoints(transformers, tmp_path_factory):
    """The folder of `transformers_side.py write`."""
    folder = tmp_path_factory.mktemp("checkpoints")
    run_transformers("write", folder)
    return folder


@pytest.fixture(scope="session")
def ask_transformers(transformers, tmp_path_factory):
    """`f({folder: inputs})` gives what transformers answers for each, and says of the tensors."""

    def read(questions):
        links = []
        for folder, inputs in questions.items():
            link = tmp_path_factory.mktemp("ask") / "checkpoint"
            link.symlink_to(folder)
            np.savez(f"{link}.inputs.npz", **inputs)
            links.append(link)
        run_transformers("read", *links)
        answers = []
        for link in links:
            with np.load(f"{link}.outputs.npz") as outputs:
                answers.append(dict(outputs))
        return answers

    return read
