import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import CausalSubsampling

from ..layer_test_case import named_weights, randomize_weights
from . import references_speech
from .calls import run


def frames(batch, length, features, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, length, features)).astype("float32")


def subsampling(factor, features, output_dim=5):
    layer = CausalSubsampling(output_dim, factor, channels=3)
    layer.build((None, None, features))
    randomize_weights(layer)
    return layer


@pytest.mark.parametrize("factor", [1, 2, 4])
@pytest.mark.parametrize("features", [1, 6, 9])
@pytest.mark.parametrize("length", [4, 7, 13])
def test_it_is_the_strided_convolution_in_float64(factor, features, length):
    layer, inputs = subsampling(factor, features), frames(2, length, features)
    mask = np.arange(length) < np.array([[length], [length - 3]])
    stages = {1: 0, 2: 1, 4: 2}[factor]
    expected, _ = references_speech.subsampled(inputs, mask, named_weights(layer), stages)
    outputs = run(layer, inputs, padding_mask=mask)
    assert outputs.shape == (2, length // factor, 5)
    if factor == 1:  # No convolution, nothing to keep padding from.
        mask = np.ones_like(mask)
        expected = (
            inputs @ named_weights(layer)["output/kernel"] + named_weights(layer)["output/bias"]
        )
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("factor", [2, 4])
def test_what_padding_holds_changes_nothing_and_what_comes_later_neither(factor):
    layer, inputs = subsampling(factor, 6), frames(1, 16, 6)
    mask = np.arange(16)[None] < 8
    filled = np.where(mask[:, :, None], inputs, 1e3).astype("float32")
    outputs = run(layer, inputs, padding_mask=mask)
    np.testing.assert_array_equal(run(layer, filled, padding_mask=mask), outputs)
    count = 8 // factor
    np.testing.assert_allclose(run(layer, filled)[:, :count], outputs[:, :count], atol=1e-6)


@given(
    st.sampled_from([1, 2, 4]),
    st.lists(st.integers(1, 4), min_size=1, max_size=5),
    st.integers(0, 2**32 - 1),
)
def test_steps_of_any_size_give_the_vectors_of_the_whole(factor, counts, seed):
    layer, length = subsampling(factor, 5), factor * sum(counts)
    inputs = frames(2, length, 5, seed)
    mask = np.arange(length) < np.array([[length], [length // 2]])
    state, vectors, masks = layer.initial_state(2), [], []
    for end, count in zip(factor * np.cumsum(counts), counts, strict=True):
        part = slice(end - factor * count, end)
        step, step_mask, state = layer.step(inputs[:, part], state, mask[:, part])
        vectors.append(np.asarray(step))
        masks.append(np.asarray(step_mask))
    expected = run(layer, inputs, padding_mask=mask)
    np.testing.assert_allclose(np.concatenate(vectors, 1), expected, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(np.concatenate(masks, 1), mask[:, factor - 1 :: factor])


@pytest.mark.parametrize("factor", [0, 3, 8, None])
def test_another_factor_is_refused(factor):
    with pytest.raises(ValueError, match=r"`factor`, expected one of \(1, 2, 4\)"):
        CausalSubsampling(4, factor=factor)
