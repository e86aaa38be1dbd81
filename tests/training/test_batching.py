import itertools

import keras
import numpy as np
import pytest

from attnzoo.layers import SequencePooling
from attnzoo.training import BucketedBatches
from attnzoo.training.examples import TextExamples
from attnzoo.training.token_store import TokenStore
from attnzoo.zoo.text_preprocessor import TextPreprocessor

ROWS = 103


class Counting(TextPreprocessor):
    """Row `i` is the token `i + 1`, as often as its text is long; so rows can be told apart."""

    def __init__(self, max_sequence_length=64):
        self.max_sequence_length = max_sequence_length
        self.pad_id = 0
        self.num_segments = 0

    def encode(self, texts):
        return [np.full(len(text), index + 1, "int32") for index, text in enumerate(texts)]


LENGTHS = np.random.default_rng(0).geometric(0.1, ROWS).clip(1, 60)


@pytest.fixture(scope="module")
def store():
    return TokenStore(Counting(), ["x" * length for length in LENGTHS])


def make(store, augment=None, **kwargs):
    arguments = {"batch_size": 8, "seed": 0} | kwargs
    return BucketedBatches(TextExamples(store, np.arange(ROWS), Counting(), augment), **arguments)


def rows_of(batches):
    """The rows of each batch of an epoch; labels are the rows' indices here."""
    return [labels.tolist() for _, labels in batches]


def joined(rows):
    return list(itertools.chain(*rows))


def every_setting():
    settings = [(shuffle, bucketing) for shuffle in (True, False) for bucketing in (True, False)]
    return pytest.mark.parametrize(("shuffle", "bucketing"), settings)


