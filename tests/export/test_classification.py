"""TF Serving's Classify API: examples in, the score of each class out."""

import numpy as np
import pytest
import tensorflow as tf

from attnzoo import export, zoo
from attnzoo.export.warmup import read_warm_up
from attnzoo.zoo.builder import config_of

from .engines import ServingSession, fresh_tensors, keras_answers, softmax
from .small_models import LABELS, randomise, task_of

METHOD = "tensorflow/serving/classify"


def example(**features):
    """A serialised `tf.train.Example` by hand."""
    kinds = {
        "O": lambda v: tf.train.Feature(bytes_list=tf.train.BytesList(value=v)),
        "f": lambda v: tf.train.Feature(float_list=tf.train.FloatList(value=v)),
        "i": lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=v)),
        "u": lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=v)),
    }
    made = {name: kinds[value.dtype.kind](value.ravel()) for name, value in features.items()}
    message = tf.train.Example(features=tf.train.Features(feature=made))
    return message.SerializeToString()


def test_it_is_there_where_an_input_gets_one_label(exported):
    signatures = exported.serving.signatures
    logits = next(spec for spec in exported.task.outputs(exported.config) if spec.name == "logits")
    assert ("classify" in signatures) == (len(logits.shape) == 2)
    methods = {name: signature.method_name for name, signature in signatures.items()}
    assert methods.pop("classify", METHOD) == METHOD
    assert set(methods.values()) == {"tensorflow/serving/predict"}


@pytest.mark.parametrize("name", ["image_classifier", "sentiment_classifier"])
def test_examples_of_raw_inputs_get_the_scores_of_the_pipeline(export_of, name):
    exported = export_of(name)
    raw = list(exported.task.raw_samples(exported.config))[:4]
    feature = exported.task.raw_input
    values = [item if isinstance(item, bytes) else item.encode("utf-8") for item in raw]
    examples = [example(**{feature: np.array([value], object)}) for value in values]
    signature = exported.serving.signatures["classify"]
    assert list(signature.inputs) == ["inputs"]
    answer = exported.serving.run("classify", {"inputs": examples})
    assert answer.keys() == {"classes", "scores"}
    expected = [prediction.probabilities for prediction in exported.pipeline(raw)]
    rows = zip(answer["classes"], answer["scores"], expected, strict=True)
    for classes, scores, probabilities in rows:
        assert [label.decode("utf-8") for label in classes] == LABELS
        np.testing.assert_allclose(scores, [probabilities[label] for label in LABELS], atol=2e-6)


SMALL = {"hidden_dim": 24, "intermediate_dim": 24, "num_layers": 1}
BARE = {
    "images": ("image_classifier/tiny", {"image_shape": (12, 8, 3), "patch_size": 4, **SMALL}),
    "texts": ("sentiment_classifier/tiny", {"vocabulary_size": 30, **SMALL}),
    "pairs": ("sentiment_classifier/tiny", {"vocabulary_size": 30, "num_segments": 2, **SMALL}),
    "graphs": ("graph_classifier/proteins", {"num_classes": 3, "num_features": 4}),
    "recordings": ("speech_encoder/keywords", {}),
    "frames": ("speech_encoder/keywords", {"input": "features"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", BARE)
def test_examples_of_tensors_get_the_scores_of_a_bare_model(tmp_path, kind):
    preset, overrides = BARE[kind]
    model = randomise(zoo.build(preset, weights=None, **overrides))
    export.to_savedmodel(model, tmp_path / "dist")
    task, config = task_of(preset.split("/")[0]), config_of(model)
    tensors = fresh_tensors(task, config, [3, 1, 5], seed=1)
    lengths = tensors.get("lengths")
    examples = [
        example(
            **{
                name: value[row] if lengths is None else value[row][: lengths[row]]
                for name, value in tensors.items()
                if name != "lengths"
            }
        )
        for row in range(3)
    ]
    session = ServingSession(tmp_path / "dist" / "savedmodel" / "1")
    answer = session.run("classify", {"inputs": examples})
    expected = softmax(keras_answers(model, task, config, tensors))
    np.testing.assert_allclose(answer["scores"], expected, atol=1e-5)
    labels = [str(index) for index in range(config.num_classes)]
    assert answer["classes"].astype(str).tolist() == [labels] * 3


def test_it_is_warmed_up_by_requests_of_its_own(bag_of_words_artefact):
    folder = bag_of_words_artefact / "savedmodel" / "1"
    requests = [inputs for signature, inputs in read_warm_up(folder) if signature == "classify"]
    assert requests
    parsed = tf.train.Example.FromString(requests[-1]["inputs"][0])
    assert parsed.features.feature.keys() == {"token_ids"}


def test_what_is_no_example_is_refused_by_the_graph(bag_of_words_artefact):
    session = ServingSession(bag_of_words_artefact / "savedmodel" / "1")
    with pytest.raises(tf.errors.InvalidArgumentError, match="Could not parse example"):
        session.run("classify", {"inputs": [b"A gripping film"]})
