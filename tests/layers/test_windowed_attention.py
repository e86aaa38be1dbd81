import json

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import (
    ALiBi,
    Attention,
    MultiHeadSelfAttention,
    RelativePositionBias,
    RotaryEmbedding,
    ShawRelativeKeys,
    T5RelativeBias,
    WindowedAttention,
)
from attnzoo.layers.normalizers import NORMALIZERS

from ..backends import BACKEND, gradients, needs_tensorflow
from ..layer_test_case import randomize_weights
from . import references_positions, references_windows
from .export_parity import assert_exports_agree

BATCH, HEADS, LENGTH, KEY_DIM, VALUE_DIM = 2, 2, 37, 4, 3
PADDING = np.arange(LENGTH) < np.array([[LENGTH], [21]])

# Windows narrower and wider than a block, one-sided ones, chunks shorter and longer than a block.
REACHES = {
    "window": {"window": (3, 2)},
    "itself only": {"window": (0, 0)},
    "ahead only": {"window": (0, 5)},
    "wide window": {"window": (40, 18)},
    "chunks": {"window": (4, 2), "window_style": "chunked_limited"},
    "long chunks": {"window": (7, 19), "window_style": "chunked_limited"},
    "chunks alone": {"window": (0, 3), "window_style": "chunked_limited"},
    "global tokens": {"window": (2, 2), "global_tokens": 3},
    "chunks and a global token": {
        "window": (2, 4),
        "window_style": "chunked_limited",
        "global_tokens": 1,
    },
    "causal": {"window": (6, 0), "causal": True},
    "causal with global tokens": {"window": (6, 0), "causal": True, "global_tokens": 2},
}


def query_key_value(length=LENGTH, batch=BATCH, seed=0):
    rng = np.random.default_rng(seed)
    sizes = (KEY_DIM, KEY_DIM, VALUE_DIM)
    return [rng.normal(size=(batch, HEADS, length, size)).astype("float32") for size in sizes]


def array(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float64"))


def whole(function):
    """The function; on JAX compiled as a whole, as JAX compiles each operation anyway."""
    if BACKEND != "jax":
        return function
    import jax

    return jax.jit(function)


def outputs_and_weights(layer, states, padding_mask=None):
    def call(*tensors):
        return layer(*tensors, padding_mask=padding_mask, return_attention_scores=True)

    return tuple(map(array, whole(call)(*states)))


@st.composite
def reaches(draw):
    """Any window, style, number of global tokens and causality that have a meaning."""
    style = draw(st.sampled_from(["regular", "chunked_limited"]))
    causal = style == "regular" and draw(st.booleans())
    right = 0 if causal else draw(st.integers(0, 24))
    return {
        "window": (draw(st.integers(0, 50)), right),
        "window_style": style,
        "global_tokens": draw(st.integers(0, 4)),
        "causal": causal,
    }


# === Against float64, pair by pair ===


@pytest.mark.parametrize("reach", REACHES)
def test_outputs_and_weights_match_the_formula_in_float64(reach):
    states, reach = query_key_value(), REACHES[reach]
    allowed = references_windows.allowed_pairs(BATCH, LENGTH, PADDING, **reach)
    expected, expected_weights = references_windows.attention(*states, allowed)
    outputs, weights = outputs_and_weights(WindowedAttention(**reach), states, PADDING)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=2e-6)
    np.testing.assert_allclose(weights, expected_weights, rtol=0, atol=2e-6)


