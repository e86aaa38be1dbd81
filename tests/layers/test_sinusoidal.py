import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import SinusoidalPositionalEncoding

from . import references
from .references_positions import array, compiled, vectors


def encoding(length, hidden_dim, start_index=0, **kwargs):
    """What the layer adds to zeros."""
    zeros = np.zeros((1, length, hidden_dim), "float32")
    return array(SinusoidalPositionalEncoding(**kwargs)(zeros, start_index=start_index))[0]


@pytest.mark.parametrize(
    ("length", "hidden_dim", "max_wavelength", "tolerance"),
    [
        (1, 2, 1e4, 1e-6),
        (20, 16, 1e4, 2e-6),
        (20, 7, 1e4, 2e-6),
        (50, 8, 100.0, 1e-5),
        (1000, 4, 1e4, 2e-4),
    ],
)
def test_it_adds_the_published_waves(length, hidden_dim, max_wavelength, tolerance):
    expected = references.sinusoidal_encoding(length, hidden_dim, max_wavelength)
    result = encoding(length, hidden_dim, max_wavelength=max_wavelength)
    np.testing.assert_allclose(result, expected, atol=tolerance)

    inputs = vectors(2, length, hidden_dim)
    outputs = SinusoidalPositionalEncoding(max_wavelength=max_wavelength)(inputs)
    np.testing.assert_allclose(array(outputs), inputs + expected, atol=tolerance)


@pytest.mark.parametrize("hidden_dim", [2, 6, 7])
@pytest.mark.parametrize("first_position", [0, 2])
def test_halves_are_the_sines_and_the_cosines_of_fairseq(hidden_dim, first_position):
    half = hidden_dim // 2
    expected = np.zeros((20, hidden_dim))
    for position, channel in np.ndindex(20, half):
        angle = (position + first_position) / 10000 ** (channel / max(1, half - 1))
        expected[position, channel] = np.sin(angle)
        expected[position, half + channel] = np.cos(angle)
    result = encoding(20, hidden_dim, layout="halves", first_position=first_position)
    np.testing.assert_allclose(result, expected, atol=5e-6)
    chunk = encoding(5, hidden_dim, 3, layout="halves", first_position=first_position)
    np.testing.assert_allclose(chunk, expected[3:8], atol=5e-6)


def test_an_unknown_layout_is_refused():
    with pytest.raises(ValueError, match=r"`layout`, expected one of .*layout='thirds'"):
        SinusoidalPositionalEncoding(layout="thirds")
    with pytest.raises(ValueError, match="`first_position`, expected a non-negative integer"):
        SinusoidalPositionalEncoding(first_position=-1)


@given(st.integers(1, 6), st.integers(0, 30))
def test_a_stream_in_chunks_gets_the_positions_of_the_whole(length, start_index):
    whole = encoding(start_index + length, 6)
    chunk = encoding(length, 6, start_index=start_index)
    np.testing.assert_allclose(chunk, whole[start_index:], atol=1e-6)


@given(st.integers(0, 50), st.integers(1, 20))
def test_a_step_in_position_is_a_rotation_of_each_pair_of_channels(position, step):
    # Section 3.5: PE(position + step) is a linear function of PE(position).
    hidden_dim = 6
    waves = encoding(position + step + 1, hidden_dim)
    angle = step / 10000 ** (np.arange(0, hidden_dim, 2) / hidden_dim)
    sine, cosine = waves[position, ::2], waves[position, 1::2]
    rotated = sine * np.cos(angle) + cosine * np.sin(angle)
    np.testing.assert_allclose(waves[position + step, ::2], rotated, atol=1e-5)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_start_index_may_be_a_tensor(dtype):
    layer, zeros = SinusoidalPositionalEncoding(), np.zeros((1, 3, 4), "float32")
    shifted = compiled(lambda start: layer(zeros, start_index=start))
    outputs = array(shifted(ops.convert_to_tensor(5, dtype)))[0]
    np.testing.assert_allclose(outputs, encoding(8, 4)[5:], atol=1e-6)


def test_float16_tells_positions_past_2048_apart():
    layer = SinusoidalPositionalEncoding(dtype="float16")
    outputs = array(layer(np.zeros((1, 3000, 2), "float16")))[0]
    expected = references.sinusoidal_encoding(3000, 2)
    np.testing.assert_allclose(outputs, expected, atol=2e-3)


def test_it_has_no_weights_and_no_end():
    layer = SinusoidalPositionalEncoding()
    assert tuple(layer(np.zeros((1, 5000, 2), "float32")).shape) == (1, 5000, 2)
    assert layer.weights == []


@pytest.mark.parametrize(("length", "start_index"), [(5, 0), (3, 2)])
def test_a_sequence_that_reaches_past_max_length_is_refused(length, start_index):
    with pytest.raises(
        ValueError,
        match=rf"past `max_length`.*length={length}, start_index={start_index}, max_length=4",
    ):
        encoding(length, 2, start_index=start_index, max_length=4)


def test_a_model_of_open_length_refuses_longer_inputs_whose_length_it_knows():
    states = keras.Input((None, 2))
    model = keras.Model(states, SinusoidalPositionalEncoding(max_length=4)(states))
    assert tuple(model(np.zeros((1, 4, 2))).shape) == (1, 4, 2)
    with pytest.raises(ValueError, match="past `max_length`"):
        model.predict(np.zeros((1, 5, 2)), verbose=0)


@pytest.mark.parametrize("max_length", [0, -1, 2.5])
def test_a_max_length_that_is_no_positive_integer_is_refused(max_length):
    with pytest.raises(ValueError, match=f"`max_length`, expected a positive.*={max_length}"):
        SinusoidalPositionalEncoding(max_length=max_length)


@pytest.mark.parametrize("max_wavelength", [0.0, -1.0])
def test_a_max_wavelength_that_gives_no_waves_is_refused(max_wavelength):
    with pytest.raises(ValueError, match="`max_wavelength`"):
        SinusoidalPositionalEncoding(max_wavelength=max_wavelength)
