import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import GatherPositions

from ..backends import gradients
from .strategies import sequences


@given(sequences(), st.data())
def test_each_position_gives_its_vector_and_none_gives_zeros(drawn, data):
    batch, length, _ = drawn.inputs.shape
    places = st.lists(st.integers(-1, length - 1), min_size=3, max_size=3)
    positions = np.array(data.draw(st.lists(places, min_size=batch, max_size=batch)))
    outputs = np.asarray(GatherPositions()(drawn.inputs, positions))
    for row, chosen in enumerate(positions):
        for word, position in enumerate(chosen):
            expected = drawn.inputs[row, position] if position >= 0 else 0 * outputs[row, word]
            np.testing.assert_array_equal(outputs[row, word], expected)


def test_no_position_has_no_gradient():
    inputs = ops.convert_to_tensor(np.ones((1, 3, 2), "float32"))
    positions = np.array([[1, -1, 1]])
    (gradient,) = gradients(lambda x: ops.sum(GatherPositions()(x, positions)), [inputs])
    np.testing.assert_array_equal(gradient, [[[0, 0], [2, 2], [0, 0]]])