@given(
    reaches(),
    st.sampled_from(sorted(NORMALIZERS)),
    st.integers(1, 70),
    st.floats(0, 1),
    st.integers(0, 2**32 - 1),
)
def test_every_window_and_normalizer_matches_float64_forward_and_backward(
    reach, normalizer, length, real, seed
):
    states = query_key_value(length, seed=seed)
    rng = np.random.default_rng(seed)
    padding_mask = rng.random((BATCH, length)) < real
    upstream = rng.normal(size=(BATCH, HEADS, length, VALUE_DIM)).astype("float32")
    layer = WindowedAttention(normalizer=normalizer, **reach)

    def loss(*tensors):
        return ops.sum(ops.multiply(layer(*tensors, padding_mask=padding_mask)[0], upstream))

    allowed = references_windows.allowed_pairs(BATCH, length, padding_mask, **reach)
    expected, expected_weights = references_windows.attention(*states, allowed, normalizer)
    outputs, weights = outputs_and_weights(layer, states, padding_mask)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=2e-6)
    np.testing.assert_allclose(weights, expected_weights, rtol=0, atol=2e-6)
    expected = references_windows.attention_gradients(*states, allowed, upstream, normalizer)
    for gradient, reference in zip(gradients(whole(loss), states), expected, strict=True):
        np.testing.assert_allclose(gradient, reference, rtol=0, atol=1e-5)


@pytest.mark.parametrize("reach", ["window", "chunks", "causal with global tokens"])
def test_the_additive_score_matches_float64(reach):
    states, reach = query_key_value(), REACHES[reach]
    layer = WindowedAttention(score="additive", **reach)
    layer.build(states[0].shape)
    randomize_weights(layer)
    allowed = references_windows.allowed_pairs(BATCH, LENGTH, PADDING, **reach)
    expected = references_windows.additive_attention(*states, allowed, array(layer.weights[0]))
    outputs, weights = outputs_and_weights(layer, states, PADDING)
    np.testing.assert_allclose(outputs, expected[0], rtol=0, atol=2e-6)
    np.testing.assert_allclose(weights, expected[1], rtol=0, atol=2e-6)


@keras.saving.register_keras_serializable("attnzoo_tests")
def negative_distance(query, key):
    return -ops.sum((query[..., :, None, :] - key[..., None, :, :]) ** 2, axis=-1)


@pytest.mark.parametrize("reach", ["window", "chunks and a global token"])
def test_a_callable_score_sees_blocks_and_gives_the_same(reach):
    states, reach = query_key_value(), REACHES[reach]
    allowed = references_windows.allowed_pairs(BATCH, LENGTH, **reach)
    outputs, _ = WindowedAttention(score=negative_distance, **reach)(*states)
    expected, _ = Attention(score=negative_distance)(*states, attention_mask=allowed)
    np.testing.assert_allclose(array(outputs), array(expected), rtol=0, atol=2e-6)


OFFSETS = references_positions.offsets_between(LENGTH, LENGTH)
POSITIONS = {
    "relative": (
        lambda: RelativePositionBias(max_distance=3),
        lambda query, table: references_positions.relative(table, OFFSETS),
    ),
    "shaw": (
        lambda: ShawRelativeKeys(max_distance=3),
        lambda query, table: references_positions.shaw(query, table, OFFSETS),
    ),
    "t5": (
        lambda: T5RelativeBias(num_buckets=8, max_distance=12),
        lambda query, table: references_positions.bias(
            lambda offset: references_positions.t5_bucket(int(offset), 8, 12), table, OFFSETS
        ),
    ),
    "alibi": (ALiBi, lambda query, table: references_positions.alibi(HEADS, OFFSETS)),
}


@pytest.mark.parametrize("reach", ["wide window", "chunks and a global token"])
@pytest.mark.parametrize("position", POSITIONS)
def test_positions_that_are_added_to_scores_match_float64(position, reach):
    make, reference = POSITIONS[position]
    states, reach = query_key_value(), REACHES[reach]
    layer = WindowedAttention(position=make(), **reach)
    layer.build(states[0].shape)
    randomize_weights(layer)
    table = array(layer.weights[0]) if layer.weights else None
    allowed = references_windows.allowed_pairs(BATCH, LENGTH, PADDING, **reach)
    expected, expected_weights = references_windows.attention(
        *states, allowed, bias=reference(states[0], table)
    )
    outputs, weights = outputs_and_weights(layer, states, PADDING)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=2e-6)
    np.testing.assert_allclose(weights, expected_weights, rtol=0, atol=2e-6)


