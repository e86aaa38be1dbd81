"""The pipelines that come with the package."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from attnzoo import training, zoo
from attnzoo.zoo.registry import get_preset

SHIPPED = zoo.list_presets(pretrained=True)
MOST_BYTES = 25_000_000
DATA = Path(__file__).parents[3] / "shared" / "data"


def folder_of(name):
    return Path(get_preset(name).weights)


@pytest.fixture(scope="module", params=SHIPPED)
def name(request):
    return request.param


def test_the_configuration_of_the_preset_is_that_of_its_weights(name):
    assert zoo.load(name).config == zoo.get_config(name)


def test_it_is_built_with_its_weights_or_without(name):
    expected = zoo.load(name).model.get_weights()
    for received, value in zip(zoo.build(name).get_weights(), expected, strict=True):
        np.testing.assert_array_equal(received, value)
    assert not np.array_equal(zoo.build(name, weights=None).get_weights()[0], expected[0])


def test_it_says_what_it_is_and_where_it_comes_from(name):
    card = (folder_of(name) / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert card.startswith(f"# {name}\n")
    for word in ("**Data**", "**Recipe**", "attnzoo train", "**Figures**", "**Licence**"):
        assert word in card
    manifest = json.loads((folder_of(name) / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["training"]["data"] in card, "a path that another machine has as well"
    assert not Path(manifest["training"]["data"]).is_absolute()


def test_together_they_are_small():
    files = [file for name in SHIPPED for file in folder_of(name).iterdir()]
    assert sum(file.stat().st_size for file in files) <= MOST_BYTES


def test_sentences_are_judged_without_a_network():
    """In a process of its own, which may not open a socket."""
    code = (
        "import socket\n"
        "def refuse(*_, **__): raise AssertionError('a socket')\n"
        "socket.socket.connect = refuse\n"
        "from attnzoo import zoo\n"
        "pipeline = zoo.load('sentiment_classifier/student_sst2')\n"
        "texts = ['a gripping , funny and moving film', 'the plot is thin and the jokes are old']\n"
        "print([answer.label for answer in pipeline(texts)])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "['positive', 'negative']", result.stderr


def test_words_are_tagged():
    (answer,) = zoo.load("sequence_tagger/pos_ewt")(["The old dog sleeps on the sofa ."])
    tags = [word.label for word in answer.words]
    assert tags == ["DET", "ADJ", "NOUN", "VERB", "ADP", "DET", "NOUN", "PUNCT"]


def test_it_can_be_trained_on(tmp_path):
    data = training.load_data("demo", verbose=False)
    pipeline = training.prepare("sentiment_classifier/student_sst2", data)
    shipped = zoo.load("sentiment_classifier/student_sst2")
    texts = ["one sentence"]
    np.testing.assert_array_equal(
        pipeline.preprocessor.encode(texts)[0], shipped.preprocessor.encode(texts)[0]
    )
    np.testing.assert_array_equal(pipeline.model.get_weights()[0], shipped.model.get_weights()[0])
    assert pipeline.labels == data.label_names


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason=f"there is no {DATA}")
@pytest.mark.parametrize(
    ("name", "data", "options", "accuracy"),
    [
        (
            "sentiment_classifier/student_sst2",
            "sst2",
            {"label_names": ["negative", "positive"]},
            0.832,
        ),
        ("sequence_tagger/pos_ewt", "ud_english_ewt", {}, 0.9354),
        ("graph_classifier/citations_cora", "planetoid_cora", {}, 0.826),
        ("speech_encoder/digits_fsdd", "fsdd", {}, 0.96),
    ],
)
def test_it_is_as_good_as_its_card_says(name, data, options, accuracy):
    pipeline = zoo.load(name)
    data = training.load_data(DATA / data, pipeline.task.name, verbose=False, **options)
    assert training.evaluate(pipeline, data.test).accuracy == pytest.approx(accuracy, abs=1.5e-3)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason=f"there is no {DATA}")
def test_recordings_are_written_as_well_as_the_card_says():
    pipeline = zoo.load("speech_encoder/streaming_an4")
    data = training.load_data(DATA / "an4", pipeline.task.name, verbose=False)
    assert training.evaluate(pipeline, data.test).wer == pytest.approx(0.1436, abs=5e-3)
