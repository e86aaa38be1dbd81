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


def run_transformers(*arguments):
    """Runs `transformers_side.py`, and raises with what it says if it fails."""
    result = subprocess.run(
        [str(PYTHON), str(SIDE), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-3000:]


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """The folder of `transformers_side.py write`."""
    found = (
        PYTHON.is_file()
        and not subprocess.run(
            [str(PYTHON), "-c", "import torch, transformers"], capture_output=True, check=False
        ).returncode
    )
    if not found:
        pytest.skip("transformers is not installed: make test-peers")
    folder = tmp_path_factory.mktemp("checkpoints")
    run_transformers("write", folder)
    return folder


@pytest.fixture
def answer(tmp_path_factory):
    """`f(folder, inputs)` gives what transformers answers, and what it says of the tensors."""

    def read(folder, inputs):
        files = tmp_path_factory.mktemp("answer")
        np.savez(files / "inputs.npz", **inputs)
        run_transformers("read", folder, files)
        with np.load(files / "outputs.npz") as outputs:
            return dict(outputs)

    return read