@pytest.mark.parametrize("reach", ["window", "chunks", "global tokens"])
def test_queries_and_keys_are_rotated_by_their_place_in_the_sequence_not_in_a_block(reach):
    query, key, value = query_key_value()
    reach = REACHES[reach]
    allowed = references_windows.allowed_pairs(BATCH, LENGTH, **reach)
    turned = [references_positions.rotary(states) for states in (query, key)]
    expected, _ = references_windows.attention(*turned, value, allowed)
    outputs, _ = WindowedAttention(position=RotaryEmbedding(), **reach)(query, key, value)
    np.testing.assert_allclose(array(outputs), expected, rtol=0, atol=2e-6)


# === What must hold whatever the numbers ===


def test_a_window_over_the_whole_sequence_is_ordinary_attention():
    states = query_key_value()
    expected, expected_weights = Attention()(*states, padding_mask=PADDING)
    layer = WindowedAttention((LENGTH, LENGTH))
    outputs, weights = outputs_and_weights(layer, states, PADDING)
    np.testing.assert_allclose(outputs, array(expected), atol=2e-6)
    np.testing.assert_allclose(weights, array(expected_weights), atol=2e-6)


def test_weights_of_all_pairs_are_made_on_request_only():
    states, layer = query_key_value(), WindowedAttention((3, 2), global_tokens=1)
    outputs, weights = layer(*states, padding_mask=PADDING)
    assert weights is None
    expected, _ = outputs_and_weights(layer, states, PADDING)
    np.testing.assert_allclose(array(outputs), expected, rtol=0, atol=1e-6)


@given(reaches(), st.integers(1, 40), st.integers(1, 40))
def test_appended_padding_does_not_matter(reach, length, extra):
    layer = WindowedAttention(**reach)
    states = query_key_value(length)
    padded = [np.pad(x, ((0, 0), (0, 0), (0, extra), (0, 0)), constant_values=50.0) for x in states]
    mask = np.broadcast_to(np.arange(length + extra) < length, (BATCH, length + extra))
    expected = array(whole(lambda *tensors: layer(*tensors)[0])(*states))
    outputs, _ = outputs_and_weights(layer, padded, mask)
    np.testing.assert_allclose(outputs[:, :, :length], expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    ("dtype", "normalizer"),
    [
        ("float32", "softmax"),
        ("float32", "relu"),
        ("bfloat16", "sparsemax"),
        ("bfloat16", "sigmoid"),
        ("float16", "softmax"),
        ("float16", "entmax15"),
    ],
)
def test_queries_with_no_key_give_zeros_with_finite_gradients(dtype, normalizer):
    states = [ops.cast(x, dtype) for x in query_key_value()]
    # All of the first sequence, and a stretch of the second that is longer than any window's reach.
    padding_mask = np.zeros((BATCH, LENGTH), bool)
    padding_mask[1, :10] = padding_mask[1, 30:] = True
    layer = WindowedAttention((2, 3), normalizer=normalizer, dtype=dtype)
    for tensor in outputs_and_weights(layer, states, padding_mask):
        assert np.all(tensor[0] == 0.0)
        assert np.all(tensor[1, :, 12:27] == 0.0)
        assert np.any(tensor[1, :, :12] != 0.0)

    def loss(*tensors):
        tensors = [ops.cast(tensor, dtype) for tensor in tensors]
        outputs, _ = layer(*tensors, padding_mask=padding_mask)
        return ops.sum(ops.cast(outputs, "float32") ** 2)

    by_query, by_key, by_value = gradients(
        whole(loss), [array(x).astype("float32") for x in states]
    )
    for gradient in (by_query, by_key, by_value):
        assert np.isfinite(gradient).all()
    assert np.all(by_query[0] == 0.0)
    assert np.all(by_query[1, :, 12:27] == 0.0)
    assert np.all(by_key[1, :, 10:30] == 0.0)
    assert np.all(by_value[1, :, 10:30] == 0.0)


