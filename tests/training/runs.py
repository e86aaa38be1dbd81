"""Small training runs on the toy reviews."""

import csv

import keras
import numpy as np

from attnzoo import training, zoo

# Every source of chance is on: dropout, both augmentations, shuffling, averaging.
RECIPE = training.get_recipe(
    "demo",
    epochs=4,
    batch_size=8,
    learning_rate=0.1,
    ema_momentum=0.5,
    subword_dropout=0.1,
    token_dropout=0.1,
)


def new_pipeline(data, name="bag_of_words", **overrides):
    """A small pipeline with random weights; a bag of words is by far the fastest to compile."""
    keras.utils.set_random_seed(0)
    return training.prepare(name, data, vocabulary_size=200, max_sequence_length=16, **overrides)


def train(start, data, recipe=RECIPE, **kwargs):
    """Trains a copy of the pipeline that is saved in the folder `start`."""
    pipeline = training.prepare(zoo.load(start), data)
    return training.fit(pipeline, data, recipe, verbose=0, **kwargs)


def assert_same_run(history, expected):
    """Asserts that two runs have the same history and weights, to the last bit."""
    assert history.rows == expected.rows
    assert history.best_epoch == expected.best_epoch
    for weight, reference in zip(
        history.pipeline.model.weights, expected.pipeline.model.weights, strict=True
    ):
        np.testing.assert_array_equal(weight, reference, err_msg=weight.path)


def read_csv(path):
    """The rows of a CSV file, as strings."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
