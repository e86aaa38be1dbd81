"""SavedModels in a program of C on TensorFlow's own library."""

import numpy as np
import pytest

from attnzoo import export, zoo
from attnzoo.export import c_library
from attnzoo.export.report import VerificationError

from .small_models import randomise

WHAT = "answers of `tokens` in TensorFlow's C library"

needs_compiler = pytest.mark.skipif(
    c_library.why_not() is not None, reason=str(c_library.why_not())
)


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("c_library") / "dist"
    model = zoo.build("sentiment_classifier/tiny", weights=None, num_layers=1, vocabulary_size=50)
    randomise(model)
    return export.to_savedmodel(model, folder).path


@needs_compiler
def test_it_answers_all_samples(artefact):
    report = export.verify(artefact, ["c_library"])
    (check,) = [check for check in report.checks if check.name == WHAT]
    assert check.passed
    assert "largest difference" in check.detail


@pytest.mark.slow
@needs_compiler
def test_other_answers_are_found(artefact, monkeypatch):
    run = c_library.CLibrary.run

    def wrong(self, signature, batches):
        answers = run(self, signature, batches)
        return [{**a, "logits": a["logits"] + np.float32(1e-3)} for a in answers]

    monkeypatch.setattr(c_library.CLibrary, "run", wrong)
    with pytest.raises(VerificationError, match="C library"):
        export.verify(artefact, ["c_library"])


@pytest.mark.slow
@needs_compiler
def test_without_its_weights_the_library_says_so(artefact, tmp_path):
    graph = artefact / "savedmodel" / "1" / "saved_model.pb"
    (tmp_path / "saved_model.pb").write_bytes(graph.read_bytes())
    inputs = {"token_ids": np.ones((1, 2), "int32"), "lengths": np.array([2], "int32")}
    with pytest.raises(RuntimeError, match="runner: running"):
        c_library.CLibrary(tmp_path).run("tokens", [inputs])


def test_where_it_cannot_be_built_it_is_not_said_to_have_passed(artefact, monkeypatch):
    monkeypatch.setattr(c_library, "why_not", lambda: "no C compiler")
    report = export.verify(artefact, ["c_library"])
    (check,) = [check for check in report.checks if check.name == WHAT]
    assert check.passed is None
    assert str(check) == f"not run savedmodel/1: {WHAT} (no C compiler)"
    assert report.passed, "the others did"


def test_an_unknown_engine_is_refused(artefact):
    with pytest.raises(ValueError, match="Received unknown `engines`"):
        export.verify(artefact, ["abacus"])
