import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import ConditionalPositionalEncoding

from ..backends import gradients, needs_tensorflow, weight_gradients
from ..layer_test_case import named_weights, randomize_weights
from . import references_positions as references
from .references_positions import array, vectors


def make_layer(inputs, **kwargs):
    layer = ConditionalPositionalEncoding(**kwargs)
    layer(inputs)
    randomize_weights(layer)
    return layer


def expected(layer, inputs, padding_mask=None):
    weights = named_weights(layer)
    kernel, bias = weights["convolution/kernel"], weights["convolution/bias"]
    return references.conditional(inputs, kernel, bias, layer.grid, padding_mask)


@st.composite
def cases(draw):
    """Arguments of the layer, inputs that fit, and a padding mask of any pattern or None."""
    kernel_size = draw(st.sampled_from([1, 3, 5]))
    grid = draw(st.none() | st.tuples(st.integers(1, 4), st.integers(1, 4)))
    length = draw(st.integers(1, 7)) if grid is None else grid[0] * grid[1]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    inputs = rng.normal(size=(2, length, draw(st.integers(1, 4)))).astype("float32")
    mask = rng.random((2, length)) < 0.7 if draw(st.booleans()) else None
    return {"kernel_size": kernel_size, "grid": grid}, inputs, mask


@given(cases())
def test_outputs_match_the_sum_over_neighbours_in_float64(case):
    kwargs, inputs, mask = case
    layer = make_layer(inputs, **kwargs)
    outputs = array(layer(inputs, padding_mask=mask))
    np.testing.assert_allclose(outputs, expected(layer, inputs, mask), atol=2e-6)


@pytest.mark.parametrize("grid", [None, (2, 3)], ids=["sequence", "grid"])
def test_gradients_match_those_of_the_reference(grid):
    inputs, cotangent = vectors(2, 6, 3), vectors(2, 6, 3, seed=1)
    mask = np.arange(6)[None, :] < np.array([[6], [4]])
    layer = make_layer(inputs, grid=grid)
    weights = named_weights(layer)

    def loss(states, kernel, bias):
        outputs = references.conditional(states, kernel, bias, grid, mask)
        return np.sum(outputs * cotangent)

    arguments = [np.float64(inputs), weights["convolution/kernel"], weights["convolution/bias"]]
    wanted = [
        references.numerical_gradient(
            lambda x, i=i: loss(*arguments[:i], x, *arguments[i + 1 :]), arguments[i]
        )
        for i in range(3)
    ]

    def loss_of_layer(states):
        return ops.sum(ops.multiply(layer(states, padding_mask=mask), cotangent))

    found = gradients(loss_of_layer, [inputs])
    found += weight_gradients(lambda: loss_of_layer(inputs), layer.trainable_weights)
    for gradient, reference in zip(found, wanted, strict=True):
        np.testing.assert_allclose(gradient, reference, atol=1e-5)


@given(st.integers(1, 6), st.integers(0, 5), st.sampled_from([1, 3, 5]))
def test_padding_does_not_leak(length, padding, kernel_size):
    inputs = vectors(1, length, 4)
    garbage = np.full((1, padding, 4), np.nan, "float32")
    layer = make_layer(inputs, kernel_size=kernel_size)
    mask = np.arange(length + padding)[None, :] < length
    padded = layer(np.concatenate([inputs, garbage], axis=1), padding_mask=mask)
    np.testing.assert_allclose(array(padded)[:, :length], array(layer(inputs)), atol=1e-6)


def test_the_mask_of_an_embedding_is_heeded():
    token_ids = np.array([[3, 4, 0, 0, 0], [1, 2, 3, 4, 5]])
    embedding = keras.layers.Embedding(6, 4, mask_zero=True)
    states = ops.convert_to_numpy(embedding(token_ids))
    layer = make_layer(states)
    with_mask = array(layer(states, padding_mask=token_ids != 0))
    assert np.abs(with_mask - array(layer(states))).max() > 1e-3
    np.testing.assert_allclose(array(layer(embedding(token_ids))), with_mask, atol=1e-7)

    token_input = keras.Input((None,), dtype="int32")
    model = keras.Model(token_input, layer(embedding(token_input)))
    np.testing.assert_allclose(array(model(token_ids)), with_mask, atol=1e-7)


