"""Which attnzoo this is: its version, and the commit of its code."""

import functools
import importlib.metadata
import json
import subprocess
from pathlib import Path


def own_version():
    """Returns what manifests say: `{"attnzoo": version}`, and `commit` if it is known."""
    commit = git_commit()
    version = {"attnzoo": importlib.metadata.version("attnzoo")}
    return version if commit is None else {**version, "commit": commit}


@functools.cache
def git_commit():
    """Returns the commit that this code is of, 40 hexadecimal digits, or None if none is known.

    Of a clone it ends in `-dirty` where tracked files differ from the commit. An installation by
    `pip install git+https://...` knows its commit too (PEP 610); one of a package index does not.
    """
    folder = Path(__file__).resolve().parents[1]
    if (folder / ".git").exists():  # Not a repository of the user's, around an environment.
        return _described(folder)
    text = importlib.metadata.distribution("attnzoo").read_text("direct_url.json")
    return json.loads(text or "{}").get("vcs_info", {}).get("commit_id")


def _described(folder):
    """Returns the commit of a clone, None if git is missing or refuses to say."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
