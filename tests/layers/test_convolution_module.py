import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import ConvolutionModule

from ..layer_test_case import named_weights, randomize_weights
from . import references_speech
from .calls import run


def vectors(batch, length, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, length, 6)).astype("float32")


def module(kernel_size=4):
    layer = ConvolutionModule(kernel_size)
    layer.build((None, None, 6))
    randomize_weights(layer)
    return layer


@pytest.mark.parametrize("kernel_size", [1, 2, 5, 11])
@pytest.mark.parametrize("length", [1, 3, 9])
def test_it_is_the_module_of_the_paper_in_float64(kernel_size, length):
    layer, inputs = module(kernel_size), vectors(2, length)
    mask = np.arange(length) < np.array([[length], [length // 2]])
    expected = references_speech.convolution_module(inputs, mask, named_weights(layer))
    np.testing.assert_allclose(run(layer, inputs, padding_mask=mask), expected, rtol=0, atol=1e-5)


def test_it_does_not_look_ahead():
    layer, inputs = module(), vectors(1, 9)
    changed = inputs.copy()
    changed[:, 5:] = 7.0
    np.testing.assert_allclose(run(layer, changed)[:, :5], run(layer, inputs)[:, :5], atol=1e-6)
    assert np.abs(run(layer, changed)[:, 5:] - run(layer, inputs)[:, 5:]).max() > 0.1


def test_all_dropped_leaves_the_input():
    layer, inputs = ConvolutionModule(3, dropout=0.999999), vectors(2, 5)
    np.testing.assert_allclose(run(layer, inputs, training=True), inputs, atol=1e-6)


@given(
    st.integers(1, 6),
    st.lists(st.integers(1, 5), min_size=1, max_size=5),
    st.integers(0, 2**32 - 1),
)
def test_steps_of_any_size_give_the_vectors_of_the_whole(kernel_size, sizes, seed):
    layer, length = module(kernel_size), sum(sizes)
    inputs = vectors(2, length, seed)
    mask = np.arange(length) < np.array([[length], [length // 2]])
    state, outputs = layer.initial_state(2), []
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        part = slice(end - size, end)
        step, step_mask, state = layer.step(inputs[:, part], state, mask[:, part])
        np.testing.assert_array_equal(step_mask, mask[:, part])
        outputs.append(np.asarray(step))
    expected = run(layer, inputs, padding_mask=mask)
    np.testing.assert_allclose(np.concatenate(outputs, 1), expected, rtol=0, atol=1e-5)


def test_a_kernel_of_nothing_is_refused():
    with pytest.raises(ValueError, match="`kernel_size`, expected a positive integer"):
        ConvolutionModule(0)
