"""One export of every architecture, shared by all tests."""

import functools
from dataclasses import dataclass
from pathlib import Path

import onnx
import pytest

from attnzoo import export, zoo
from attnzoo.zoo.builder import config_of
from attnzoo.zoo.text_preprocessor import TextPreprocessor

from .engines import ServingSession
from .small_models import (
    LABELS,
    bag_of_words,
    bag_of_words_of,
    make_source,
    make_tokenizer,
    registered,
    task_of,
    text_models,
)


@dataclass(frozen=True)
class Exported:
    """An artefact and what it was made of."""

    name: str
    source: object
    folder: Path
    report: export.Report

    @property
    def pipeline(self):
        return self.source

    @property
    def model(self):
        return self.source.model if isinstance(self.source, zoo.Pipeline) else self.source

    @property
    def task(self):
        return task_of(self.name)

    @property
    def config(self):
        return config_of(self.model)

    @property
    def onnx_file(self):
        return self.folder / "onnx" / "model.onnx"

    @functools.cached_property
    def onnx_model(self):
        return onnx.load(self.onnx_file)

    @functools.cached_property
    def serving(self):
        return ServingSession(self.folder / "savedmodel" / "1")


@pytest.fixture(scope="session")
def export_of(tmp_path_factory):
    """`f(name)`: the export of an architecture to both formats, made when first asked for."""

    @functools.cache
    def make(name):
        source = make_source(name)
        folder = tmp_path_factory.mktemp(name) / "dist"
        return Exported(name, source, folder, export.to_artefact(source, folder))

    return make


@pytest.fixture(params=zoo.list_models())
def exported(request, export_of):
    """The export of every architecture."""
    return export_of(request.param)


@pytest.fixture(params=text_models())
def exported_text(request, export_of):
    """The export of every architecture that takes text, a pipeline."""
    return export_of(request.param)


@pytest.fixture(scope="module")
def bag_of_words_name():
    """A user's own architecture, registered as long as the tests of a module run."""
    yield from registered("bag_of_words_in_tests", bag_of_words)


@pytest.fixture
def bag_of_words_model(bag_of_words_name):
    """A model that exports in a second."""
    return bag_of_words_of(bag_of_words_name)


@pytest.fixture
def bag_of_words_pipeline(bag_of_words_name):
    """A pipeline that exports in a second."""
    tokenizer = make_tokenizer()
    model = bag_of_words_of(bag_of_words_name, vocabulary_size=tokenizer.get_vocab_size())
    return zoo.Pipeline(model, TextPreprocessor(tokenizer, 9), LABELS)


@pytest.fixture(scope="module")
def bag_of_words_artefact(bag_of_words_name, tmp_path_factory):
    """An artefact of both formats to copy, and then to break."""
    folder = tmp_path_factory.mktemp("bag_of_words") / "dist"
    export.to_artefact(bag_of_words_of(bag_of_words_name), folder)
    return folder
