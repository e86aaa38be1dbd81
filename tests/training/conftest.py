import keras
import pytest

from attnzoo import training
from attnzoo.zoo import registry

from ..zoo import bag_of_words
from .runs import new_pipeline, train
from .toy_data import toy_reviews, write_rows, write_toy_sentences


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory):
    """Sixty easy rows to learn from, twenty to choose by and to report on."""
    folder = tmp_path_factory.mktemp("toy")
    write_rows(folder / "train.tsv", toy_reviews(60, seed=0))
    write_rows(folder / "dev.tsv", toy_reviews(20, seed=1))
    write_rows(folder / "test.tsv", toy_reviews(20, seed=2))
    return training.load_data(folder, verbose=False)


@pytest.fixture(scope="session")
def tokenizer(toy_data):
    """A WordPiece tokenizer of the toy reviews, with whole words and pieces of them."""
    return training.train_wordpiece(toy_data.train.inputs(), vocabulary_size=120)


@pytest.fixture(scope="package")
def small_architecture():
    """The registered bag of words, while the tests of this folder run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_ARCHITECTURES", dict(registry._ARCHITECTURES))
        bag_of_words.register()
        yield


@pytest.fixture(scope="package")
def start(small_architecture, toy_data, tmp_path_factory):
    """A folder with the pipeline, not yet trained, that runs begin with."""
    folder = tmp_path_factory.mktemp("start") / "pipeline"
    new_pipeline(toy_data).save(folder)
    return folder


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """Where `finished` put its files; not to be changed."""
    return tmp_path_factory.mktemp("runs") / "finished"


@pytest.fixture(scope="package")
def finished(start, toy_data, run_folder):
    """A run of four epochs that nothing interrupted."""
    return train(start, toy_data, out=run_folder, provenance={"who": "the tests"})


@pytest.fixture(scope="session")
def tagged_data(tmp_path_factory):
    """Sentences about people and places, with BIO tags."""
    folder = tmp_path_factory.mktemp("tagged")
    write_toy_sentences(folder / "train.conll", 60, seed=0)
    write_toy_sentences(folder / "dev.conll", 12, seed=1)
    write_toy_sentences(folder / "test.conll", 12, seed=2)
    return training.load_data(folder, "token_classification", verbose=False)


@pytest.fixture
def tagger(tagged_data):
    """A small tagger with random weights."""
    keras.utils.set_random_seed(0)
    return training.prepare(
        "sequence_tagger/tiny",
        tagged_data,
        num_layers=1,
        hidden_dim=8,
        intermediate_dim=8,
        vocabulary_size=120,
        max_sequence_length=32,
    )