def test_a_global_token_that_is_near_counts_once():
    states = query_key_value(length=4)
    states[0][:] = 0.0  # All scores are equal, so every key that is seen has the same weight.
    layer = WindowedAttention((2, 2), global_tokens=2)
    _, weights = outputs_and_weights(layer, states)
    np.testing.assert_allclose(weights, 0.25, atol=1e-6)


def test_what_is_out_of_reach_does_not_matter():
    query, key, value = query_key_value()
    layer = WindowedAttention((3, 2))
    expected, _ = outputs_and_weights(layer, (query, key, value))
    key[:, :, 20], value[:, :, 20] = 9.0, 9.0
    outputs, _ = outputs_and_weights(layer, (query, key, value))
    changed = np.any(outputs != expected, axis=(0, 1, 3))
    assert np.flatnonzero(changed).tolist() == [18, 19, 20, 21, 22, 23]


def test_a_chunk_sees_itself_and_the_frames_before_the_chunk():
    states = query_key_value(length=9)
    layer = WindowedAttention((2, 2), window_style="chunked_limited")
    _, weights = outputs_and_weights(layer, states)
    seen = weights[0, 0] > 0
    assert [np.flatnonzero(row).tolist() for row in seen[[0, 2, 3, 5, 8]]] == [
        [0, 1, 2],
        [0, 1, 2],
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4, 5],
        [4, 5, 6, 7, 8],
    ]


def test_weights_are_dropped_in_training_only():
    states = query_key_value()
    layer = WindowedAttention((6, 6), global_tokens=1, dropout=0.5)
    kept = array(layer(*states, return_attention_scores=True, training=False)[1])
    dropped = array(layer(*states, return_attention_scores=True, training=True)[1])
    assert 0.4 < np.mean(dropped[kept > 0] == 0.0) < 0.6


# === Dynamic lengths, compiled, exported ===


@pytest.mark.parametrize("reach", ["window", "chunks and a global token"])
def test_a_functional_model_takes_any_batch_and_length(reach):
    reach = REACHES[reach]
    nodes = [keras.Input((HEADS, None, size)) for size in (KEY_DIM, KEY_DIM, VALUE_DIM)]
    outputs = WindowedAttention(**reach)(*nodes, return_attention_scores=True)
    assert outputs[0].shape == (None, HEADS, None, VALUE_DIM)
    assert outputs[1].shape == (None, HEADS, None, None)
    model = keras.Model(nodes, outputs)
    for batch, length in ((1, 1), (3, 16), (2, 33)):
        states = query_key_value(length, batch)
        allowed = references_windows.allowed_pairs(batch, length, **reach)
        expected = references_windows.attention(*states, allowed)
        outputs = whole(lambda *tensors: model(list(tensors)))(*states)
        for output, reference in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(array(output), reference, rtol=0, atol=2e-6)


def test_by_itself_in_a_functional_model_it_must_be_asked_for_its_weights():
    nodes = [keras.Input((HEADS, None, KEY_DIM))] * 3
    with pytest.raises(ValueError, match=r"return_attention_scores=True.*MultiHeadSelfAttention"):
        WindowedAttention((1, 1))(*nodes)


@needs_tensorflow
@pytest.mark.parametrize("reach", ["wide window", "chunks and a global token"])
def test_compiled_by_xla_it_gives_the_same(reach):
    import tensorflow as tf

    layer, states = WindowedAttention(**REACHES[reach]), query_key_value()
    compiled = tf.function(lambda *x: layer(*x, padding_mask=PADDING)[0], jit_compile=True)
    expected = layer(*states, padding_mask=PADDING)[0]
    np.testing.assert_allclose(compiled(*states), expected, atol=2e-6)


