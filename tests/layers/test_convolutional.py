import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import ConvolutionalPositionalEncoding, MultiHeadSelfAttention

from ..layer_test_case import named_weights, randomize_weights
from . import references_positions as references
from .references_positions import array, vectors


@given(
    st.integers(1, 6),
    st.integers(1, 7),
    st.sampled_from([1, 2, 3, 6]),
    st.sampled_from([None, 0, 1]),
)
def test_outputs_match_the_sum_over_neighbours_in_float64(length, kernel_size, groups, seed):
    inputs = vectors(2, length, 6)
    mask = None if seed is None else np.random.default_rng(seed).random((2, length)) < 0.7
    layer = ConvolutionalPositionalEncoding(kernel_size, groups)
    layer(inputs)
    randomize_weights(layer)
    weights = named_weights(layer)
    expected = references.convolutional(inputs, weights["kernel"], weights["bias"], groups, mask)
    np.testing.assert_allclose(array(layer(inputs, padding_mask=mask)), expected, atol=5e-6)


def test_the_keras_mask_is_heeded_where_there_is_no_other():
    inputs = vectors(2, 5, 6)
    inputs[0, 3:] = 0.0
    layer = ConvolutionalPositionalEncoding(3)
    masked = keras.layers.Masking()(inputs)
    outputs = array(layer(masked))
    mask = np.array([[True] * 3 + [False] * 2, [True] * 5])
    np.testing.assert_array_equal(outputs, array(layer(inputs, padding_mask=mask)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 0}, "`kernel_size`, expected a positive integer"),
        ({"groups": 1.5}, "`groups`, expected a positive integer"),
        ({"groups": 4}, "`groups` to divide the size of the vectors.*groups=4, vectors of 6"),
    ],
    ids=str,
)
def test_what_makes_no_convolution_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ConvolutionalPositionalEncoding(**arguments)(vectors(1, 5, 6))


def test_a_later_chunk_and_causal_attention_are_refused():
    layer = ConvolutionalPositionalEncoding(3)
    with pytest.raises(ValueError, match="neighbours that the convolution would not see"):
        layer(vectors(1, 5, 6), start_index=5)
    with pytest.raises(ValueError, match=r"does not look ahead.*ConvolutionalPositionalEncoding"):
        MultiHeadSelfAttention(2, position="convolutional", causal=True)
