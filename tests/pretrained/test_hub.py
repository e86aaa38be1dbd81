"""Names of the hub: downloaded by its library, and only when asked for (here it is replaced)."""

import sys
import types

import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.cli.main import main

from .small_checkpoints import bert_checkpoint

NAME = "hf://somebody/bert-small"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub with one checkpoint; `hub.asked` is what was asked of it."""
    library = types.ModuleType("huggingface_hub")
    library.asked, library.folder = [], tmp_path / "cache" / "snapshots" / "0a1b2c"
    library.pipeline = bert_checkpoint(library.folder)

    def snapshot_download(repository, revision=None, allow_patterns=None):
        library.asked.append((repository, revision))
        assert "*.safetensors" in allow_patterns
        assert not any(".bin" in pattern for pattern in allow_patterns)
        return str(library.folder)

    library.snapshot_download = snapshot_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", library)
    return library


def test_a_name_of_the_hub_is_loaded_as_its_folder_is(hub):
    pipeline = zoo.load(NAME)
    assert hub.asked == [("somebody/bert-small", None)]
    assert repr(pipeline(["a good film"])) == repr(hub.pipeline(["a good film"]))
    assert pipeline.training["checkpoint"]["name"] == NAME
    model = zoo.build("sentiment_classifier", weights=f"{NAME}@v1.0")
    assert hub.asked[1:] == [("somebody/bert-small", "v1.0")]
    for weight, reference in zip(model.weights, pipeline.model.weights, strict=True):
        np.testing.assert_array_equal(weight, reference)


def test_the_command_line_takes_it(hub, tmp_path, capsys):
    assert main(["convert", NAME, "--out", str(tmp_path / "saved")]) == 0
    assert f"bert checkpoint {NAME}: every tensor" in capsys.readouterr().out
    assert zoo.load(tmp_path / "saved").labels == hub.pipeline.labels


def test_a_folder_asks_nothing_of_the_hub(hub):
    zoo.load(hub.folder)
    assert hub.asked == []


def test_without_the_library_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"pip install huggingface_hub.*'hf://somebody/bert"):
        zoo.load(NAME)


def test_without_a_network_one_sentence_says_so(hub, monkeypatch):
    def snapshot_download(*args, **kwargs):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(hub, "snapshot_download", snapshot_download)
    with pytest.raises(OSError, match=r"the hub to be reachable.*ConnectionError: no route"):
        zoo.load(NAME)


@pytest.mark.parametrize("name", ["hf://", "hf://bert", "hf://a/b/c", "hf://a/../b", "hf:///b"])
def test_what_is_no_name_of_the_hub_is_refused(hub, name):
    with pytest.raises(ValueError, match=f"'hf://org/name'.*Received: {name!r}"):
        zoo.load(name)
    assert hub.asked == []