def largest_tensor(layer, length):
    """Number of elements of the largest tensor in the graph of outputs and their gradients."""
    import tensorflow as tf

    @tf.function
    def step(*states):
        with tf.GradientTape() as tape:
            tape.watch(states)
            loss = tf.reduce_sum(layer(*states)[0] ** 2)
        return tape.gradient(loss, states)

    sizes = (KEY_DIM, KEY_DIM, VALUE_DIM)
    specs = [tf.TensorSpec((1, HEADS, length, size)) for size in sizes]
    nodes = step.get_concrete_function(*specs).graph.get_operations()
    tensors = [tensor for node in nodes for tensor in node.outputs if tensor.dtype.is_floating]
    return max(tensor.shape.num_elements() for tensor in tensors)


@needs_tensorflow
@pytest.mark.parametrize(
    "pieces",
    [
        {},
        {"global_tokens": 2},
        {"normalizer": "entmax15", "position": "shaw"},
        {"score": "additive", "normalizer": "sigmoid"},
    ],
    ids=str,
)
def test_forward_and_backward_every_tensor_grows_with_the_length_alone(pieces):
    layer = WindowedAttention((8, 8), **pieces)
    layer.build((1, HEADS, 1024, KEY_DIM))
    assert largest_tensor(layer, 64 * 1024) == 64 * largest_tensor(layer, 1024)
    # Which of attention to all, with the same measure, cannot be said.
    assert largest_tensor(Attention(), 4 * 1024) == 16 * largest_tensor(Attention(), 1024)


@needs_tensorflow
@pytest.mark.parametrize(
    ("reach", "pieces"),
    [
        ("window", {"position": "alibi"}),
        ("chunks", {"position": "rope", "normalizer": "entmax15"}),
        ("global tokens", {"position": "shaw", "normalizer": "sparsemax"}),
        ("causal with global tokens", {"score": "additive", "normalizer": "relu"}),
    ],
)
def test_both_exports_agree_for_any_batch_and_length(reach, pieces, tmp_path):
    states = keras.Input((None, 8), name="inputs")
    padding = keras.Input((None,), dtype="bool", name="padding_mask")
    layer = MultiHeadSelfAttention(HEADS, **REACHES[reach], **pieces)
    outputs = layer(states, padding_mask=padding, return_attention_scores=True)
    model = keras.Model([states, padding], list(outputs))
    randomize_weights(model)
    rng = np.random.default_rng(0)
    feeds = [
        {
            "inputs": rng.normal(size=(batch, length, 8)).astype("float32"),
            "padding_mask": rng.random((batch, length)) < 0.8,
        }
        for batch, length in ((2, 37), (1, 1), (3, 64), (1, 2))
    ]
    axes = {"inputs": ("batch", "length", 8), "padding_mask": ("batch", "length")}
    output_axes = {
        "output_0": ("batch", "length", 8),
        "output_1": ("batch", HEADS, "length", "length"),
    }
    assert_exports_agree(model, axes, output_axes, feeds, tmp_path, atol=1e-5)


# === Several windows ===


@pytest.mark.parametrize("style", ["regular", "chunked_limited"])
@pytest.mark.parametrize("windows", [[(3, 2), (9, 0), (0, 17)], [(4, 5), (4, 2), (4, 1)]], ids=str)
def test_each_of_several_windows_is_as_if_it_were_the_only_one(style, windows):
    states = query_key_value()
    layer = WindowedAttention(windows, window_style=style)
    for index, window in enumerate(windows):
        allowed = references_windows.allowed_pairs(
            BATCH, LENGTH, PADDING, window=window, window_style=style
        )
        expected, expected_weights = references_windows.attention(*states, allowed)
        outputs, weights = layer(
            *states, padding_mask=PADDING, return_attention_scores=True, window_index=index
        )
        np.testing.assert_allclose(array(outputs), expected, rtol=0, atol=2e-6)
        np.testing.assert_allclose(array(weights), expected_weights, rtol=0, atol=2e-6)
    np.testing.assert_array_equal(
        array(layer(*states)[0]), array(layer(*states, window_index=0)[0]), "the first if not said"
    )


# === Steps of a stream ===

