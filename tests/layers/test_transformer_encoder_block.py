import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import LinearSelfAttention, MultiHeadSelfAttention, TransformerEncoderBlock

from ..backends import gradients, needs_tensorflow, weight_gradients
from ..layer_test_case import named_weights, randomize_weights
from . import references
from .gradient_check import assert_gradients_match_differences
from .strategies import sequences

BATCH, LENGTH, HIDDEN, HEADS, INTERMEDIATE = 2, 6, 12, 3, 10
NORMS = pytest.mark.parametrize("normalize_first", [True, False], ids=["pre-norm", "post-norm"])


def vectors(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


MASKS = {
    "no mask": {},
    "padding": {"padding_mask": np.arange(LENGTH) < np.array([[LENGTH], [4]])},
    "mask": {"attention_mask": np.random.default_rng(1).random((BATCH, LENGTH, LENGTH)) < 0.6},
}


def make_block(inputs, num_heads=HEADS, **kwargs):
    """A built block with random weights."""
    inside = {name: kwargs.pop(name) for name in ("causal", "attention_dropout") if name in kwargs}
    if inside:
        attention = MultiHeadSelfAttention(
            num_heads,
            causal=inside.get("causal", False),
            dropout=inside.get("attention_dropout", 0.0),
            use_bias=kwargs.get("use_bias", True),
            name="self_attention",
        )
        block = TransformerEncoderBlock(None, INTERMEDIATE, attention, **kwargs)
    else:
        block = TransformerEncoderBlock(num_heads, INTERMEDIATE, **kwargs)
    block.build(inputs.shape)
    randomize_weights(block)
    return block


@pytest.mark.parametrize("causal", [False, True], ids=["", "causal"])
@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("use_bias", [True, False], ids=["", "no bias"])
@NORMS
def test_outputs_match_the_formula_in_float64(normalize_first, use_bias, masks, causal):
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    block = make_block(
        inputs,
        causal=causal,
        normalize_first=normalize_first,
        layer_norm_epsilon=1e-3,
        use_bias=use_bias,
    )
    assert len(block.weights) == (16 if use_bias else 10)
    allowed = references.allowed_pairs(BATCH, HEADS, LENGTH, **MASKS[masks], causal=causal)
    expected = references.encoder_block(
        inputs, named_weights(block), HEADS, normalize_first, epsilon=1e-3, mask=allowed
    )
    np.testing.assert_allclose(block(inputs, **MASKS[masks]), expected, atol=5e-6)


@pytest.mark.parametrize("normalize_attention", [True, False], ids=["", "attention as it is"])
@pytest.mark.parametrize("training", [False, True])
def test_a_gated_block_without_biases_matches_the_formula_in_float64(normalize_attention, training):
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    options = {"use_bias": False, "norm_bias": False, "normalize_attention": normalize_attention}
    block = make_block(inputs, feed_forward="geglu", layer_norm_epsilon=1e-3, **options)
    assert len(block.weights) == (8 if normalize_attention else 7)
    expected = references.encoder_block(
        inputs,
        named_weights(block),
        HEADS,
        normalize_first=True,
        epsilon=1e-3,
        gated=True,
        normalize_attention=normalize_attention,
    )
    np.testing.assert_allclose(block(inputs, training=training), expected, atol=5e-6)


def test_a_rectified_block_matches_the_formula_in_float64():
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    block = make_block(inputs, feed_forward="relu")
    expected = references.encoder_block(
        inputs, named_weights(block), HEADS, True, activation=lambda x: np.maximum(x, 0)
    )
    np.testing.assert_allclose(block(inputs), expected, atol=5e-6)


@NORMS
def test_gradients_match_differences_in_float64(normalize_first):
    inputs, target = vectors(2, 3, 4), vectors(2, 3, 4, seed=1)
    mask = np.array([[True, True, True], [True, True, False]])
    block = make_block(
        inputs, num_heads=2, normalize_first=normalize_first, layer_norm_epsilon=1e-2
    )
    allowed = references.allowed_pairs(2, 2, 3, mask)
    assert_gradients_match_differences(
        block,
        lambda x: block(x, padding_mask=mask),
        lambda x, weights: references.encoder_block(
            x, weights, 2, normalize_first, epsilon=1e-2, mask=allowed
        ),
        inputs,
        target,
    )


@NORMS
def test_attention_scores_are_those_of_the_self_attention_inside(normalize_first):
    inputs, masks = vectors(BATCH, LENGTH, HIDDEN), MASKS["padding"]
    block = make_block(inputs, normalize_first=normalize_first, layer_norm_epsilon=1e-3)
    outputs, weights = block(inputs, **masks, return_attention_scores=True)
    np.testing.assert_array_equal(outputs, block(inputs, **masks))

    parameters = named_weights(block)
    states = inputs
    if normalize_first:
        gamma, beta = parameters["attention_norm/gamma"], parameters["attention_norm/beta"]
        states = references.layer_normalization(inputs, gamma, beta, epsilon=1e-3)
    inside = {name.removeprefix("self_attention/"): w for name, w in parameters.items()}
    allowed = references.allowed_pairs(BATCH, HEADS, LENGTH, **masks)
    _, expected = references.self_attention(states, inside, HEADS, allowed)
    np.testing.assert_allclose(weights, expected, atol=2e-6)


@given(sequences(), st.booleans())
def test_what_the_padding_holds_does_not_matter(drawn, normalize_first):
    block = make_block(drawn.inputs, drawn.num_heads, normalize_first=normalize_first)
    real = drawn.padding_mask
    other = np.where(real[..., None], drawn.inputs, 9.0 - 100.0 * drawn.inputs)
    np.testing.assert_allclose(
        np.asarray(block(other, padding_mask=real))[real],
        np.asarray(block(drawn.inputs, padding_mask=real))[real],
        atol=1e-5,
    )


@given(sequences(), st.booleans())
def test_permuted_inputs_give_permuted_outputs(drawn, normalize_first):
    block = make_block(
        drawn.inputs,
        drawn.num_heads,
        normalize_first=normalize_first,
        # Tiny vectors have tiny variances, which would magnify rounding.
        layer_norm_epsilon=1e-2,
    )
    order = drawn.rng.permutation(drawn.inputs.shape[1])
    np.testing.assert_allclose(
        block(drawn.inputs[:, order], padding_mask=drawn.padding_mask[:, order]),
        np.asarray(block(drawn.inputs, padding_mask=drawn.padding_mask))[:, order],
        atol=1e-5,
    )


@given(sequences(min_length=2), st.booleans())
def test_a_causal_block_does_not_see_the_future(drawn, normalize_first):
    block = make_block(drawn.inputs, drawn.num_heads, causal=True, normalize_first=normalize_first)
    now = int(drawn.rng.integers(1, drawn.inputs.shape[1]))
    other = drawn.inputs.copy()
    other[:, now:] = drawn.rng.normal(size=other[:, now:].shape)
    np.testing.assert_allclose(block(other)[:, :now], block(drawn.inputs)[:, :now], atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@NORMS
def test_a_sequence_that_is_all_padding_has_finite_outputs_and_gradients(dtype, normalize_first):
    inputs = ops.cast(vectors(BATCH, LENGTH, HIDDEN), dtype)
    block = make_block(inputs, normalize_first=normalize_first, dtype=dtype)
    padding_mask = np.array([[True] * LENGTH, [False] * LENGTH])
    outputs, weights = block(inputs, padding_mask=padding_mask, return_attention_scores=True)
    assert outputs.dtype == dtype
    assert np.isfinite(np.asarray(outputs, "float32")).all()
    assert np.all(np.asarray(weights[1], "float32") == 0.0)

    def loss(states=inputs):
        outputs = block(states, padding_mask=padding_mask)
        return ops.mean(ops.cast(outputs, "float32") ** 2)

    for gradient in [*gradients(loss, [inputs]), *weight_gradients(loss, block.weights)]:
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@NORMS
def test_the_mask_of_an_embedding_is_heeded_by_every_block_of_a_stack(policy, normalize_first):
    token_ids = np.array([[3, 4, 0, 0, 0], [1, 2, 3, 4, 5]])
    embedding = keras.layers.Embedding(6, HIDDEN, mask_zero=True)
    states = np.asarray(embedding(token_ids))
    first, second = (
        make_block(states, normalize_first=normalize_first, dtype=policy) for _ in range(2)
    )
    mask = token_ids != 0
    expected = np.asarray(second(first(states, padding_mask=mask), padding_mask=mask), "float32")

    token_input = keras.Input((None,), dtype="int32")
    model = keras.Model(token_input, second(first(embedding(token_input))))
    np.testing.assert_array_equal(
        np.asarray(second(first(embedding(token_ids))), "float32"), expected
    )
    np.testing.assert_allclose(np.asarray(model(token_ids), "float32"), expected, atol=1e-5)


@pytest.mark.parametrize("rate", ["dropout", "attention_dropout"])
def test_dropout_is_active_in_training_only(rate):
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    block, plain = make_block(inputs, **{rate: 0.5}), make_block(inputs)
    np.testing.assert_array_equal(block(inputs, training=False), plain(inputs))
    assert np.abs(np.asarray(block(inputs, training=True)) - plain(inputs)).max() > 0.01


def test_everything_dropped_leaves_the_residual():
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    block = make_block(inputs, dropout=1.0 - 1e-7)
    np.testing.assert_array_equal(block(inputs, training=True), inputs)


def test_attention_scores_can_be_an_output_of_a_functional_model():
    states, padding = keras.Input((None, HIDDEN)), keras.Input((None,), dtype="bool")
    inputs, mask = vectors(BATCH, LENGTH, HIDDEN), MASKS["padding"]["padding_mask"]
    block = make_block(inputs)
    outputs = block(states, padding_mask=padding, return_attention_scores=True)
    assert len(outputs) == 2
    model = keras.Model([states, padding], outputs)
    expected = block(inputs, padding_mask=mask, return_attention_scores=True)
    np.testing.assert_allclose(model([inputs, mask])[1], expected[1], atol=1e-6)


def test_every_part_follows_the_dtype_policy_of_the_block():
    block = make_block(vectors(1, 2, HIDDEN), dtype="mixed_bfloat16")
    parts = [part for part in block._flatten_layers() if part is not block]
    assert len(parts) > 10
    assert {part.dtype_policy.name for part in parts} == {"mixed_bfloat16"}


@needs_tensorflow
def test_compiled_by_xla_it_gives_the_same():
    import tensorflow as tf

    inputs, masks = vectors(BATCH, LENGTH, HIDDEN), MASKS["padding"]
    block = make_block(inputs)
    compiled = tf.function(lambda x: block(x, **masks), jit_compile=True)
    np.testing.assert_allclose(compiled(inputs), block(inputs, **masks), atol=5e-6)


@pytest.mark.parametrize("argument", ["num_heads", "intermediate_dim"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True])
def test_a_size_that_is_no_positive_integer_is_refused(argument, value):
    with pytest.raises(
        ValueError, match=f"`{argument}`, expected a positive integer. Received: {argument}={value}"
    ):
        TransformerEncoderBlock(**{"num_heads": 2, "intermediate_dim": 4, argument: value})


@pytest.mark.parametrize("argument", ["dropout", "drop_path"])
@pytest.mark.parametrize("rate", [-0.1, 1.5])
def test_a_dropout_outside_zero_to_one_is_refused(argument, rate):
    with pytest.raises(ValueError, match="`rate`"):
        TransformerEncoderBlock(2, 4, **{argument: rate})


def test_another_feed_forward_network_is_refused():
    with pytest.raises(ValueError, match=r"one of .*'geglu'.*feed_forward='swiglu'"):
        TransformerEncoderBlock(2, 4, feed_forward="swiglu")


def test_a_post_norm_block_normalises_its_attention():
    with pytest.raises(ValueError, match=r"normalize_attention=False` only with"):
        TransformerEncoderBlock(2, 4, normalize_first=False, normalize_attention=False)


def test_an_input_size_that_the_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match=r"num_heads=5, input size 12"):
        TransformerEncoderBlock(5, 4)(vectors(1, 3, HIDDEN))


@pytest.mark.parametrize(
    "given", [{}, {"num_heads": 2, "attention": MultiHeadSelfAttention(2)}], ids=len
)
def test_heads_or_an_attention_layer_are_wanted_but_not_both(given):
    with pytest.raises(ValueError, match=r"either `num_heads`.* or `attention`"):
        TransformerEncoderBlock(intermediate_dim=4, **given)


@pytest.mark.parametrize(
    "attention",
    [
        MultiHeadSelfAttention(HEADS, position="rope", causal=True),
        LinearSelfAttention(HEADS),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_another_attention_layer_stands_in_the_block_and_comes_back_with_it(attention, tmp_path):
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    states = keras.Input((None, HIDDEN))
    block = TransformerEncoderBlock(None, INTERMEDIATE, attention, normalize_first=False)
    model = keras.Model(states, block(states))
    randomize_weights(model)
    expected = references.layer_normalization(
        inputs + attention(inputs),
        **{part: named_weights(block)[f"attention_norm/{part}"] for part in ("gamma", "beta")},
    )
    attended = block.attention_norm(inputs + attention(inputs))
    np.testing.assert_allclose(attended, expected, atol=5e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(inputs), model(inputs), atol=1e-6)


def test_what_the_attention_layer_cannot_give_is_refused():
    block = TransformerEncoderBlock(None, INTERMEDIATE, LinearSelfAttention(HEADS))
    with pytest.raises(ValueError, match=r"`return_attention_scores`, which LinearSelfAttention"):
        block(vectors(BATCH, LENGTH, HIDDEN), return_attention_scores=True)


def test_a_path_is_dropped_for_whole_sequences():
    inputs = vectors(64, LENGTH, HIDDEN)
    block, plain = make_block(inputs, drop_path=0.5), make_block(inputs)
    np.testing.assert_array_equal(block(inputs, training=False), plain(inputs))
    changed = np.abs(np.asarray(block(inputs, training=True)) - inputs) > 0
    whole = changed.reshape(64, -1)
    assert np.all(whole.all(axis=1) | ~whole.any(axis=1))  # Both branches dropped: nothing changes.
    assert 0.1 < np.mean(~whole.any(axis=1)) < 0.45  # A quarter of the sequences.


@NORMS
def test_layer_scale_multiplies_each_branch(normalize_first):
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    block = make_block(inputs, normalize_first=normalize_first, layer_scale=0.1)
    parameters = named_weights(block)
    scaled = {
        **parameters,
        **{
            f"{dense}/{part}": parameters[f"{dense}/{part}"] * parameters[f"{scale}/gamma"]
            for dense, scale in (
                ("self_attention/attention_output", "attention_scale"),
                ("feed_forward_output", "feed_forward_scale"),
            )
            for part in ("kernel", "bias")
        },
    }
    expected = references.encoder_block(inputs, scaled, HEADS, normalize_first)
    np.testing.assert_allclose(block(inputs), expected, atol=5e-6)
