import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo import layers
from attnzoo.layers import MultiHeadSelfAttention

from ..backends import gradients, needs_tensorflow, weight_gradients
from ..layer_test_case import named_weights, randomize_weights
from . import references
from .gradient_check import assert_gradients_match_differences
from .strategies import sequences

BATCH, LENGTH, HIDDEN, HEADS = 2, 6, 12, 3
LENGTHS = np.array([LENGTH, 4])

SIZES = {
    "sizes from the input": {},
    "key_dim": {"key_dim": 5},
    "value_dim": {"value_dim": 2},
    "key_dim, value_dim and output_dim": {"key_dim": 5, "value_dim": 2, "output_dim": 7},
    "no bias": {"use_bias": False},
}


def vectors(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def coin_flips(*shape):
    return np.random.default_rng(1).random(shape) < 0.6


MASKS = {
    "no mask": {},
    "padding": {"padding_mask": np.arange(LENGTH) < LENGTHS[:, None]},
    "padding in front": {"padding_mask": np.arange(LENGTH) >= LENGTH - LENGTHS[:, None]},
    "mask (query, key)": {"attention_mask": coin_flips(LENGTH, LENGTH)},
    "mask (batch, query, key)": {"attention_mask": coin_flips(BATCH, LENGTH, LENGTH)},
    "mask (batch, heads, query, key)": {"attention_mask": coin_flips(BATCH, HEADS, LENGTH, LENGTH)},
    "padding and mask": {
        "padding_mask": np.arange(LENGTH) < LENGTHS[:, None],
        "attention_mask": coin_flips(BATCH, LENGTH, LENGTH),
    },
}


def make_layer(inputs, **kwargs):
    """A built layer with random weights."""
    layer = MultiHeadSelfAttention(**kwargs)
    layer.build(inputs.shape)
    randomize_weights(layer)
    return layer


@pytest.mark.parametrize("causal", [False, True], ids=["", "causal"])
@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("sizes", SIZES)
def test_outputs_and_weights_match_the_formula_in_float64(sizes, masks, causal):
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    layer = make_layer(inputs, num_heads=HEADS, causal=causal, **SIZES[sizes])
    allowed = references.allowed_pairs(BATCH, HEADS, LENGTH, **MASKS[masks], causal=causal)
    expected = references.self_attention(inputs, named_weights(layer), HEADS, allowed)

    outputs = layer(inputs, **MASKS[masks])
    np.testing.assert_allclose(outputs, expected[0], atol=2e-6)
    outputs, weights = layer(inputs, **MASKS[masks], return_attention_scores=True)
    np.testing.assert_allclose(outputs, expected[0], atol=2e-6)
    np.testing.assert_allclose(weights, expected[1], atol=2e-6)


@given(sequences(), st.booleans())
def test_outputs_match_the_formula_for_all_shapes(drawn, causal):
    layer = make_layer(drawn.inputs, num_heads=drawn.num_heads, causal=causal)
    batch, length, _ = drawn.inputs.shape
    allowed = references.allowed_pairs(
        batch, drawn.num_heads, length, drawn.padding_mask, causal=causal
    )
    weights = named_weights(layer)
    expected, _ = references.self_attention(drawn.inputs, weights, drawn.num_heads, allowed)
    outputs = layer(drawn.inputs, padding_mask=drawn.padding_mask)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("causal", [False, True], ids=["", "causal"])
def test_gradients_match_differences_in_float64(causal):
    inputs, target = vectors(2, 5, 4), vectors(2, 5, 4, seed=1)
    # In the second sequence the first query has nothing to attend if it is causal.
    mask = np.array([[True] * 5, [False, True, True, True, False]])
    layer = make_layer(inputs, num_heads=2, causal=causal)
    allowed = references.allowed_pairs(2, 2, 5, mask, causal=causal)
    assert_gradients_match_differences(
        layer,
        lambda x: layer(x, padding_mask=mask),
        lambda x, weights: references.self_attention(x, weights, 2, allowed)[0],
        inputs,
        target,
    )


@pytest.mark.parametrize("masks", ["no mask", "padding", "mask (batch, query, key)"])
@pytest.mark.parametrize("causal", [False, True], ids=["", "causal"])
def test_it_equals_multi_head_attention_of_keras(masks, causal):
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    layer = make_layer(inputs, num_heads=HEADS, key_dim=5, value_dim=2, causal=causal)
    peer = keras.layers.MultiHeadAttention(HEADS, key_dim=5, value_dim=2)
    peer.build(inputs.shape, inputs.shape)
    ours = {weight.path.split("/", 1)[1]: weight.numpy() for weight in layer.weights}
    for weight in peer.weights:
        weight.assign(ours[weight.path.split("/", 1)[1]].reshape(weight.shape))

    allowed = references.allowed_pairs(BATCH, 1, LENGTH, **MASKS[masks])[:, 0]
    # Keras spreads a row with nothing to attend over all keys; here it gathers zeros.
    allowed |= np.eye(LENGTH, dtype=bool)
    expected, expected_weights = peer(
        inputs, inputs, attention_mask=allowed, use_causal_mask=causal, return_attention_scores=True
    )
    outputs, weights = layer(inputs, attention_mask=allowed, return_attention_scores=True)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-6)


