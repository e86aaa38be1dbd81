import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import LearnedPositionalEncoding

HIDDEN = 4


def vectors(length, seed=0):
    return np.random.default_rng(seed).normal(size=(2, length, HIDDEN)).astype("float32")


@given(st.integers(1, 6), st.integers(0, 4))
def test_each_vector_gets_the_row_of_its_position_added(length, start_index):
    layer = LearnedPositionalEncoding(max_length=10)
    inputs = vectors(length)
    outputs = layer(inputs, start_index=start_index)
    rows = layer.table.numpy()[start_index : start_index + length]
    assert np.unique(rows, axis=0).shape == rows.shape
    np.testing.assert_allclose(outputs, inputs + rows, atol=1e-7)


def test_a_stream_in_chunks_gets_the_positions_of_the_whole():
    layer, inputs = LearnedPositionalEncoding(max_length=10), vectors(9)
    chunks = [layer(inputs[:, start : start + 3], start_index=start) for start in (0, 3, 6)]
    np.testing.assert_allclose(np.concatenate(chunks, axis=1), layer(inputs), atol=1e-7)


def test_start_index_may_be_a_tensor():
    layer, inputs = LearnedPositionalEncoding(max_length=10), vectors(3)
    shifted = tf.function(lambda start: layer(inputs, start_index=start))
    for start in (0, 5, 7):
        np.testing.assert_allclose(
            shifted(tf.constant(start)), layer(inputs, start_index=start), atol=1e-7
        )


def test_only_positions_in_use_are_learned():
    layer, inputs = LearnedPositionalEncoding(max_length=5), vectors(3)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs))
    gradient = tf.convert_to_tensor(tape.gradient(loss, layer.table.value)).numpy()
    np.testing.assert_allclose(gradient, np.repeat([[2.0], [0.0]], [3, 2], axis=0) * np.ones(4))


@pytest.mark.parametrize(("length", "start_index"), [(5, 0), (3, 2), (1, 4)])
def test_a_sequence_that_reaches_past_the_table_is_refused(length, start_index):
    layer = LearnedPositionalEncoding(max_length=4)
    with pytest.raises(
        ValueError,
        match=rf"past `max_length`.*length={length}, start_index={start_index}, max_length=4",
    ):
        layer(vectors(length), start_index=start_index)


def test_a_model_of_open_length_fails_on_longer_inputs_when_it_runs():
    states = keras.Input((None, HIDDEN))
    model = keras.Model(states, LearnedPositionalEncoding(max_length=4)(states))
    assert model.predict(vectors(4), verbose=0).shape == (2, 4, HIDDEN)
    with pytest.raises(ValueError, match="past `max_length`"):
        model(vectors(5))
    # By its second length `predict` runs a graph of open length, where only the slice can fail.
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"in \[0, 4\], but got 5"):
        model.predict(vectors(5), verbose=0)


@pytest.mark.parametrize("max_length", [0, -1, 2.5, None])
def test_a_max_length_that_is_no_positive_integer_is_refused(max_length):
    with pytest.raises(ValueError, match=f"`max_length`, expected a positive.*={max_length}"):
        LearnedPositionalEncoding(max_length=max_length)


def test_an_unknown_initializer_is_refused():
    with pytest.raises(ValueError, match="initializer"):
        LearnedPositionalEncoding(max_length=4, initializer="unheard_of")