def test_the_border_tells_equal_vectors_apart():
    inputs = np.ones((1, 6, 4), "float32")
    outputs = array(make_layer(inputs)(inputs))[0]
    np.testing.assert_allclose(outputs[1:5], np.repeat(outputs[1:2], 4, axis=0), atol=1e-6)
    assert np.abs(outputs[0] - outputs[1]).max() > 0.01
    assert np.abs(outputs[5] - outputs[1]).max() > 0.01


def test_the_end_of_a_row_and_the_start_of_the_next_are_no_neighbours():
    inputs = np.zeros((1, 8, 2), "float32")
    inputs[0, 3] = 1.0  # The end of the first of two rows.
    layer = make_layer(inputs, grid=(2, 4))
    change = np.abs(array(layer(inputs)) - array(layer(np.zeros_like(inputs))))[0].max(axis=-1)
    np.testing.assert_array_equal(change > 1e-6, [0, 0, 1, 1, 0, 0, 1, 1])


def test_it_does_not_depend_on_the_global_data_format():
    inputs = vectors(1, 6, 4)
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        layer = ConditionalPositionalEncoding(grid=(2, 3))
    finally:
        keras.config.set_image_data_format(before)
    layer(inputs)
    np.testing.assert_allclose(array(layer(inputs)), expected(layer, inputs), atol=2e-6)


# === Refused ===


@pytest.mark.parametrize("length", [1, 5, 12])
def test_a_sequence_that_is_not_the_grid_is_refused(length):
    with pytest.raises(
        ValueError, match=rf"sequence of 6 vectors.* `grid` .*length={length}, grid=\(2, 3\)"
    ):
        ConditionalPositionalEncoding(grid=(2, 3))(vectors(2, length, 4))


@needs_tensorflow
@pytest.mark.parametrize(("batch", "length"), [(2, 3), (6, 1), (2, 12), (2, 5)])
def test_a_graph_of_open_length_names_what_failed_and_never_mixes_the_batch(batch, length):
    import tensorflow as tf

    layer = make_layer(vectors(2, 6, 4), grid=(2, 3))
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None, None, 4))])
    np.testing.assert_allclose(graph(vectors(2, 6, 4)), layer(vectors(2, 6, 4)), atol=1e-6)
    with pytest.raises(tf.errors.InvalidArgumentError, match="length_must_be_6"):
        graph(vectors(batch, length, 4))


@pytest.mark.parametrize(
    ("grid", "message"),
    [(None, "neighbours that .* would not see"), ((1, 3), "whole")],
)
def test_a_chunk_is_refused(grid, message):
    with pytest.raises(ValueError, match=f"`start_index=0`.*{message}.*start_index=3"):
        ConditionalPositionalEncoding(grid=grid)(vectors(1, 3, 4), start_index=3)


@pytest.mark.parametrize("kernel_size", [0, -1, 3.0, (3, 3), None])
def test_a_kernel_size_that_is_no_positive_integer_is_refused(kernel_size):
    with pytest.raises(ValueError, match="`kernel_size`, expected a positive integer"):
        ConditionalPositionalEncoding(kernel_size=kernel_size)


def test_an_even_kernel_size_is_refused():
    with pytest.raises(ValueError, match=r"`kernel_size`, expected an odd integer.*kernel_size=4"):
        ConditionalPositionalEncoding(kernel_size=4)


def test_a_grid_that_is_no_height_and_width_is_refused():
    with pytest.raises(ValueError, match="`grid`, expected two positive integers"):
        ConditionalPositionalEncoding(grid=(3,))