@given(sequences(), st.booleans())
def test_weights_of_a_row_sum_to_one_or_if_nothing_may_be_attended_to_zero(drawn, causal):
    layer = make_layer(drawn.inputs, num_heads=drawn.num_heads, causal=causal)
    _, weights = layer(drawn.inputs, padding_mask=drawn.padding_mask, return_attention_scores=True)
    batch, length, _ = drawn.inputs.shape
    allowed = references.allowed_pairs(
        batch, drawn.num_heads, length, padding_mask=drawn.padding_mask, causal=causal
    )
    assert np.all(np.asarray(weights)[~allowed] == 0.0)
    np.testing.assert_allclose(np.sum(weights, axis=-1), allowed.any(-1), atol=1e-6)


@given(sequences())
def test_what_the_padding_holds_does_not_matter(drawn):
    layer = make_layer(drawn.inputs, num_heads=drawn.num_heads)
    other = np.where(drawn.padding_mask[..., None], drawn.inputs, 100.0 * drawn.inputs - 7.0)
    real = drawn.padding_mask
    np.testing.assert_allclose(
        np.asarray(layer(other, padding_mask=real))[real],
        np.asarray(layer(drawn.inputs, padding_mask=real))[real],
        atol=1e-6,
    )


@given(sequences(), st.integers(1, 4))
def test_appended_padding_does_not_matter(drawn, extra):
    layer = make_layer(drawn.inputs, num_heads=drawn.num_heads)
    length = drawn.inputs.shape[1]
    padded = np.pad(drawn.inputs, ((0, 0), (0, extra), (0, 0)), constant_values=3.0)
    mask = np.pad(drawn.padding_mask, ((0, 0), (0, extra)), constant_values=False)
    np.testing.assert_allclose(
        np.asarray(layer(padded, padding_mask=mask))[:, :length],
        layer(drawn.inputs, padding_mask=drawn.padding_mask),
        atol=1e-6,
    )


@given(sequences())
def test_permuted_inputs_give_permuted_outputs(drawn):
    layer = make_layer(drawn.inputs, num_heads=drawn.num_heads)
    order = drawn.rng.permutation(drawn.inputs.shape[1])
    np.testing.assert_allclose(
        layer(drawn.inputs[:, order], padding_mask=drawn.padding_mask[:, order]),
        np.asarray(layer(drawn.inputs, padding_mask=drawn.padding_mask))[:, order],
        atol=1e-5,
    )