STREAMED_POSITIONS = {
    "none": None,
    "relative": lambda: RelativePositionBias(max_distance=4),
    "alibi": ALiBi,
    "rope": RotaryEmbedding,
    "shaw": lambda: ShawRelativeKeys(max_distance=3),
    "t5": T5RelativeBias,
}


def stream(layer, states, mask, sizes):
    """Outputs of steps of these sizes, and whether they are of real positions.

    The stream goes on with padding until all positions are answered.
    """
    total = -(-(states[0].shape[2] + layer.lookahead) // sizes[0]) * sizes[0] + sum(sizes)
    states = [np.pad(x, [(0, 0), (0, 0), (0, total - x.shape[2]), (0, 0)]) for x in states]
    mask = np.pad(mask, [(0, 0), (0, total - mask.shape[1])])
    state = layer.initial_state(len(mask), HEADS, KEY_DIM, VALUE_DIM)
    outputs, masks, begin, turn = [], [], 0, 0
    while begin + sizes[turn % len(sizes)] <= total:
        part = slice(begin, begin + sizes[turn % len(sizes)])
        begin, turn = part.stop, turn + 1
        step, step_mask, state = layer.step(*(x[:, :, part] for x in states), state, mask[:, part])
        outputs.append(array(step))
        masks.append(array(step_mask).astype(bool))
    return np.concatenate(outputs, axis=2), np.concatenate(masks, axis=1)


@pytest.mark.parametrize("sizes", [[1], [2], [5], [16], [64], [3, 1, 7]], ids=str)
@pytest.mark.parametrize("window", [(3, 2), (0, 0), (0, 5), (12, 0), (2, 20)], ids=str)
def test_steps_of_any_size_match_float64_pair_by_pair(window, sizes):
    states, layer = query_key_value(), WindowedAttention(window)
    allowed = references_windows.allowed_pairs(BATCH, LENGTH, PADDING, window=window)
    expected, _ = references_windows.attention(*states, allowed)
    outputs, mask = stream(layer, states, PADDING, sizes)
    assert layer.lookahead == window[1]
    for row in range(BATCH):
        answered = outputs[row][:, mask[row]]
        np.testing.assert_allclose(answered, expected[row][:, PADDING[row]], rtol=0, atol=2e-6)


@pytest.mark.parametrize("window", [(4, 2), (0, 3), (7, 0), (2, 6)], ids=str)
def test_steps_of_whole_chunks_match_float64_pair_by_pair(window):
    states, style = query_key_value(), "chunked_limited"
    layer = WindowedAttention(window, window_style=style)
    allowed = references_windows.allowed_pairs(
        BATCH, LENGTH, PADDING, window=window, window_style=style
    )
    expected, _ = references_windows.attention(*states, allowed)
    for chunks in (1, 3):
        outputs, mask = stream(layer, states, PADDING, [chunks * (window[1] + 1)])
        for row in range(BATCH):
            answered = outputs[row][:, mask[row]]
            np.testing.assert_allclose(answered, expected[row][:, PADDING[row]], rtol=0, atol=2e-6)


@pytest.mark.parametrize("normalizer", sorted(NORMALIZERS))
@pytest.mark.parametrize("position", STREAMED_POSITIONS)
def test_steps_give_what_the_call_gives_with_every_position_and_normalizer(position, normalizer):
    position = STREAMED_POSITIONS[position] and STREAMED_POSITIONS[position]()
    layer = WindowedAttention((5, 2), position=position, normalizer=normalizer)
    states = query_key_value()
    layer(*states)
    randomize_weights(layer)
    expected = array(layer(*states, padding_mask=PADDING)[0])
    outputs, mask = stream(layer, states, PADDING, [4])
    for row in range(BATCH):
        answered = outputs[row][:, mask[row]]
        np.testing.assert_allclose(answered, expected[row][:, PADDING[row]], rtol=0, atol=5e-6)


def test_a_step_without_what_came_before_is_another():
    layer, states = WindowedAttention((5, 2)), query_key_value()
    state = layer.initial_state(BATCH, HEADS, KEY_DIM, VALUE_DIM)
    *_, state = layer.step(*(x[:, :, :8] for x in states), state, PADDING[:, :8])
    rest = [x[:, :, 8:16] for x in states], PADDING[:, 8:16]
    outputs = array(layer.step(*rest[0], state, rest[1])[0])
    for name in state:
        forgotten = {**state, name: ops.zeros_like(state[name])}
        changed = array(layer.step(*rest[0], forgotten, rest[1])[0])
        assert np.abs(changed - outputs).max() > 1e-3, f"{name} is not looked at"


# === What is refused ===


def test_chunks_that_are_not_whole_are_refused_in_a_step():
    layer, states = WindowedAttention((4, 2), window_style="chunked_limited"), query_key_value(4)
    state = layer.initial_state(BATCH, HEADS, KEY_DIM, VALUE_DIM)
    with pytest.raises(ValueError, match=r"whole chunks of 3 positions.*Received: 4 positions"):
        layer.step(*states, state, np.ones((BATCH, 4), bool))


def test_global_tokens_are_refused_in_a_stream():
    with pytest.raises(ValueError, match="no global tokens in a stream"):
        WindowedAttention((4, 2), global_tokens=1).initial_state(1, HEADS, KEY_DIM, VALUE_DIM)


@pytest.mark.parametrize("arguments", [{}, {"window": (2, 2), "position": "sinusoidal"}], ids=str)
def test_attention_that_cannot_go_step_by_step_says_so(arguments):
    layer = MultiHeadSelfAttention(HEADS, **arguments)
    layer.build((None, None, 8))
    with pytest.raises(ValueError, match="Expected a `window`, and a `position` that is relative"):
        layer.initial_state(1)


@pytest.mark.parametrize(
    "window", [None, 3, (1,), (1, 2, 3), (-1, 2), (1, -2), (1.0, 2), (True, 1), "12"], ids=str
)
def test_a_window_that_is_no_pair_of_counts_is_refused(window):
    with pytest.raises(ValueError, match=r"`window`, expected a pair of non-negative integers"):
        WindowedAttention(window)


def test_an_unknown_style_is_refused():
    with pytest.raises(ValueError, match=r"`window_style`, expected one of.*'chunked_limited'"):
        WindowedAttention((1, 1), window_style="chunked")


@pytest.mark.parametrize("global_tokens", [-1, 1.0, True, None])
def test_a_number_of_global_tokens_that_is_no_count_is_refused(global_tokens):
    with pytest.raises(ValueError, match=r"`global_tokens`, expected a non-negative integer"):
        WindowedAttention((1, 1), global_tokens=global_tokens)


def test_a_causal_window_that_looks_ahead_is_refused():
    with pytest.raises(ValueError, match=r"use window=\(5, 0\). Received: window=\(5, 1\)"):
        WindowedAttention((5, 1), causal=True)


@pytest.mark.parametrize("right", [0, 3])
def test_causal_chunks_are_refused(right):
    with pytest.raises(ValueError, match=r"`causal=False` with `window_style='chunked_limited'`"):
        WindowedAttention((5, right), window_style="chunked_limited", causal=True)


def test_a_mask_of_all_pairs_is_refused():
    states = query_key_value(length=4)
    with pytest.raises(ValueError, match=r"no `attention_mask` with a `window`.*window=\(1, 1\)"):
        WindowedAttention((1, 1))(*states, attention_mask=np.ones((4, 4), bool))


@pytest.mark.parametrize("window", [(3, 2), ((3, 2), (1, 0))], ids=str)
def test_its_configuration_survives_json(window):
    layer = WindowedAttention(json.loads(json.dumps(window)), normalizer="relu")
    saved = keras.saving.serialize_keras_object(layer)
    loaded = keras.saving.deserialize_keras_object(saved)
    assert loaded.get_config() == layer.get_config()
    assert loaded.window == window
