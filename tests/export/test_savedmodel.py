"""The SavedModel in a TensorFlow 1 session, which is how TF Serving loads it."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from .engines import fresh_tensors, keras_answers, softmax
from .small_models import LABELS
from .test_onnx_file import LENGTHS


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_answers_are_those_of_the_keras_model(exported, lengths):
    tensors = fresh_tensors(exported.task, exported.config, lengths, seed=len(lengths))
    logits = keras_answers(exported.model, exported.task, exported.config, tensors)
    answers = exported.serving.run("tokens", tensors)
    np.testing.assert_allclose(answers["logits"], logits, rtol=0, atol=2e-5)
    np.testing.assert_allclose(answers["probabilities"], softmax(logits), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(answers["label"], logits.argmax(-1))


def test_every_weight_is_stored_once(exported):
    checkpoint = tf.train.load_checkpoint(
        str(exported.folder / "savedmodel" / "1" / "variables" / "variables")
    )
    dtypes = checkpoint.get_variable_to_dtype_map()
    floats = [
        np.prod(shape, dtype=int)
        for name, shape in checkpoint.get_variable_to_shape_map().items()
        if dtypes[name] == tf.float32
    ]
    assert sum(floats) == exported.model.count_params()


def test_the_tensor_signature_is_named_as_the_task_names_things(exported):
    signature = exported.serving.signatures["tokens"]
    assert signature.inputs.keys() == {s.name for s in exported.task.inputs(exported.config)}
    assert signature.outputs.keys() == {s.name for s in exported.task.outputs(exported.config)}
    for value in (*signature.inputs.values(), *signature.outputs.values()):
        assert value.tensor_shape.dim[0].size == -1


def test_no_operator_needs_a_library(exported):
    file = (exported.folder / "savedmodel" / "1" / "saved_model.pb").read_bytes()
    graph = SavedModel.FromString(file).meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    functions = {f.signature.name for f in graph.library.function}
    operators = {node.op for node in nodes} - functions
    assert operators
    assert not operators & {"PyFunc", "PyFuncStateless", "EagerPyFunc"}
    assert operators <= set(dir(tf.raw_ops))


# === Serving ===


def padded_by_serving(requests):
    """What TF Serving makes of requests in one batch, with `pad_variable_length_inputs`.

    Each tensor is padded to the largest size with its own first element.
    """
    longest = max(request["token_ids"].shape[1] for request in requests)
    parts = []
    for request in requests:
        ids = request["token_ids"]
        width = longest - ids.shape[1]
        parts.append(np.pad(ids, ((0, 0), (0, width)), constant_values=ids.flat[0]))
    return {
        "token_ids": np.concatenate(parts),
        "lengths": np.concatenate([request["lengths"] for request in requests]),
    }


def test_the_padding_of_tf_serving_changes_no_answer(exported_text):
    requests = [
        fresh_tensors(exported_text.task, exported_text.config, lengths, seed)
        for seed, lengths in enumerate(([3], [17, 0], [1], [8, 2, 5]))
    ]
    alone = [exported_text.serving.run("tokens", request)["logits"] for request in requests]
    batch = exported_text.serving.run("tokens", padded_by_serving(requests))["logits"]
    np.testing.assert_allclose(batch, np.concatenate(alone), rtol=0, atol=2e-5)


def test_the_padding_of_tf_serving_would_change_answers_without_lengths(exported_text):
    requests = [
        fresh_tensors(exported_text.task, exported_text.config, [length], length)
        for length in (3, 17)
    ]
    batch = padded_by_serving(requests)
    right = exported_text.serving.run("tokens", batch)["logits"]
    batch["lengths"] = np.full_like(batch["lengths"], 17)
    wrong = exported_text.serving.run("tokens", batch)["logits"]
    assert np.abs(right - wrong)[0].max() > 1e-2


def test_plain_text_goes_in_and_label_names_come_out(exported_text):
    texts = ["A gripping, funny film!", "", "東京 was cold", "not good \x00 at all " * 30]
    answers = exported_text.serving.run("serving_default", {"text": np.array(texts, object)})
    predictions = exported_text.pipeline(texts)
    assert [label.decode() for label in answers["label"]] == [p.label for p in predictions]
    assert set(answers) == {"label", "probabilities", "logits"}
    np.testing.assert_allclose(
        answers["probabilities"],
        [[p.probabilities[label] for label in LABELS] for p in predictions],
        rtol=0,
        atol=1e-5,
    )
