import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import RotaryEmbedding

from ..backends import each_dtype, gradients
from . import references_positions as references
from .references_positions import array, compiled, vectors

# A float32 angle is off by the rounding of position times frequency.
ROUNDING = 2.0**-23


@st.composite
def states(draw):
    """Queries or keys `(batch, heads, length, key_dim)`."""
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 9)))
    return vectors(*shape, 2 * draw(st.integers(1, 5)), seed=draw(st.integers(0, 2**32 - 1)))


@given(states(), st.integers(0, 5), st.sampled_from([10000.0, 100.0, 160000.0]))
def test_each_pair_of_channels_is_turned_as_a_complex_number(inputs, start_index, max_wavelength):
    layer = RotaryEmbedding(max_wavelength=max_wavelength)
    outputs = array(layer(inputs, start_index=start_index))
    for reference in (references.rotary, references.rotary_as_in_llama):
        expected = reference(inputs, start_index, max_wavelength)
        np.testing.assert_allclose(outputs, expected, atol=2e-6)


def test_pairs_of_neighbours_as_in_the_paper_are_the_same_after_a_permutation_of_channels():
    inputs = vectors(2, 3, 7, 8)
    halves = [0, 2, 4, 6, 1, 3, 5, 7]
    outputs = array(RotaryEmbedding()(inputs[..., halves]))
    expected = references.rotary_of_neighbours(inputs)[..., halves]
    np.testing.assert_allclose(outputs, expected, atol=2e-6)


@given(states(), st.integers(0, 1000))
def test_scores_depend_only_on_the_distance(query, start_index):
    key = vectors(*query.shape, seed=1)
    layer = RotaryEmbedding()

    def scores(start_index):
        turned = [array(layer(x, start_index=start_index)) for x in (query, key)]
        return np.einsum("bhqd,bhkd->bhqk", *turned)

    tolerance = 2e-6 + 50 * ROUNDING * start_index
    np.testing.assert_allclose(scores(start_index), scores(0), atol=tolerance)


def test_equal_vectors_have_scores_that_are_the_same_along_each_diagonal():
    inputs = np.repeat(vectors(1, 1, 1, 8), 6, axis=2)
    turned = array(RotaryEmbedding()(inputs))[0, 0]
    scores = turned @ turned.T
    np.testing.assert_allclose(scores[1:, 1:], scores[:-1, :-1], atol=1e-5)
    assert np.abs(scores[0, 1:] - scores[0, 0]).min() > 0.01


@given(states(), st.integers(0, 30))
def test_vectors_keep_their_length_and_the_first_its_direction(inputs, start_index):
    outputs = array(RotaryEmbedding()(inputs, start_index=start_index))
    before, after = np.linalg.norm(inputs, axis=-1), np.linalg.norm(outputs, axis=-1)
    np.testing.assert_allclose(after, before, rtol=1e-6)
    np.testing.assert_array_equal(array(RotaryEmbedding()(inputs))[:, :, 0], inputs[:, :, 0])


@given(states())
def test_gradients_are_turned_back(inputs):
    cotangent = vectors(*inputs.shape, seed=1)
    layer = RotaryEmbedding()
    [gradient] = gradients(
        lambda x: ops.sum(ops.multiply(layer(x, start_index=3), cotangent)), [inputs]
    )
    expected = references.numerical_gradient(
        lambda x: np.sum(references.rotary(x, 3) * cotangent), np.float64(inputs)
    )
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


def test_a_stream_in_chunks_gets_the_positions_of_the_whole():
    layer, inputs = RotaryEmbedding(), vectors(2, 3, 9, 4)
    starts = (0, 3, 6)
    chunks = [array(layer(inputs[:, :, s : s + 3], start_index=s)) for s in starts]
    np.testing.assert_allclose(np.concatenate(chunks, axis=2), array(layer(inputs)), atol=1e-6)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_start_index_may_be_a_tensor(dtype):
    layer, inputs = RotaryEmbedding(), vectors(1, 2, 3, 4)
    turned = compiled(lambda start: layer(inputs, start_index=start))
    for start in (0, 5):
        outputs = array(turned(ops.convert_to_tensor(start, dtype)))
        np.testing.assert_allclose(outputs, references.rotary(inputs, start), atol=2e-6)


@pytest.mark.parametrize("dtype", each_dtype(["float16", "bfloat16", "float32", "float64"]))
def test_far_positions_are_told_apart_in_every_dtype(dtype):
    tolerance = {"float16": 5e-3, "bfloat16": 5e-2, "float32": 2e-3, "float64": 1e-9}[dtype]
    inputs = vectors(1, 1, 4, 8).astype("float16")
    outputs = RotaryEmbedding(dtype=dtype)(ops.cast(inputs, dtype), start_index=5000)
    assert outputs.dtype == ops.cast(inputs, dtype).dtype
    expected = references.rotary(array(ops.cast(inputs, dtype)), 5000)
    np.testing.assert_allclose(array(outputs), expected, atol=tolerance)


def test_it_has_no_weights():
    layer = RotaryEmbedding()
    layer(vectors(1, 1, 2, 4))
    assert layer.weights == []


@pytest.mark.parametrize("key_dim", [1, 7])
def test_an_odd_size_is_refused(key_dim):
    with pytest.raises(ValueError, match=f"even `key_dim`.*key_dim={key_dim}"):
        RotaryEmbedding()(vectors(1, 2, 3, key_dim))


@pytest.mark.parametrize("max_wavelength", [0.0, -1.0])
def test_a_max_wavelength_that_gives_no_waves_is_refused(max_wavelength):
    with pytest.raises(ValueError, match="`max_wavelength`, expected a positive number"):
        RotaryEmbedding(max_wavelength=max_wavelength)
