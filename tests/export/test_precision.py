"""Files of fewer bits beside the float32 one, each judged by its own budget."""

import numpy as np
import onnx
import pytest

from attnzoo import export, zoo
from attnzoo.export.artefact import Artefact
from attnzoo.export.comparison import BUDGETS, Failure, compare_roughly
from attnzoo.export.formats import ATTENTION_KINDS, PRECISIONS, onnx_file
from attnzoo.export.onnx_conversion import write_onnx
from attnzoo.export.onnx_verification import onnx_checks
from attnzoo.export.served_model import ServedModel

from .engines import keras_answers, run_onnx
from .small_models import make_source, small_classifier, task_of

HALF, FLOAT = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT


def bytes_of_weights(path):
    return sum(len(value.raw_data) for value in onnx.load(path).graph.initializer)


def test_each_precision_is_a_file_that_is_chosen_by_its_path(tmp_path):
    pipeline = make_source("sentiment_classifier")
    report = export.to_artefact(pipeline, tmp_path, ["onnx"], precisions=PRECISIONS[::-1])
    checks = {(check.variant, check.name) for check in report.checks}
    files = {name: tmp_path / "onnx" / onnx_file(name) for name in PRECISIONS}
    for file in files.values():
        assert (f"onnx/{file.name}", "answers, graph optimisations off") in checks
    weights = {name: bytes_of_weights(file) for name, file in files.items()}
    assert weights["int8"] < 0.5 * weights["float32"]
    assert 0.5 * weights["float32"] <= weights["float16"] < 0.51 * weights["float32"]
    texts = ["A gripping, funny film", "not good"]
    whole = export.load(tmp_path).logits(texts)
    exact, half, rough = (export.load(files[name]).logits(texts) for name in PRECISIONS)
    np.testing.assert_array_equal(whole, exact)
    for answer, limit in ((half, 0.01), (rough, 0.2)):
        np.testing.assert_allclose(answer, exact, rtol=0, atol=limit * np.abs(exact).max())
        assert np.abs(answer - exact).max() > 0


@pytest.mark.parametrize("attention", ATTENTION_KINDS)
def test_every_precision_of_every_kind_of_attention_is_verified(attention, tmp_path):
    report = export.to_artefact(
        small_classifier(), tmp_path, ["onnx"], attention=attention, precisions=PRECISIONS
    )
    answered = {check.variant for check in report.checks if check.name.startswith("answers")}
    assert answered == {f"onnx/{onnx_file(precision)}" for precision in PRECISIONS}


@pytest.mark.slow
@pytest.mark.parametrize("attention", ATTENTION_KINDS)
@pytest.mark.parametrize("name", zoo.list_models())
def test_every_model_is_verified_in_every_precision(name, attention, tmp_path):
    source = make_source(name)
    export.to_artefact(source, tmp_path, ["onnx"], attention=attention, precisions=PRECISIONS)
    model = source.model
    config, task = zoo.config_of(model), task_of(name)
    lengths = np.array([13, 5, 7]) * getattr(config, "steps_per_vector", 1)
    # Padding is zeros: int8 makes the steps of a whole batch as coarse as its largest number wants.
    tensors = task.sample(config, lengths, seed=1003)
    expected = keras_answers(model, task, config, tensors)
    real = np.abs(expected).max(axis=-1, keepdims=True) < 1e4  # Not the padding of CTC.
    for precision, error in (("float32", 1e-5), ("float16", 0.02), ("int8", 0.2)):
        answers = run_onnx(tmp_path / "onnx" / onnx_file(precision), tensors)["logits"]
        difference = np.linalg.norm(real * (answers - expected))
        assert difference <= error * np.linalg.norm(real * expected)


# === Half precision ===


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """A speech encoder, and its file in half precision."""
    served = ServedModel(make_source("speech_encoder"))
    path = tmp_path_factory.mktemp("speech") / "model.onnx"
    write_onnx(served, path, precision="float16")
    return served, path


def test_what_goes_in_and_comes_out_stays_float32(spoken):
    graph = onnx.load(spoken[1]).graph
    types = {
        value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)
    }
    assert types["waveform"] == types["logits"] == types["probabilities"] == FLOAT
    assert {value.data_type for value in graph.initializer} >= {HALF}


