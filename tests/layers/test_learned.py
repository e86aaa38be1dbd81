import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import LearnedPositionalEncoding

from ..backends import BACKEND, needs_tensorflow, weight_gradients
from .references_positions import array, compiled
from .references_positions import vectors as vectors_of_shape

HIDDEN = 4


def vectors(length):
    return vectors_of_shape(2, length, HIDDEN)


@given(st.integers(1, 6), st.integers(0, 4))
def test_each_vector_gets_the_row_of_its_position_added(length, start_index):
    layer = LearnedPositionalEncoding(max_length=10)
    inputs = vectors(length)
    outputs = array(layer(inputs, start_index=start_index))
    rows = array(layer.table)[start_index : start_index + length]
    assert np.unique(rows, axis=0).shape == rows.shape
    np.testing.assert_allclose(outputs, inputs + rows, atol=2.5e-7)


def test_a_stream_in_chunks_gets_the_positions_of_the_whole():
    layer, inputs = LearnedPositionalEncoding(max_length=10), vectors(9)
    chunks = [array(layer(inputs[:, start : start + 3], start_index=start)) for start in (0, 3, 6)]
    np.testing.assert_allclose(np.concatenate(chunks, axis=1), array(layer(inputs)), atol=1e-7)


def test_start_index_may_be_a_tensor():
    layer, inputs = LearnedPositionalEncoding(max_length=10), vectors(3)
    shifted = compiled(lambda start: layer(inputs, start_index=start))
    for start in (0, 5, 7):
        tensor = ops.convert_to_tensor(start, "int32")
        wanted = array(layer(inputs, start_index=start))
        np.testing.assert_allclose(array(shifted(tensor)), wanted, atol=1e-7)
        np.testing.assert_allclose(array(layer(inputs, start_index=tensor)), wanted, atol=1e-7)


def test_only_positions_in_use_are_learned():
    layer, inputs = LearnedPositionalEncoding(max_length=5), vectors(3)
    layer(inputs)
    [gradient] = weight_gradients(lambda: ops.sum(layer(inputs)), layer.trainable_weights)
    np.testing.assert_allclose(gradient, np.repeat([[2.0], [0.0]], [3, 2], axis=0) * np.ones(4))


# === Beyond the table ===


@pytest.mark.parametrize(("length", "start_index"), [(5, 0), (3, 2), (1, 4), (1, -1)])
@pytest.mark.parametrize("kind", [int, np.int64, "tensor"], ids=["int", "NumPy", "tensor"])
def test_a_sequence_that_reaches_past_the_table_is_refused(length, start_index, kind):
    layer = LearnedPositionalEncoding(max_length=4)
    start = ops.convert_to_tensor(start_index) if kind == "tensor" else kind(start_index)
    with pytest.raises(
        ValueError,
        match=rf"past `max_length`.*length={length}, start_index={start_index}, max_length=4",
    ):
        layer(vectors(length), start_index=start)


def test_a_model_of_open_length_refuses_longer_inputs():
    states = keras.Input((None, HIDDEN))
    model = keras.Model(states, LearnedPositionalEncoding(max_length=4)(states))
    assert model.predict(vectors(4), verbose=0).shape == (2, 4, HIDDEN)
    with pytest.raises(ValueError, match="past `max_length`"):
        model(vectors(5))


@needs_tensorflow
def test_a_graph_of_open_length_names_what_failed():
    import tensorflow as tf

    states = keras.Input((None, HIDDEN))
    model = keras.Model(states, LearnedPositionalEncoding(max_length=4)(states))
    # By its second length `predict` runs a graph of open length.
    model.predict(vectors(3), verbose=0)
    model.predict(vectors(4), verbose=0)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"\[0, 4\], but got 5(.|\n)*past_max_length_4"
    ):
        model.predict(vectors(5), verbose=0)


@needs_tensorflow
@pytest.mark.parametrize("start_index", [2, 9, -1])
@pytest.mark.parametrize("by_xla", [False, True], ids=["", "XLA"])
def test_a_graph_with_an_open_start_names_what_failed(start_index, by_xla):
    import tensorflow as tf

    layer, inputs = LearnedPositionalEncoding(max_length=4), vectors(3)
    layer(inputs)
    shifted = tf.function(lambda start: layer(inputs, start_index=start), jit_compile=by_xla)
    assert np.isfinite(shifted(tf.constant(1))).all()
    with pytest.raises(tf.errors.InvalidArgumentError, match="past_max_length_4"):
        shifted(tf.constant(start_index))


@pytest.mark.skipif(BACKEND != "jax", reason="is about JAX")
@pytest.mark.parametrize("start_index", [2, 9, -1])
def test_compiled_by_jax_with_an_open_start_nan_tells_and_nothing_is_clipped(start_index):
    layer, inputs = LearnedPositionalEncoding(max_length=4), vectors(3)
    layer(inputs)
    shifted = compiled(lambda start: layer(inputs, start_index=start))
    assert np.isfinite(array(shifted(ops.convert_to_tensor(1)))).all()
    assert np.isnan(array(shifted(ops.convert_to_tensor(start_index)))).all()


# === Arguments ===


@pytest.mark.parametrize("max_length", [0, -1, 2.5, None])
def test_a_max_length_that_is_no_positive_integer_is_refused(max_length):
    with pytest.raises(ValueError, match=f"`max_length`, expected a positive.*={max_length}"):
        LearnedPositionalEncoding(max_length=max_length)


def test_an_unknown_initializer_is_refused():
    with pytest.raises(ValueError, match="initializer"):
        LearnedPositionalEncoding(max_length=4, initializer="unheard_of")
