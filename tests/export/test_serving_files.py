"""Warm-up requests, requests that a server merges, and configurations of servers."""

import json
import shutil

import numpy as np
import pytest

from attnzoo import export, zoo
from attnzoo.export.report import VerificationError
from attnzoo.export.savedmodel_verification import _padded_by_server
from attnzoo.export.serving_files import serving_files
from attnzoo.export.warmup import WARM_UP_FILE, read_warm_up

from .small_models import randomise

SAVEDMODEL = "savedmodel/1"


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serving") / "dist"
    model = zoo.build("sentiment_classifier/tiny", weights=None, num_layers=1, vocabulary_size=50)
    randomise(model)
    return export.to_artefact(model, folder).path, export.inspect(folder)


def test_every_signature_is_warmed_up_and_every_request_answered(artefact):
    path, found = artefact
    requests = list(read_warm_up(path / SAVEDMODEL))
    assert {signature for signature, _ in requests} == set(
        found["variants"][SAVEDMODEL]["signatures"]
    )
    for inputs in (inputs for signature, inputs in requests if signature != "classify"):
        assert inputs.keys() == {"token_ids", "lengths"}
        assert inputs["token_ids"].dtype == np.int32
    checks = json.loads((path / "verify.json").read_text())["checks"]
    details = {check["name"]: check["detail"] for check in checks}
    assert details["warm-up requests"] == f"{len(requests)} answered"
    assert "requests of different lengths" in details["requests that a server pads and merges"]


def test_the_first_warm_up_request_is_on_the_wire_as_tf_serving_declares_it(artefact):
    """Field numbers of prediction_log.proto, predict.proto and model.proto, read by hand."""
    import tensorflow as tf

    path, _ = artefact
    records = tf.data.TFRecordDataset(str(path / SAVEDMODEL / WARM_UP_FILE))
    record = next(records.as_numpy_iterator())
    (predict_log,) = _fields(record)[6]
    (request,) = _fields(predict_log)[1]
    (model_spec,) = _fields(_fields(request)[1][0])[1]
    assert model_spec == b"sentiment_classifier"
    names = {_fields(entry)[1][0] for entry in _fields(request)[2]}
    assert names == {b"token_ids", b"lengths"}


def test_a_request_to_classify_is_on_the_wire_as_tf_serving_declares_it(artefact):
    """Field numbers of prediction_log.proto, classification.proto and input.proto."""
    import tensorflow as tf

    path, _ = artefact
    records = tf.data.TFRecordDataset(str(path / SAVEDMODEL / WARM_UP_FILE))
    logs = [_fields(record)[2] for record in records.as_numpy_iterator() if 2 in _fields(record)]
    ((log,), *_) = logs
    (request,) = _fields(log)[1]
    assert _fields(_fields(request)[1][0]) == {1: [b"sentiment_classifier"], 3: [b"classify"]}
    (example_list,) = _fields(_fields(request)[2][0])[1]
    example = tf.train.Example.FromString(_fields(example_list)[1][0])
    assert set(example.features.feature) == {"token_ids"}


def _fields(message):
    """The length-delimited fields of a protocol buffer, by number."""
    fields, place = {}, 0

    def varint():
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(message):
        key = varint()
        assert key & 7 == 2
        size = varint()
        fields.setdefault(key >> 3, []).append(message[place : place + size])
        place += size
    return fields


def test_a_server_fills_up_with_the_first_element():
    received = _padded_by_server([np.array([[7, 1]]), np.array([[3, 4, 5]])])
    assert received.tolist() == [[7, 1, 7], [3, 4, 5]]


def test_a_warm_up_request_that_is_lost_or_changed_is_found(artefact, tmp_path):
    path, _ = artefact
    shutil.copytree(path, tmp_path / "dist")
    file = tmp_path / "dist" / SAVEDMODEL / WARM_UP_FILE
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(VerificationError, match="tf_serving_warmup_requests"):
        export.verify(tmp_path / "dist")


def test_servers_are_configured_for_what_is_there(artefact):
    path, _ = artefact
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    files = serving_files(manifest)
    there = {file.name for file in (path / "serving").iterdir()}
    requests = {f"request_{name}.json" for name in ("classify", "onnx", "tokens")}
    assert there == set(files) | requests
    assert set(files) == {
        "models.config",
        "batching_parameters.txt",
        "monitoring.config",
        "docker-compose.yaml",
        "kubernetes.yaml",
    }
    assert 'base_path: "/models/sentiment_classifier"' in files["models.config"]
    assert "../savedmodel:/models/sentiment_classifier:ro" in files["docker-compose.yaml"]
    assert (
        "../onnx/model.onnx:/models/sentiment_classifier/1/model.onnx"
        in (files["docker-compose.yaml"])
    )
    assert "name: sentiment-classifier\n" in files["kubernetes.yaml"], "no _ in names of hosts"
    assert "pad_variable_length_inputs: true" in files["batching_parameters.txt"]
    of_graphs = {**manifest, "inputs": [{"name": "edges"}, {"name": "num_nodes"}]}
    assert (
        "pad_variable_length_inputs: false" in serving_files(of_graphs)["batching_parameters.txt"]
    )
    parts = ["onnx/model.onnx", "onnx/model.onnx.data"]
    only_onnx = {**manifest, "variants": {"onnx/model.onnx": {"files": dict.fromkeys(parts)}}}
    assert set(serving_files(only_onnx)) == {"docker-compose.yaml"}
    compose = serving_files(only_onnx)["docker-compose.yaml"]
    assert "tensorflow" not in compose
    assert "../onnx/model.onnx.data:/models/sentiment_classifier/1/model.onnx.data" in compose


@pytest.mark.parametrize("name", ["docker-compose.yaml", "kubernetes.yaml"])
def test_they_are_yaml(artefact, name):
    yaml = pytest.importorskip("yaml")
    path, _ = artefact
    documents = list(yaml.safe_load_all((path / "serving" / name).read_text(encoding="utf-8")))
    assert all(isinstance(document, dict) for document in documents)
