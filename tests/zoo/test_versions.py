"""Manifests say which code wrote them."""

import importlib.metadata
import shutil
import subprocess

import pytest

from attnzoo.zoo import versions

VERSION = importlib.metadata.version("attnzoo")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(autouse=True)
def asked_anew():
    versions.git_commit.cache_clear()
    yield
    versions.git_commit.cache_clear()


def git(folder, *arguments):
    command = ["git", "-C", folder, "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A folder with a file of code, `f(name)` of which the module takes itself to be."""
    (tmp_path / "zoo").mkdir()
    file = tmp_path / "zoo" / "versions.py"
    file.write_text("first")
    monkeypatch.setattr(versions, "__file__", str(file))
    return file


@needs_git
def test_a_clone_names_its_commit_and_says_when_files_differ(code):
    git(code.parents[1], "init")
    git(code.parents[1], "add", ".")
    git(code.parents[1], "commit", "-m", "first")
    commit = git(code.parents[1], "rev-parse", "HEAD")
    assert versions.own_version() == {"attnzoo": VERSION, "commit": commit}
    code.write_text("second")
    versions.git_commit.cache_clear()
    assert versions.git_commit() == f"{commit}-dirty"


@needs_git
def test_a_repository_around_the_installation_is_not_ours(code):
    git(code.parents[1], "init")
    nested = code.parents[1] / "site-packages" / "attnzoo" / "zoo"
    nested.mkdir(parents=True)
    versions.__file__ = str(nested / "versions.py")
    assert versions.git_commit() is None


@needs_git
def test_a_clone_without_a_commit_has_none(code):
    git(code.parents[1], "init")
    assert versions.own_version() == {"attnzoo": VERSION}


def test_a_clone_where_git_is_missing_has_none(code, monkeypatch):
    (code.parents[1] / ".git").mkdir()
    monkeypatch.setenv("PATH", "")
    assert versions.git_commit() is None


@pytest.mark.parametrize(
    ("direct_url", "commit"),
    [
        (None, None),
        ('{"url": "file:///x", "dir_info": {"editable": true}}', None),
        ('{"url": "https://x/y.git", "vcs_info": {"vcs": "git", "commit_id": "ab12"}}', "ab12"),
    ],
    ids=["of an index", "of a folder", "of a repository"],
)
def test_an_installation_knows_what_pip_wrote_down(code, monkeypatch, direct_url, commit):
    class Distribution:
        def read_text(self, name):
            return direct_url if name == "direct_url.json" else None

    monkeypatch.setattr(versions.importlib.metadata, "distribution", lambda name: Distribution())
    assert versions.git_commit() == commit