@given(sequences(min_length=2))
def test_a_causal_layer_does_not_see_the_future(drawn):
    layer = make_layer(drawn.inputs, num_heads=drawn.num_heads, causal=True)
    now = int(drawn.rng.integers(1, drawn.inputs.shape[1]))
    other = drawn.inputs.copy()
    other[:, now:] = drawn.rng.normal(size=other[:, now:].shape)
    np.testing.assert_allclose(layer(other)[:, :now], layer(drawn.inputs)[:, :now], atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_rows_with_nothing_to_attend_gather_zeros_with_finite_gradients(dtype):
    inputs = ops.cast(vectors(BATCH, LENGTH, HIDDEN), dtype)
    layer = make_layer(inputs, num_heads=HEADS, use_bias=False, dtype=dtype)
    padding_mask = np.array([[True] * LENGTH, [False] * LENGTH])
    outputs, weights = layer(inputs, padding_mask=padding_mask, return_attention_scores=True)
    assert np.all(np.asarray(outputs[1], "float32") == 0.0)
    assert np.all(np.asarray(weights[1], "float32") == 0.0)
    assert np.any(np.asarray(outputs[0], "float32") != 0.0)

    def loss(states=inputs):
        outputs = layer(states, padding_mask=padding_mask)
        return ops.sum(ops.cast(outputs, "float32") ** 2)

    for gradient in [*gradients(loss, [inputs]), *weight_gradients(loss, layer.weights)]:
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_the_mask_of_an_embedding_is_heeded(policy):
    token_ids = np.array([[3, 4, 0, 0, 0], [1, 2, 3, 4, 5]])
    embedding = keras.layers.Embedding(6, HIDDEN, mask_zero=True)
    states = np.asarray(embedding(token_ids))
    layer = make_layer(states, num_heads=HEADS, dtype=policy)
    expected = np.asarray(layer(states, padding_mask=token_ids != 0), "float32")

    eager = layer(embedding(token_ids))
    token_input = keras.Input((None,), dtype="int32")
    model = keras.Model(token_input, layer(embedding(token_input)))
    np.testing.assert_array_equal(np.asarray(eager, "float32"), expected)
    np.testing.assert_allclose(np.asarray(model(token_ids), "float32"), expected, atol=1e-6)
    np.testing.assert_array_equal(eager._keras_mask, token_ids != 0)


def test_an_explicit_padding_mask_outranks_the_one_that_keras_attached():
    token_ids = np.array([[3, 4, 0, 0]])
    embedding = keras.layers.Embedding(6, HIDDEN, mask_zero=True)
    states = np.asarray(embedding(token_ids))
    layer = make_layer(states, num_heads=HEADS)
    everything = np.ones_like(token_ids, bool)
    np.testing.assert_array_equal(
        layer(embedding(token_ids), padding_mask=everything), layer(states)
    )


def test_a_mask_of_zeros_and_ones_is_one_of_booleans():
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    layer = make_layer(inputs, num_heads=HEADS)
    masks = MASKS["padding and mask"]
    as_numbers = {name: mask.astype("int32") for name, mask in masks.items()}
    np.testing.assert_array_equal(layer(inputs, **as_numbers), layer(inputs, **masks))


def test_weights_are_dropped_in_training_only():
    inputs = vectors(BATCH, 40, HIDDEN)
    layer = make_layer(inputs, num_heads=HEADS, dropout=0.5)
    kept = np.asarray(layer(inputs, return_attention_scores=True, training=False)[1])
    dropped = np.asarray(layer(inputs, return_attention_scores=True, training=True)[1])
    assert np.all(kept > 0.0)
    assert 0.4 < np.mean(dropped == 0.0) < 0.6
    np.testing.assert_allclose(dropped[dropped > 0.0], 2.0 * kept[dropped > 0.0], rtol=1e-5)


def test_attention_scores_can_be_an_output_of_a_functional_model():
    states, padding = keras.Input((None, HIDDEN)), keras.Input((None,), dtype="bool")
    inputs, mask = vectors(BATCH, LENGTH, HIDDEN), MASKS["padding"]["padding_mask"]
    layer = make_layer(inputs, num_heads=HEADS)
    outputs = layer(states, padding_mask=padding, return_attention_scores=True)
    assert len(outputs) == 2
    model = keras.Model([states, padding], outputs)
    expected = layer(inputs, padding_mask=mask, return_attention_scores=True)
    np.testing.assert_allclose(model([inputs, mask])[1], expected[1], atol=1e-6)


@needs_tensorflow
def test_compiled_by_xla_it_gives_the_same():
    import tensorflow as tf

    inputs, masks = vectors(BATCH, LENGTH, HIDDEN), MASKS["padding and mask"]
    layer = make_layer(inputs, num_heads=HEADS, causal=True)
    compiled = tf.function(lambda x: layer(x, **masks), jit_compile=True)
    np.testing.assert_allclose(compiled(inputs), layer(inputs, **masks), atol=1e-6)


def test_each_projection_starts_from_its_own_numbers():
    layer = MultiHeadSelfAttention(num_heads=HEADS)
    layer.build((None, None, HIDDEN))
    query, key = layer.query_dense.kernel.numpy(), layer.key_dense.kernel.numpy()
    assert np.abs(query - key).max() > 0.01


@pytest.mark.parametrize("argument", ["num_heads", "key_dim", "value_dim", "output_dim"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "4"])
def test_a_size_that_is_no_positive_integer_is_refused(argument, value):
    with pytest.raises(
        ValueError, match=f"`{argument}`, expected a positive integer. Received: {argument}={value}"
    ):
        MultiHeadSelfAttention(**{"num_heads": 2, argument: value})


def test_a_missing_number_of_heads_is_refused():
    with pytest.raises(ValueError, match="`num_heads`, expected a positive integer"):
        MultiHeadSelfAttention(num_heads=None)


def test_an_input_size_that_the_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match=r"pass `key_dim` .*num_heads=5, input size 12"):
        MultiHeadSelfAttention(num_heads=5)(vectors(BATCH, LENGTH, HIDDEN))
    assert MultiHeadSelfAttention(5, key_dim=2)(vectors(1, 4, HIDDEN)).shape == (1, 4, HIDDEN)


def test_an_attention_mask_of_another_rank_is_refused():
    with pytest.raises(ValueError, match=r"`attention_mask`, expected \(query, key\)"):
        MultiHeadSelfAttention(HEADS)(vectors(1, 4, HIDDEN), attention_mask=np.ones(4, bool))


