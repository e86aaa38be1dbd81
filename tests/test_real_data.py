"""SST-2 from its files to three engines that agree; runs where the shared data are."""

from pathlib import Path

import numpy as np
import pytest

from attnzoo import export, training, zoo
from attnzoo.export.engines import SavedModelEngine

SST2 = Path(__file__).parents[2] / "shared" / "data" / "sst2"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SST2.is_dir(), reason=f"there is no {SST2}"),
]


@pytest.fixture(scope="module")
def data():
    return training.load_data(SST2, label_names=["negative", "positive"], verbose=False)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """A folder with a run of two epochs and its exports."""
    folder = tmp_path_factory.mktemp("sst2")
    recipe = training.get_recipe("scratch", epochs=2, learning_rate=3e-3)
    training.fit("sentiment_classifier/tiny", data, recipe, out=folder / "run", verbose=0)
    export.to_artefact(zoo.load(folder / "run"), folder / "dist")
    return folder


def test_the_splits_are_those_of_the_data_set(data):
    assert [len(split) for split in (data.train, data.validation, data.test)] == [6920, 872, 1821]


def test_it_learns_more_than_the_majority_label(data, run):
    majority = np.bincount(data.test.labels).max() / len(data.test)
    assert training.evaluate(zoo.load(run / "run"), data.test).accuracy > majority + 0.15


def test_three_engines_give_the_same_labels_on_the_whole_test_split(data, run):
    texts = list(data.test.inputs())
    expected = zoo.load(run / "run")(texts)
    for variant in ("savedmodel/1", "onnx/model.onnx"):
        received = export.load(run / "dist" / variant)(texts)
        assert [p.label for p in received] == [p.label for p in expected]
        np.testing.assert_allclose(
            [p.probability for p in received], [p.probability for p in expected], atol=1e-5
        )


def test_the_graph_tokenises_every_sentence_as_the_tokenizer_does(data, run):
    preprocessor = zoo.load(run / "run").preprocessor
    engine = SavedModelEngine(run / "dist" / "savedmodel" / "1")
    for split in (data.train, data.validation, data.test):
        texts = list(split.inputs())
        received = engine.run("preprocess", {"text": np.array(texts, object)})
        for ids, length, row in zip(
            preprocessor.encode(texts), received["lengths"], received["token_ids"], strict=True
        ):
            np.testing.assert_array_equal(row[:length], ids)
