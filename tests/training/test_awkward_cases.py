"""Cases that once went wrong."""

import numpy as np
import pytest

from attnzoo import training, zoo
from attnzoo.training.held_out import stratified_selection

from .runs import RECIPE, new_pipeline
from .test_files import write
from .test_tfds import tfds
from .toy_data import toy_reviews, write_rows


def test_the_same_texts_give_the_same_vocabulary():
    texts = [text for text, _ in toy_reviews(60)]
    trained = [training.train_wordpiece(texts, vocabulary_size=120).to_str() for _ in range(5)]
    assert len(set(trained)) == 1


def test_a_first_row_whose_label_is_y_is_a_row(tmp_path):
    path = write(tmp_path / "a.tsv", "a good film\ty\na bad one\tn\nfine , really\ty\n")
    assert [row.label for row in training.sources.FileSource(path)] == ["y", "n", "y"]


def test_a_first_text_of_one_usual_word_is_a_row(tmp_path):
    path = write(tmp_path / "a.tsv", "Review\tgood\na bad one\tbad\nfine , really\tgood\n")
    assert next(iter(training.sources.FileSource(path))).input == "Review"


@pytest.mark.parametrize(("rows", "share"), [(2, 0.9), (2, 0.75), (5, 0.95)])
def test_holding_out_leaves_every_label_a_row(rows, share):
    labels = np.repeat([0, 1], [100, rows])
    assert (labels[~stratified_selection(labels, share)] == 1).any()


def test_a_pipeline_of_zoo_load_can_be_trained(small_architecture, toy_data, tmp_path):
    new_pipeline(toy_data).save(tmp_path / "run")
    history = training.fit(
        zoo.load(tmp_path / "run"), toy_data, RECIPE.replace(epochs=1), verbose=0
    )
    assert len(history.rows) == 1


@pytest.mark.parametrize("names", [["awful", "fine"], ["good", "bad"]])
def test_other_labels_of_the_same_number_get_a_new_head(
    small_architecture, toy_data, tmp_path, names
):
    pipeline = new_pipeline(toy_data)
    rows = [(text, str(i % 2)) for i, (text, _) in enumerate(toy_reviews(20))]
    data = training.load_data(
        write_rows(tmp_path / "a.tsv", rows), label_names=names, verbose=False
    )
    again = training.prepare(pipeline, data)
    head, old = (p.model.get_layer("logits").get_weights()[0] for p in (again, pipeline))
    assert not np.array_equal(head, old)


def test_a_text_with_a_lone_surrogate_is_refused_with_its_line(tmp_path):
    lines = ['{"text": "a", "label": "x"}', '{"text": "b \\ud800", "label": "y"}'] * 4
    path = write(tmp_path / "a.jsonl", "\n".join(lines))
    with pytest.raises(training.DataError, match="line 2"):
        training.load_data(path, verbose=False)


def test_a_number_of_classes_against_the_data_is_refused(toy_data):
    with pytest.raises(ValueError, match="num_classes"):
        training.prepare("sentiment_classifier/tiny", toy_data, num_classes=5)


@pytest.mark.parametrize("label", ["--1", "1-", "-"])
def test_a_label_that_is_nearly_a_number_is_a_name(tmp_path, label):
    rows = [("a", "1"), ("b", label)] * 5
    data = training.load_data(write_rows(tmp_path / "a.tsv", rows), verbose=False)
    assert set(data.label_names) == {"1", label}


def test_decimal_labels_are_in_numerical_order(tmp_path):
    rows = [(f"x {i}", label) for i, label in enumerate(["10.0", "9.0", "0.5"] * 4)]
    data = training.load_data(write_rows(tmp_path / "a.tsv", rows), verbose=False)
    assert data.label_names == ["0.5", "9.0", "10.0"]


def test_a_number_of_epochs_is_an_integer():
    with pytest.raises(ValueError, match=r"expected a positive integer\. Received: epochs=2\.0"):
        training.get_recipe("demo", epochs=2.0)


def test_epochs_without_a_number_are_never_the_best(tmp_path):
    from .test_callbacks import record_epochs

    record = record_epochs(tmp_path, [float("nan"), 0.5, 0.4], monitor="val_loss")
    assert record.best_epoch == 2


class OddReviews(tfds.core.GeneratorBasedBuilder):
    """Unlabelled test rows as in GLUE, labels as text, and no train split."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [  # noqa: RUF012
        tfds.core.BuilderConfig(name=name) for name in ("unlabelled_test", "text_label", "no_train")
    ]

    def _info(self):
        label = tfds.features.ClassLabel(names=["neg", "pos"])
        if self.builder_config.name == "text_label":
            label = tfds.features.Text()
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict({"text": tfds.features.Text(), "label": label})
        )

    def _split_generators(self, manager):
        names = ["test"] if self.builder_config.name == "no_train" else ["train", "test"]
        return {name: self._generate_examples(name) for name in names}

    def _generate_examples(self, split):
        for index in range(20):
            label = index % 2
            if self.builder_config.name == "unlabelled_test" and split == "test":
                label = -1
            if self.builder_config.name == "text_label":
                label = ("neg", "pos")[label]
            yield index, {"text": f"text {index}", "label": label}


@pytest.fixture
def odd(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    return lambda name, **kwargs: training.load_data(
        f"tfds:odd_reviews/{name}", download=True, verbose=False, **kwargs
    )


def test_test_rows_without_labels_are_left_out_as_in_glue(odd):
    data = odd("unlabelled_test")
    assert data.test is None
    assert data.label_names == ["neg", "pos"]


def test_labels_of_tfds_may_be_texts(odd):
    assert odd("text_label", text_column="text", label_column="label").label_names == ["neg", "pos"]


def test_a_data_set_without_training_rows_is_refused(odd):
    with pytest.raises(training.DataError, match="train"):
        odd("no_train")