@every_setting()
@pytest.mark.parametrize("batch_size", [1, 8, 103, 200])
def test_an_epoch_has_every_row_once(store, shuffle, bucketing, batch_size):
    batches = make(store, shuffle=shuffle, bucketing=bucketing, batch_size=batch_size)
    for _ in range(2):
        rows = rows_of(batches)
        assert sorted(joined(rows)) == list(range(ROWS))
        assert len(rows) == len(batches) == -(-ROWS // batch_size)
        assert sorted(len(batch) for batch in rows)[1:] == [batch_size] * (len(batches) - 1)


@every_setting()
def test_labels_stay_with_their_rows_and_rows_are_whole(store, shuffle, bucketing):
    for inputs, labels in make(store, shuffle=shuffle, bucketing=bucketing):
        assert labels.dtype == "int32"
        for ids, mask, row in zip(inputs["token_ids"], inputs["padding_mask"], labels, strict=True):
            assert mask.sum() == LENGTHS[row]
            assert (ids[: LENGTHS[row]] == row + 1).all()
            assert (ids[LENGTHS[row] :] == 0).all()


@every_setting()
def test_a_batch_is_as_long_as_its_longest_row_in_steps_of_eight(store, shuffle, bucketing):
    for inputs, labels in make(store, shuffle=shuffle, bucketing=bucketing):
        length = inputs["token_ids"].shape[1]
        assert length % 8 == 0
        assert 0 <= length - LENGTHS[labels].max() < 8


def test_no_batch_is_longer_than_the_model_takes():
    preprocessor = Counting(max_sequence_length=13)
    store = TokenStore(preprocessor, ["x" * 13, "x" * 9, ""])
    examples = TextExamples(store, [0, 1, 2], preprocessor)
    for inputs, _ in BucketedBatches(examples, batch_size=1):
        assert inputs["token_ids"].shape[1] in (8, 13)


def test_the_same_seed_gives_the_same_order(store):
    first, second = make(store, seed=3), make(store, seed=3)
    for _ in range(3):
        assert rows_of(first) == rows_of(second)


def test_another_seed_gives_another_order(store):
    assert rows_of(make(store, seed=3)) != rows_of(make(store, seed=4))


def test_each_epoch_has_an_order_of_its_own(store):
    batches = make(store)
    epochs = [rows_of(batches) for _ in range(3)]
    assert batches.epoch == 3
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_an_epoch_can_be_gone_to(store):
    batches = make(store)
    epochs = [rows_of(batches) for _ in range(3)]
    resumed = make(store)
    resumed.epoch = 2
    assert rows_of(resumed) == epochs[2]


def test_an_epoch_left_half_way_does_not_change_the_next(store):
    batches, other = make(store), make(store)
    next(iter(batches))
    rows_of(other)
    assert rows_of(batches) == rows_of(other)


def test_without_shuffling_every_epoch_is_the_same(store):
    batches = make(store, shuffle=False, bucketing=False)
    assert joined(rows_of(batches)) == list(range(ROWS))
    batches = make(store, shuffle=False)
    first = rows_of(batches)
    assert first == rows_of(batches)
    assert (np.diff(LENGTHS[joined(first)]) >= 0).all()


def padding(batches):
    return sum((~inputs["padding_mask"]).sum() for inputs, _ in batches)


@pytest.mark.parametrize("shuffle", [True, False])
def test_buckets_carry_less_padding(store, shuffle):
    with_buckets = padding(make(store, shuffle=shuffle))
    assert with_buckets < 0.5 * padding(make(store, shuffle=shuffle, bucketing=False))


def test_batches_of_like_length_come_in_any_order(store):
    longest = [LENGTHS[rows].max() for rows in rows_of(make(store))]
    assert longest != sorted(longest)


def test_augmentation_is_decided_by_seed_and_epoch(store):
    def augment(encoded, generator):
        return [ids + generator.integers(1000) for ids in encoded]

    def ids_of(batches):
        return np.concatenate([inputs["token_ids"].ravel() for inputs, _ in batches])

    first, second = make(store, augment=augment), make(store, augment=augment)
    epochs = [ids_of(first) for _ in range(2)]
    for epoch in epochs:
        np.testing.assert_array_equal(ids_of(second), epoch)
    plain = [ids_of(batches) for batches in [make(store)] * 2]
    assert (epochs[0] != plain[0]).any()
    assert not np.array_equal(epochs[0] - plain[0], epochs[1] - plain[1])


def test_a_batch_may_grow_by_augmentation(store):
    def double(encoded, generator):
        return [np.repeat(ids, 2)[:64] for ids in encoded]

    for inputs, rows in make(store, augment=double):
        expected = (2 * LENGTHS[rows]).clip(max=64)
        np.testing.assert_array_equal(inputs["padding_mask"].sum(axis=1), expected)


def test_a_dataset_has_the_same_batches(store):
    dataset, batches = make(store).as_dataset(), make(store)
    assert dataset.cardinality() == len(batches)
    for _ in range(2):
        for (inputs, labels), (expected_inputs, expected_labels) in zip(
            dataset.as_numpy_iterator(), batches, strict=True
        ):
            np.testing.assert_array_equal(labels, expected_labels)
            for name in ("token_ids", "padding_mask"):
                np.testing.assert_array_equal(inputs[name], expected_inputs[name])


def test_a_plain_fit_takes_a_dataset(store):
    inputs = {
        "padding_mask": keras.Input((None,), dtype="bool", name="padding_mask"),
        "token_ids": keras.Input((None,), dtype="int32", name="token_ids"),
    }
    states = keras.layers.Embedding(ROWS + 1, 8)(inputs["token_ids"])
    states = SequencePooling()(states, padding_mask=inputs["padding_mask"])
    model = keras.Model(inputs, keras.layers.Dense(ROWS)(states))
    model.compile(
        keras.optimizers.Adam(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    dataset = make(store).as_dataset()
    history = model.fit(dataset, validation_data=dataset, epochs=4, verbose=0).history
    assert history["loss"][3] < 0.8 * history["loss"][0]
    assert len(history["val_loss"]) == 4
