import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import MultiHeadSelfAttention, NystromSelfAttention
from attnzoo.layers.pseudo_inverse import pseudo_inverse
from attnzoo.layers.segments import segment_averages

from ..backends import each_dtype, needs_float64, needs_tensorflow, weight_gradients
from ..layer_test_case import named_weights, randomize_weights
from . import references_kinds
from .calls import array, run
from .export_parity import assert_exports_agree
from .gradient_check import assert_gradients_match_differences
from .strategies import sequences

BATCH, LENGTH, HIDDEN, HEADS = 2, 11, 12, 3


def vectors(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def make_layer(inputs, num_heads=HEADS, num_landmarks=4, **kwargs):
    """A built layer with random weights."""
    layer = NystromSelfAttention(num_heads, num_landmarks=num_landmarks, **kwargs)
    layer.build(inputs.shape)
    randomize_weights(layer)
    return layer


def expected_outputs(layer, inputs, padding_mask, weights=None):
    """What the reference gives for a layer with these weights; NaN for padding."""
    return references_kinds.nystrom_self_attention(
        inputs,
        weights or named_weights(layer),
        layer.num_heads,
        layer.num_landmarks,
        lambda matrix: references_kinds.iterated_inverse(matrix, layer.num_iterations),
        np.asarray(padding_mask, bool),
        with_convolution=layer.conv_kernel_size is not None,
    )


MASKS = {
    "all real": np.ones((BATCH, LENGTH), bool),
    "padding": np.arange(LENGTH) < np.array([[LENGTH], [6]]),
    "padding in front": np.arange(LENGTH) >= np.array([[0], [5]]),
    "fewer tokens than landmarks": np.arange(LENGTH) < np.array([[3], [1]]),
    "holes": np.random.default_rng(1).random((BATCH, LENGTH)) < 0.6,
}


# === The formula ===


# The pseudo-inverse magnifies rounding errors by its own size, so float32 does not reach 2e-6.
TOLERANCES = {"float32": 1e-5, "float64": 1e-9}


@pytest.mark.parametrize("dtype", each_dtype(TOLERANCES))
@pytest.mark.parametrize("conv_kernel_size", [None, 3], ids=["", "convolution"])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("num_landmarks", [1, 4, 16])
def test_outputs_match_the_formula_in_float64(num_landmarks, mask, conv_kernel_size, dtype):
    inputs, real = vectors(BATCH, LENGTH, HIDDEN).astype(dtype), MASKS[mask]
    layer = make_layer(
        inputs, num_landmarks=num_landmarks, conv_kernel_size=conv_kernel_size, dtype=dtype
    )
    outputs = run(layer, inputs, padding_mask=real)
    expected = expected_outputs(layer, inputs, real)
    np.testing.assert_allclose(outputs[real], expected[real], rtol=0, atol=TOLERANCES[dtype])
    assert np.isfinite(outputs).all()


@given(sequences(), st.integers(1, 9), st.sampled_from([None, 1, 5]))
def test_outputs_match_the_formula_for_all_shapes(drawn, num_landmarks, conv_kernel_size):
    layer = make_layer(
        drawn.inputs,
        drawn.num_heads,
        num_landmarks=num_landmarks,
        conv_kernel_size=conv_kernel_size,
        key_dim=2,
        value_dim=3,
        output_dim=4,
    )
    real = drawn.padding_mask
    outputs = run(layer, drawn.inputs, padding_mask=real)
    expected = expected_outputs(layer, drawn.inputs, real)
    np.testing.assert_allclose(outputs[real], expected[real], rtol=0, atol=TOLERANCES["float32"])


def test_gradients_match_differences_in_float64():
    inputs, target = vectors(2, 5, 4), vectors(2, 5, 4, seed=1)
    mask = np.array([[True] * 5, [True, False, True, True, False]])
    layer = make_layer(inputs, 2, num_landmarks=3, conv_kernel_size=3)
    assert_gradients_match_differences(
        layer,
        lambda x: layer(x, padding_mask=mask),
        lambda x, weights: expected_outputs(layer, x, mask, weights),
        inputs,
        np.where(mask[..., None], target, 0),
    )


def copied_from(peer, inputs, **kwargs):
    """A Nyström layer with the weights of an ordinary one."""
    layer = NystromSelfAttention(peer.num_heads, **kwargs)
    layer.build(inputs.shape)
    layer.set_weights(peer.get_weights())
    return layer


def test_it_is_softmax_attention_once_every_token_is_a_landmark_and_the_inverse_has_converged():
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    mask = MASKS["padding"]
    peer = MultiHeadSelfAttention(HEADS)
    peer.build(inputs.shape)
    expected = run(peer, inputs, padding_mask=mask)
    errors = {}
    for iterations in (6, 10, 20):
        layer = copied_from(peer, inputs, num_landmarks=LENGTH, num_iterations=iterations)
        difference = run(layer, inputs, padding_mask=mask) - expected
        errors[iterations] = np.abs(difference[mask]).max()
    assert errors[6] > 4 * errors[10] > 16 * errors[20]
    assert errors[20] < 1e-3  # What float32 leaves: rounding times the condition of the matrix.


@needs_float64
def test_in_float64_it_is_softmax_attention_to_the_last_digits():
    inputs = vectors(BATCH, LENGTH, HIDDEN).astype("float64")
    peer = MultiHeadSelfAttention(HEADS, dtype="float64")
    peer.build(inputs.shape)
    layer = copied_from(peer, inputs, num_landmarks=LENGTH + 5, num_iterations=20, dtype="float64")
    outputs = keras.ops.convert_to_numpy(layer(inputs))
    np.testing.assert_allclose(outputs, keras.ops.convert_to_numpy(peer(inputs)), atol=1e-9)


def test_more_landmarks_bring_it_closer_to_softmax_attention():
    # Neighbours are alike, as in what attention is used for; of noise there are no segments.
    inputs = np.cumsum(vectors(2, 96, 16), axis=1) / 8
    inputs = inputs.astype("float32")
    peer = MultiHeadSelfAttention(2)
    peer.build(inputs.shape)
    errors = []
    for num_landmarks in (1, 8, 48):
        layer = copied_from(peer, inputs, num_landmarks=num_landmarks, num_iterations=10)
        errors.append(np.abs(run(layer, inputs) - run(peer, inputs)).mean())
    assert errors[0] > 2 * errors[1] > 4 * errors[2]


@pytest.mark.parametrize("num_iterations", [6, 20])
@pytest.mark.parametrize("kinds", [1, 4, 32])
def test_tokens_that_are_alike_leave_the_inverse_stable(kinds, num_iterations):
    inputs = np.repeat(vectors(1, kinds, HIDDEN), 32 // kinds, axis=1)
    peer = MultiHeadSelfAttention(HEADS)
    peer.build(inputs.shape)
    layer = copied_from(peer, inputs, num_landmarks=32, num_iterations=num_iterations)
    difference = np.abs(run(layer, inputs) - run(peer, inputs)).max()
    assert difference < (0.1 if num_iterations == 6 else 1e-2)


# === Padding ===


@given(sequences(), st.integers(1, 6), st.integers(1, 9), st.sampled_from([None, 3]))
def test_added_padding_does_not_matter(drawn, extra, num_landmarks, conv_kernel_size):
    layer = make_layer(
        drawn.inputs,
        drawn.num_heads,
        num_landmarks=num_landmarks,
        conv_kernel_size=conv_kernel_size,
    )
    length, real = drawn.inputs.shape[1], drawn.padding_mask
    expected = run(layer, drawn.inputs, padding_mask=real)[real]
    for before, after in ((0, extra), (extra, 0)):
        padded = np.pad(drawn.inputs, ((0, 0), (before, after), (0, 0)), constant_values=3.0)
        mask = np.pad(real, ((0, 0), (before, after)), constant_values=False)
        outputs = run(layer, padded, padding_mask=mask)[:, before : before + length]
        np.testing.assert_allclose(outputs[real], expected, rtol=0, atol=1e-5)


@given(sequences(), st.sampled_from([None, 3]))
def test_what_the_padding_holds_does_not_matter(drawn, conv_kernel_size):
    layer = make_layer(drawn.inputs, drawn.num_heads, conv_kernel_size=conv_kernel_size)
    real = drawn.padding_mask
    other = np.where(real[..., None], drawn.inputs, 100.0 * drawn.inputs - 7.0)
    np.testing.assert_allclose(
        run(layer, other, padding_mask=real)[real],
        run(layer, drawn.inputs, padding_mask=real)[real],
        rtol=0,
        atol=1e-6,
    )


def test_a_sequence_does_not_depend_on_the_others_of_its_batch():
    inputs = vectors(3, LENGTH, HIDDEN)
    inputs[1] *= 10
    layer = make_layer(inputs)
    together = run(layer, inputs)
    for i in range(3):
        alone = run(layer, inputs[i : i + 1])
        np.testing.assert_allclose(alone[0], together[i], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("conv_kernel_size", [None, 3], ids=["", "convolution"])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_a_sequence_of_padding_gathers_zeros_with_finite_gradients(dtype, conv_kernel_size):
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    layer = make_layer(inputs, conv_kernel_size=conv_kernel_size, use_bias=False, dtype=dtype)
    mask = np.array([[True] * LENGTH, [False] * LENGTH])
    outputs = run(layer, inputs, padding_mask=mask)
    assert np.all(outputs[1] == 0.0)
    assert np.any(outputs[0] != 0.0)

    def loss():
        return keras.ops.sum(keras.ops.cast(layer(inputs, padding_mask=mask), "float32") ** 2)

    for gradient in weight_gradients(loss, layer.trainable_weights):
        assert np.isfinite(gradient).all()


def test_the_mask_of_an_embedding_is_heeded():
    token_ids = np.array([[3, 4, 0, 0, 0], [1, 2, 3, 4, 5]])
    embedding = keras.layers.Embedding(6, HIDDEN, mask_zero=True)
    states = array(embedding(token_ids))
    layer = make_layer(states, num_landmarks=2)
    expected = run(layer, states, padding_mask=token_ids != 0)
    np.testing.assert_allclose(array(layer(embedding(token_ids))), expected, atol=1e-6)


# === Parts ===


@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(1, 8))
def test_segments_part_the_real_tokens_as_evenly_as_can_be(mask, num_segments):
    averages = array(segment_averages(np.array([mask]), num_segments, "float32"))[0]
    real = np.flatnonzero(mask)
    found = [np.flatnonzero(row).tolist() for row in averages if row.any()]
    parts = references_kinds.segments(len(real), num_segments)
    assert found == [real[part].tolist() for part in parts]
    for row in averages:
        members = row[row != 0]
        np.testing.assert_allclose(members, np.full(len(members), 1 / max(1, len(members))))


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_the_pseudo_inverse_is_that_of_linear_algebra_at_full_and_lower_rank(rank):
    left, right = np.linalg.qr(vectors(6, 6))[0], np.linalg.qr(vectors(6, 6, seed=1))[0]
    matrix = left[:, :rank] @ np.diag(np.linspace(1, 2, rank)) @ right[:rank]
    found = array(pseudo_inverse(matrix.astype("float32"), 7))
    np.testing.assert_allclose(found, np.linalg.pinv(matrix, rcond=1e-4), rtol=0, atol=1e-3)


def test_the_pseudo_inverse_of_zeros_is_zeros():
    np.testing.assert_array_equal(array(pseudo_inverse(np.zeros((2, 3, 3), "float32"), 6)), 0.0)


def test_arguments_without_meaning_are_refused():
    with pytest.raises(ValueError, match="`num_landmarks`, expected a positive integer"):
        NystromSelfAttention(HEADS, num_landmarks=0)
    with pytest.raises(ValueError, match="`num_iterations`, expected a positive integer"):
        NystromSelfAttention(HEADS, num_iterations=0)
    with pytest.raises(ValueError, match=r"at most 20.*num_iterations=21"):
        NystromSelfAttention(HEADS, num_iterations=21)
    with pytest.raises(ValueError, match=r"expected an odd number.*conv_kernel_size=4"):
        NystromSelfAttention(HEADS, conv_kernel_size=4)
    with pytest.raises(ValueError, match="`conv_kernel_size`, expected a positive integer"):
        NystromSelfAttention(HEADS, conv_kernel_size=0)


# === Export ===


@needs_tensorflow
def test_both_exports_agree_for_any_batch_and_length(tmp_path):
    nodes = {
        "inputs": keras.Input((None, HIDDEN), name="inputs"),
        "padding_mask": keras.Input((None,), dtype="bool", name="padding_mask"),
    }
    layer = make_layer(vectors(1, 1, HIDDEN), num_landmarks=8, conv_kernel_size=3)
    model = keras.Model(
        list(nodes.values()), layer(nodes["inputs"], padding_mask=nodes["padding_mask"])
    )
    rng = np.random.default_rng(0)
    feeds = [
        {
            "inputs": vectors(batch, length, HIDDEN),
            "padding_mask": rng.random((batch, length)) < 0.7,
        }
        for batch, length in ((1, 1), (2, 8), (3, 37))
    ]
    feeds.append({"inputs": vectors(1, 5, HIDDEN), "padding_mask": np.zeros((1, 5), bool)})
    axes = {"inputs": ("batch", "length", HIDDEN), "padding_mask": ("batch", "length")}
    assert_exports_agree(
        model, axes, {"output_0": ("batch", "length", HIDDEN)}, feeds, tmp_path, atol=1e-5
    )
