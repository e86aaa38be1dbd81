import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import SinCos2DPositionalEncoding

from ..backends import needs_tensorflow
from . import references_positions as references
from .references_positions import array, vectors


@given(st.integers(1, 5), st.integers(1, 6), st.sampled_from([4, 8, 12, 64]))
def test_it_adds_the_published_waves_of_column_and_row(height, width, hidden_dim):
    inputs = vectors(2, height * width, hidden_dim)
    outputs = array(SinCos2DPositionalEncoding(grid=(height, width))(inputs))
    expected = inputs + references.sincos_2d(height, width, hidden_dim)
    np.testing.assert_allclose(outputs, expected, atol=5e-7)


def test_half_of_the_channels_tells_the_column_and_half_the_row():
    zeros = np.zeros((1, 12, 8), "float32")
    waves = array(SinCos2DPositionalEncoding(grid=(3, 4))(zeros)).reshape(3, 4, 8)
    columns, rows = waves[..., :4], waves[..., 4:]
    np.testing.assert_array_equal(columns, np.broadcast_to(columns[:1], columns.shape))
    np.testing.assert_array_equal(rows, np.broadcast_to(rows[:, :1], rows.shape))
    np.testing.assert_array_equal(columns[0, :3], rows[:, 0])
    assert len(np.unique(waves.reshape(12, 8).round(4), axis=0)) == 12


def test_tokens_before_the_grid_get_no_position():
    inputs = vectors(2, 2 + 6, 8)
    outputs = array(SinCos2DPositionalEncoding(grid=(2, 3), num_prefix_tokens=2)(inputs))
    np.testing.assert_array_equal(outputs[:, :2], inputs[:, :2])
    grid_alone = array(SinCos2DPositionalEncoding(grid=(2, 3))(inputs[:, 2:]))
    np.testing.assert_array_equal(outputs[:, 2:], grid_alone)


def test_it_has_no_weights():
    layer = SinCos2DPositionalEncoding(grid=(2, 3))
    layer(vectors(1, 6, 4))
    assert layer.weights == []


# === Refused ===


@pytest.mark.parametrize("length", [1, 5, 7, 12])
def test_a_sequence_that_is_not_the_grid_is_refused(length):
    layer = SinCos2DPositionalEncoding(grid=(2, 3))
    with pytest.raises(
        ValueError, match=rf"sequence of 6 vectors.* `grid` .*length={length}, grid=\(2, 3\)"
    ):
        layer(vectors(2, length, 4))


@needs_tensorflow
@pytest.mark.parametrize("length", [1, 5, 12])
def test_a_graph_of_open_length_names_what_failed(length):
    import tensorflow as tf

    layer = SinCos2DPositionalEncoding(grid=(2, 3))
    layer(vectors(2, 6, 4))
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None, None, 4))])
    np.testing.assert_array_equal(graph(vectors(2, 6, 4)), layer(vectors(2, 6, 4)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="length_must_be_6"):
        graph(vectors(2, length, 4))


def test_a_model_of_open_length_refuses_another_length():
    states = keras.Input((None, 4))
    model = keras.Model(states, SinCos2DPositionalEncoding(grid=(2, 3))(states))
    with pytest.raises(ValueError, match="sequence of 6 vectors"):
        model(vectors(2, 5, 4))


def test_a_chunk_is_refused():
    with pytest.raises(ValueError, match="`start_index=0`, as a grid is taken whole"):
        SinCos2DPositionalEncoding(grid=(2, 3))(vectors(1, 3, 4), start_index=3)


@pytest.mark.parametrize("grid", [None, 4, (4,), (2, 3, 4), (0, 3), (2.0, 3), (True, 2), "23"])
def test_a_grid_that_is_no_height_and_width_is_refused(grid):
    with pytest.raises(ValueError, match="`grid`, expected two positive integers"):
        SinCos2DPositionalEncoding(grid=grid)


@pytest.mark.parametrize("number", [-1, 1.0, None])
def test_a_number_of_prefix_tokens_that_is_none_is_refused(number):
    with pytest.raises(ValueError, match=f"`num_prefix_tokens`, expected .*={number}"):
        SinCos2DPositionalEncoding(grid=(2, 3), num_prefix_tokens=number)


@pytest.mark.parametrize("hidden_dim", [2, 6, 7])
def test_an_input_size_that_is_no_multiple_of_four_is_refused(hidden_dim):
    with pytest.raises(ValueError, match=f"multiple of 4.*input size {hidden_dim}"):
        SinCos2DPositionalEncoding(grid=(2, 3))(vectors(1, 6, hidden_dim))
