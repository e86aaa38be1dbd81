"""TensorFlow Datasets, prepared in a folder of the test; nothing goes over the network."""

import numpy as np
import pytest

from attnzoo import training

tfds = pytest.importorskip("tensorflow_datasets")

ROWS = [("a good film", 1), ("a bad one", 0), ("fine , really", 1), ("Ünïcode 日本", 0)]
SPLITS = {"train": ROWS, "validation": ROWS[:2], "test": ROWS[2:], "unsupervised": ROWS}


class TinyReviews(tfds.core.GeneratorBasedBuilder):
    """Four reviews, with a second text and a second label."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [  # noqa: RUF012
        tfds.core.BuilderConfig(name="plain"),
        tfds.core.BuilderConfig(name="more_features"),
        tfds.core.BuilderConfig(name="train_only"),
        tfds.core.BuilderConfig(name="tagged"),
        tfds.core.BuilderConfig(name="unprepared"),
    ]

    def _info(self):
        features = {
            "text": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=["neg", "pos"]),
        }
        if self.builder_config.name == "more_features":
            features |= {
                "title": tfds.features.Text(),
                "stars": tfds.features.Scalar(np.int64),
                "helpful": tfds.features.ClassLabel(num_classes=2),
            }
        if self.builder_config.name == "tagged":
            features = {
                "tokens": tfds.features.Sequence(tfds.features.Text()),
                "ner": tfds.features.Sequence(tfds.features.ClassLabel(names=["O", "B-x"])),
                "pos": tfds.features.Sequence(tfds.features.ClassLabel(names=["N", "V"])),
            }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, manager):
        names = ["train"] if self.builder_config.name == "train_only" else SPLITS
        return {name: self._generate_examples(name) for name in names}

    def _generate_examples(self, split):
        for index, (text, label) in enumerate(SPLITS[split]):
            example = {"text": text, "label": label}
            if self.builder_config.name == "more_features":
                example |= {"title": f"title {index}", "stars": 4 * label + 1, "helpful": 1 - label}
            if self.builder_config.name == "tagged":
                words = text.split()
                marks = [label, *[0] * (len(words) - 1)]
                example = {"tokens": words, "ner": marks, "pos": [1 - mark for mark in marks]}
            yield index, example


@pytest.fixture(scope="module", autouse=True)
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tensorflow_datasets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfds.core.constants, "DATA_DIR", str(folder))
        for name in ("plain", "more_features", "train_only", "tagged"):
            builder = tfds.builder(f"tiny_reviews/{name}")
            assert builder.data_dir.startswith(str(folder))
            builder.download_and_prepare()
        yield


def load(spec, **kwargs):
    return training.load_data(spec, verbose=False, **kwargs)


def rows_of(split):
    return sorted(zip(split.inputs(), split.labels.tolist(), strict=True))


def test_a_prepared_data_set_has_its_splits_and_names():
    data = load("tfds:tiny_reviews/plain")
    assert data.label_names == ["neg", "pos"]
    assert rows_of(data.train) == sorted(ROWS)
    assert rows_of(data.validation) == sorted(ROWS[:2])
    assert rows_of(data.test) == sorted(ROWS[2:])
    assert list(data.train.inputs()) == list(data.train.inputs()), "the order stays"
    assert data.understood[0] == (
        "tfds:tiny_reviews/plain: text in feature 'text', label in feature 'label', "
        "splits ['train', 'validation', 'test']"
    )


def test_without_a_validation_split_one_is_held_out():
    data = load("tfds:tiny_reviews/train_only")
    assert (len(data.train), len(data.validation), data.test) == (2, 2, None)
    assert sorted(rows_of(data.train) + rows_of(data.validation)) == sorted(ROWS)


def test_features_can_be_named():
    data = load("tfds:tiny_reviews/more_features", text_column="title", label_column="stars")
    assert data.label_names == ["1", "5"]
    assert sorted(data.train.inputs()) == [f"title {index}" for index in range(4)]
    assert sorted(data.train.labels.tolist()) == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, r"one text feature.*name it by `text_column`.*\['text', 'title'\]"),
        ({"text_column": "text"}, r"one label feature.*name it by `label_column`.*'helpful'"),
        ({"text_column": "body"}, r"a feature 'body' in tfds:tiny_reviews.*'stars'"),
    ],
)
def test_features_that_are_not_clear_are_refused(columns, message):
    with pytest.raises(training.DataError, match=message):
        load("tfds:tiny_reviews/more_features", **columns)


def test_one_split_is_loaded_to_evaluate_on():
    split = training.load_split("tfds:tiny_reviews/plain", ["pos", "neg"])
    assert split.name == "test"
    assert rows_of(split) == sorted((text, 1 - label) for text, label in ROWS[2:])


def test_a_data_set_that_is_not_prepared_is_refused_and_nothing_is_fetched(monkeypatch):
    def fetch(*args, **kwargs):
        raise AssertionError("it reached for the network")

    monkeypatch.setattr("socket.socket.connect", fetch)
    for name in ("tiny_reviews/unprepared", "imdb_reviews"):
        with pytest.raises(training.DataError, match=rf"tfds:{name} to be prepared.*`--download`"):
            load(f"tfds:{name}")


def test_a_data_set_is_prepared_when_asked():
    data = load("tfds:tiny_reviews/unprepared", download=True)
    assert len(data.train) == 4


def test_an_unknown_name_is_refused():
    with pytest.raises(training.DataError, match=r"`tfds\.list_builders\(\)`.*tfds:tiny_revues"):
        load("tfds:tiny_revues")


def test_tagged_sentences_are_lists_of_words_and_of_names():
    data = load("tfds:tiny_reviews/tagged", task="token_classification", label_column="ner")
    assert data.label_names == ["B-x", "O"]
    rows = dict(zip(map(tuple, data.train.inputs()), data.train.labels, strict=True))
    assert rows.keys() == {tuple(text.split()) for text, _ in ROWS}
    assert rows["a", "good", "film"].tolist() == [0, 1, 1]
    assert rows["a", "bad", "one"].tolist() == [1, 1, 1]


def test_of_several_kinds_of_tags_one_must_be_named():
    with pytest.raises(training.DataError, match=r"one label feature.*\['ner', 'pos'\]"):
        load("tfds:tiny_reviews/tagged", task="token_classification")
