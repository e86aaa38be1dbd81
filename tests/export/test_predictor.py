"""`export.load`: predictions of exported files, equal to those of the pipeline."""

import functools
import re
import shutil

import numpy as np
import pytest

from attnzoo import export
from attnzoo.export.predictor import OnnxPredictor, SavedModelPredictor, is_artefact

from .small_models import LABELS

TEXTS = [
    "A gripping, funny film: I would see it again!",
    "",
    "cold",
    "not bad " * 40,
    "東京タワー 😀",
    "[CLS] typed\x00",
] * 9


load_once = functools.cache(export.load)


@pytest.fixture(params=["onnx/model.onnx", "savedmodel/1"])
def predictor(request, exported_text):
    """Either variant of every artefact that takes text."""
    return load_once(exported_text.folder / request.param)


def same(received, expected):
    assert [p.label for p in received] == [p.label for p in expected]
    for one, other in zip(received, expected, strict=True):
        assert one.probabilities.keys() == other.probabilities.keys() == set(LABELS)
        np.testing.assert_allclose(
            list(one.probabilities.values()),
            list(other.probabilities.values()),
            rtol=0,
            atol=1e-5,
        )
        assert one.probability == pytest.approx(other.probability, abs=1e-5)


def test_predictions_are_those_of_the_pipeline(exported_text, predictor):
    same(predictor(TEXTS), exported_text.pipeline(TEXTS))


def test_the_batch_size_changes_nothing(exported_text, predictor):
    same(predictor(TEXTS, batch_size=5), exported_text.pipeline(TEXTS))


def test_a_stream_is_answered_in_its_order(exported_text, predictor):
    received = list(predictor.stream(iter(TEXTS), batch_size=2))
    same(received, exported_text.pipeline(TEXTS))


def test_a_single_text_counts_as_a_list_of_one(exported_text, predictor):
    same(predictor("cold"), exported_text.pipeline(["cold"]))


def test_no_texts_give_no_predictions(predictor):
    assert predictor([]) == []


@pytest.mark.parametrize("wrong", [None, 3, b"bytes", ["a"]], ids=repr)
def test_what_is_no_string_is_named(predictor, wrong):
    with pytest.raises(ValueError, match=f"one of type {type(wrong).__name__}"):
        predictor(["a", wrong])


# === What `load` finds ===


def test_a_folder_means_its_onnx_file(exported_text):
    assert isinstance(export.load(exported_text.folder), OnnxPredictor)
    assert isinstance(export.load(str(exported_text.folder) + "/"), OnnxPredictor)


def test_a_variant_is_found_from_inside_the_artefact(exported_text, monkeypatch):
    monkeypatch.chdir(exported_text.folder)
    assert isinstance(export.load("."), OnnxPredictor)
    assert isinstance(export.load("onnx/model.onnx"), OnnxPredictor)
    monkeypatch.chdir(exported_text.folder / "onnx")
    assert isinstance(export.load("model.onnx"), OnnxPredictor)


@pytest.mark.parametrize("missing", ["savedmodel/2", "onnx/model.int8.onnx", "samples/x.npz"])
def test_a_variant_that_is_not_there_is_named_with_those_that_are(exported_text, missing):
    path = exported_text.folder / missing
    with pytest.raises(FileNotFoundError, match=re.escape("['onnx/model.onnx', 'savedmodel/1']")):
        export.load(path)
    assert not is_artefact(path)


def test_a_path_where_nothing_is_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "a" / "b" / "c"):
        with pytest.raises(FileNotFoundError, match="written by `attnzoo export`"):
            export.load(path)
        assert not is_artefact(path)


def test_a_saved_pipeline_is_no_artefact(exported_text, tmp_path):
    exported_text.pipeline.save(tmp_path / "run")
    with pytest.raises(ValueError, match=r"attnzoo\.pipeline"):
        export.load(tmp_path / "run")
    assert not is_artefact(tmp_path / "run")


def test_an_artefact_of_a_bare_model_takes_no_text(bag_of_words_artefact):
    with pytest.raises(ValueError, match="export a pipeline instead of a bare model"):
        export.load(bag_of_words_artefact)
    assert is_artefact(bag_of_words_artefact)


def test_an_artefact_of_a_newer_format_is_refused(bag_of_words_artefact, tmp_path):
    shutil.copytree(bag_of_words_artefact, tmp_path / "dist")
    manifest = tmp_path / "dist" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format_version": 1', '"format_version": 99'))
    with pytest.raises(ValueError, match="a newer attnzoo may read it"):
        export.load(tmp_path / "dist")


def test_a_manifest_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="to be a manifest of attnzoo"):
        export.load(tmp_path)


@pytest.mark.parametrize("signatures", [["serving_default"], ["preprocess", "tokens"]], ids=str)
def test_any_choice_of_signatures_predicts(bag_of_words_pipeline, tmp_path, signatures):
    folder = tmp_path / "dist"
    export.to_savedmodel(bag_of_words_pipeline, folder, version=7, signatures=signatures)
    for path in (folder, folder / "savedmodel" / "7"):
        predictor = export.load(path)
        assert isinstance(predictor, SavedModelPredictor)
        same(predictor(TEXTS[:6]), bag_of_words_pipeline(TEXTS[:6]))