def test_each_node_comes_after_what_it_takes(spoken):
    graph = onnx.load(spoken[1]).graph
    known = {value.name for value in (*graph.input, *graph.initializer)} | {""}
    for node in graph.node:
        assert known.issuperset(node.input)
        known.update(node.output)


def test_a_spectrum_is_not_computed_in_half_precision(spoken):
    """Of a quiet recording nothing would be left: its powers are below all that half can hold."""
    served, path = spoken
    tensors = served.task.sample(served.config, [400, 320])
    for loudness in (1e-4, 1.0, 300.0):
        quiet = {**tensors, "waveform": loudness * tensors["waveform"]}
        expected, received = served(quiet)["logits"].numpy(), run_onnx(path, quiet)["logits"]
        real = np.abs(expected) < 1e3
        np.testing.assert_allclose(received[real], expected[real], rtol=0, atol=0.02)


def test_a_spectrum_is_not_quantised(spoken, tmp_path):
    """Eight bits would keep but the loudest of its powers."""
    path = tmp_path / "model.onnx"
    write_onnx(spoken[0], path, precision="int8")
    nodes = onnx.load(path).graph.node
    quantised = [node for node in nodes if node.op_type == "MatMulInteger"]
    exact = [node.name for node in nodes if node.op_type == "MatMul" and "log_mel" in node.name]
    assert quantised
    assert exact
    assert not [node.name for node in quantised if "log_mel" in node.name]


def test_masks_are_finite_so_that_a_row_of_padding_is_not_a_number(tmp_path):
    served = ServedModel(small_classifier(position="alibi"))
    path = tmp_path / "model.onnx"
    write_onnx(served, path, precision="float16")
    model = onnx.load(path)
    values = [onnx.numpy_helper.to_array(value) for value in model.graph.initializer]
    assert all(np.isfinite(value).all() for value in values)
    (fill,) = [
        attribute.f
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.name == "mask_filter_value"
    ]
    assert np.isfinite(np.float16(fill) - np.float16(1000))
    tensors = served.task.sample(served.config, [5, 0])
    assert np.isfinite(run_onnx(path, tensors)["logits"]).all()


# === Budgets ===


@pytest.mark.parametrize(("precision", "factor"), [("float16", 1.02), ("int8", 1.3)])
def test_an_answer_far_away_fails(precision, factor):
    expected = {"logits": np.array([[1.0, 2.0]])}
    budget = BUDGETS[precision]
    compare_roughly([(expected, {"logits": expected["logits"] * 1.004})], budget)
    message = rf"differ by {factor - 1:.1%} .* expected at most {budget.error:.0%}"
    with pytest.raises(Failure, match=message):
        compare_roughly([(expected, {"logits": expected["logits"] * factor})], budget)
    with pytest.raises(Failure):
        compare_roughly([(expected, {"logits": expected["logits"] * np.nan})], budget)


def test_every_output_counts_but_probabilities_beside_logits():
    expected = {name: np.array([[1.0, 2.0]]) for name in ("states", "logits")}
    wrong = {**expected, "states": -expected["states"]}
    with pytest.raises(Failure):
        compare_roughly([(expected, wrong)], BUDGETS["int8"])
    expected["probabilities"] = expected.pop("states")
    compare_roughly([(expected, {**expected, "probabilities": None})], BUDGETS["int8"])


def test_weights_in_half_precision_that_stayed_float32_are_found(tmp_path):
    """A file that says it is half, and is not."""
    export.to_onnx(small_classifier(vocabulary_size=9000), tmp_path, precision="float16")
    file = tmp_path / "onnx" / "model.float16.onnx"
    model = onnx.load(file)
    (table,) = [value for value in model.graph.initializer if 9000 in value.dims]
    array = onnx.numpy_helper.to_array(table).astype("float32")
    table.CopyFrom(onnx.numpy_helper.from_array(array, table.name))
    onnx.save(model, file)
    checks = onnx_checks(Artefact.open(tmp_path), "onnx/model.float16.onnx")
    details = {check.name: check.detail for check in checks if not check.passed}
    assert "2 for each parameter" in details["weights stored once"]