@pytest.mark.parametrize("rate", [-0.1, 1.5])
def test_a_dropout_outside_zero_to_one_is_refused(rate):
    with pytest.raises(ValueError, match="`rate`"):
        MultiHeadSelfAttention(num_heads=HEADS, dropout=rate)


def test_unknown_names_of_pieces_are_refused():
    with pytest.raises(ValueError, match=r"`score`, expected one of .*'dot'.*score='dott'"):
        MultiHeadSelfAttention(num_heads=HEADS, score="dott")
    with pytest.raises(ValueError, match=r"`normalizer`, expected one of .*'softmax'.*'hard'"):
        MultiHeadSelfAttention(num_heads=HEADS, normalizer="hard")


# === Positions and windows ===

POSITIONS_WITHOUT_SIZES = sorted(set(layers.positions.POSITIONS) - {"learned", "sincos_2d"})


def test_a_position_of_the_input_is_added_before_the_projections():
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    layer = make_layer(inputs, num_heads=HEADS, position="sinusoidal")
    plain = make_layer(inputs, num_heads=HEADS)
    moved = inputs + references.sinusoidal_encoding(LENGTH, HIDDEN).astype("float32")
    np.testing.assert_allclose(layer(inputs), plain(moved), atol=1e-5)


def test_a_position_inside_the_formula_is_handed_to_it():
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    layer = make_layer(inputs, num_heads=HEADS, position="alibi")
    _, weights = layer(inputs, return_attention_scores=True)
    _, expected = layer.attention(*layer.project(inputs))
    np.testing.assert_array_equal(weights, expected)
    assert isinstance(layer.attention.position_layer, layers.ALiBi)


@pytest.mark.parametrize("position", POSITIONS_WITHOUT_SIZES)
def test_with_a_position_the_order_counts(position):
    inputs = vectors(1, LENGTH, HIDDEN)
    layer = make_layer(inputs, num_heads=HEADS, position=position)
    order = np.random.default_rng(2).permutation(LENGTH)
    difference = np.asarray(layer(inputs[:, order])) - np.asarray(layer(inputs))[:, order]
    assert np.abs(difference).max() > 1e-3


@pytest.mark.parametrize("position", POSITIONS_WITHOUT_SIZES)
@pytest.mark.parametrize("window", [None, (2, 1)])
def test_what_the_padding_holds_does_not_matter_with_any_position(position, window):
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    layer = make_layer(inputs, num_heads=HEADS, position=position, window=window)
    real = MASKS["padding"]["padding_mask"]
    other = np.where(real[..., None], inputs, 9.0)
    np.testing.assert_allclose(
        np.asarray(layer(other, padding_mask=real))[real],
        np.asarray(layer(inputs, padding_mask=real))[real],
        atol=1e-5,
    )


@pytest.mark.parametrize("position", [*POSITIONS_WITHOUT_SIZES, layers.ALiBi()], ids=str)
def test_it_comes_back_from_its_file_with_its_position(position, tmp_path):
    states = keras.Input((None, HIDDEN))
    model = keras.Model(states, MultiHeadSelfAttention(HEADS, position=position)(states))
    randomize_weights(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    np.testing.assert_allclose(loaded(inputs), model(inputs), atol=1e-6)


def test_a_window_hides_what_is_out_of_reach():
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    layer = make_layer(inputs, num_heads=HEADS, window=(2, 1))
    offsets = np.arange(LENGTH)[None, :] - np.arange(LENGTH)[:, None]
    reach = (offsets >= -2) & (offsets <= 1)
    plain = make_layer(inputs, num_heads=HEADS)
    outputs, weights = layer(inputs, return_attention_scores=True)
    expected, expected_weights = plain(inputs, attention_mask=reach, return_attention_scores=True)
    np.testing.assert_allclose(outputs, expected, atol=2e-6)
    np.testing.assert_allclose(weights, expected_weights, atol=2e-6)


@pytest.mark.parametrize("changes", [{"window_style": "chunked_limited"}, {"global_tokens": 1}])
def test_options_of_a_window_without_one_are_refused(changes):
    with pytest.raises(ValueError, match="only with a `window`"):
        MultiHeadSelfAttention(HEADS, **changes)


def test_a_causal_layer_refuses_a_position_that_looks_ahead():
    with pytest.raises(ValueError, match="does not look ahead"):
        MultiHeadSelfAttention(HEADS, position="conditional", causal=True)


def test_a_position_that_needs_a_size_is_asked_for_as_a_layer():
    with pytest.raises(ValueError, match=r"LearnedPositionalEncoding\(max_length="):
        MultiHeadSelfAttention(HEADS, position="learned")
