"""What `inspect` and `bench` say of an artefact, with files that other tests have written."""

import onnx
import pytest

from attnzoo import export, zoo

from .small_models import randomise


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inspection") / "dist"
    model = zoo.build("sentiment_classifier/tiny", weights=None, num_layers=1, vocabulary_size=50)
    randomise(model)
    export.to_artefact(model, folder)
    return folder


def test_it_counts_what_is_in_the_files(artefact):
    found = export.inspect(artefact)
    assert found["architecture"] == "sentiment_classifier"
    assert found["verified"]["passed"] == found["verified"]["made"] > 5
    assert found["variants"].keys() == {"savedmodel/1", "onnx/model.onnx"}
    variant = found["variants"]["onnx/model.onnx"]
    assert variant["bytes"] == (artefact / "onnx" / "model.onnx").stat().st_size
    assert variant["inputs"][0] == "token_ids: int32 (batch, length)"
    nodes = onnx.load(artefact / "onnx" / "model.onnx").graph.node
    assert sum(variant["operators"].values()) >= len(nodes) > 0
    assert any(name.endswith("MatMul") for name in variant["operators"])
    saved = found["variants"]["savedmodel/1"]
    assert saved["operators"]["ReadVariableOp"] > 0
    files = [path for path in (artefact / "savedmodel" / "1").rglob("*") if path.is_file()]
    assert saved["bytes"] == sum(path.stat().st_size for path in files)


def test_what_was_never_verified_is_not_said_to_be(artefact, tmp_path):
    (tmp_path / "manifest.json").write_bytes((artefact / "manifest.json").read_bytes())
    (tmp_path / "onnx").mkdir()
    (tmp_path / "savedmodel" / "1").mkdir(parents=True)
    for name in ("onnx/model.onnx", "savedmodel/1/saved_model.pb"):
        (tmp_path / name).write_bytes((artefact / name).read_bytes())
    assert export.inspect(tmp_path)["verified"] is None


def test_all_variants_take_their_turns(artefact):
    timings = export.bench(artefact, batches=(1, 2), lengths=(4, 5000), seconds=0.05)
    longest = zoo.get_config("sentiment_classifier/tiny").max_sequence_length
    shapes = [(batch, length) for batch in (1, 2) for length in (4, longest)]
    assert [(t.batch, t.length) for t in timings[::2]] == shapes
    assert {t.variant for t in timings} == {"savedmodel/1", "onnx/model.onnx"}
    for timing in timings:
        assert timing.calls >= 5
        assert 0 < timing.p50 <= timing.p95 <= timing.p99
        assert timing.throughput > 0


@pytest.mark.parametrize(
    "arguments", [{"batches": (0,)}, {"lengths": ()}, {"threads": (1.5,)}, {"seconds": 0}]
)
def test_numbers_that_mean_nothing_are_refused(artefact, arguments):
    with pytest.raises(ValueError, match=f"argument `{next(iter(arguments))}`"):
        export.bench(artefact, **arguments)


def test_a_model_of_another_kind_is_refused(artefact):
    with pytest.raises(ValueError, match=r"Expected the 'sentiment_classifier'.*'sequence_tagger'"):
        export.bench(artefact, (1,), (4,), seconds=0.01, model="sequence_tagger/pos_ewt")
