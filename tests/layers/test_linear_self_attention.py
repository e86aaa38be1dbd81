import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import LinearSelfAttention, MultiHeadSelfAttention, feature_maps
from attnzoo.layers.feature_maps import FavorFeatureMap, elu_plus_one
from attnzoo.layers.feature_maps.favor import OrthogonalGaussian

from ..backends import each_dtype, gradients, needs_tensorflow, weight_gradients
from ..layer_test_case import named_weights, randomize_weights
from . import references, references_kinds
from .calls import array, run, whole
from .export_parity import assert_exports_agree
from .gradient_check import assert_gradients_match_differences
from .strategies import sequences

BATCH, LENGTH, HIDDEN, HEADS = 2, 7, 12, 3
PADDING = np.arange(LENGTH) < np.array([[LENGTH], [4]])
MAPS = {"elu": {}, "favor": {"num_features": 9}}


def vectors(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def make_layer(inputs, feature_map="elu", num_heads=HEADS, **kwargs):
    """A built layer with random weights, but for the random features, which stay as drawn."""
    if feature_map == "favor":
        kwargs.setdefault("num_features", 9)
    layer = LinearSelfAttention(num_heads, feature_map=feature_map, **kwargs)
    layer.build(inputs.shape)
    for dense in (layer.query_dense, layer.key_dense, layer.value_dense, layer.output_dense):
        randomize_weights(dense, seed=len(dense.name))
    return layer


def expected_outputs(layer, inputs, padding_mask=None, weights=None):
    """What the reference gives for a layer with these weights."""
    weights = weights or named_weights(layer)
    projection = weights.get("feature_map/projection")
    batch, length, _ = np.shape(inputs)
    return references_kinds.linear_self_attention(
        inputs,
        weights,
        layer.num_heads,
        references_kinds.elu_plus_one
        if projection is None
        else lambda states: references_kinds.favor(states, projection),
        references.allowed_pairs(batch, layer.num_heads, length, padding_mask, causal=layer.causal),
    )


# === The formula ===


@pytest.mark.parametrize("sizes", [{}, {"key_dim": 5, "value_dim": 2, "output_dim": 7}])
@pytest.mark.parametrize("padding_mask", [None, PADDING, PADDING[:, ::-1]])
@pytest.mark.parametrize("causal", [False, True], ids=["", "causal"])
@pytest.mark.parametrize("feature_map", MAPS)
def test_outputs_match_the_formula_in_float64(feature_map, causal, padding_mask, sizes):
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    layer = make_layer(inputs, feature_map, causal=causal, chunk_size=3, **sizes)
    outputs = run(layer, inputs, padding_mask=padding_mask)
    expected = expected_outputs(layer, inputs, padding_mask)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=2e-6)


@given(sequences(), st.sampled_from(list(MAPS)), st.booleans(), st.integers(1, 8))
def test_outputs_match_the_formula_for_all_shapes(drawn, feature_map, causal, chunk_size):
    layer = make_layer(
        drawn.inputs, feature_map, drawn.num_heads, causal=causal, chunk_size=chunk_size
    )
    np.testing.assert_allclose(
        run(layer, drawn.inputs, padding_mask=drawn.padding_mask),
        expected_outputs(layer, drawn.inputs, drawn.padding_mask),
        rtol=0,
        atol=2e-6,
    )


@pytest.mark.parametrize("causal", [False, True], ids=["", "causal"])
@pytest.mark.parametrize("feature_map", MAPS)
def test_gradients_match_differences_in_float64(feature_map, causal):
    inputs, target = vectors(2, 5, 4), vectors(2, 5, 4, seed=1)
    mask = np.array([[True] * 5, [True, False, True, True, False]])
    layer = make_layer(inputs, feature_map, 2, causal=causal, chunk_size=2)
    assert_gradients_match_differences(
        layer,
        lambda x: layer(x, padding_mask=mask),
        lambda x, weights: expected_outputs(layer, x, mask, weights),
        inputs,
        target,
    )


@pytest.mark.parametrize("feature_map", MAPS)
def test_the_size_of_chunks_does_not_matter(feature_map):
    inputs = vectors(2, 150, HIDDEN)
    outputs = []
    for chunk_size in (1, 7, 64, 150, 1000):
        keras.utils.set_random_seed(0)
        layer = make_layer(inputs, feature_map, causal=True, chunk_size=chunk_size)
        outputs.append(run(layer, inputs))
    for other in outputs[1:]:
        np.testing.assert_allclose(other, outputs[0], rtol=0, atol=3e-6)


# === Step by step ===


@given(sequences(), st.sampled_from(list(MAPS)), st.data())
def test_steps_of_any_size_equal_the_call_on_all(drawn, feature_map, data):
    layer = make_layer(drawn.inputs, feature_map, drawn.num_heads, causal=True, chunk_size=3)
    batch, length, _ = drawn.inputs.shape
    cuts = data.draw(st.lists(st.integers(1, max(1, length - 1)), unique=True).map(sorted))
    step, state, outputs = whole(layer.step), layer.initial_state(batch), []
    pieces = zip(
        np.split(drawn.inputs, cuts, axis=1),
        np.split(drawn.padding_mask, cuts, axis=1),
        strict=True,
    )
    for frames, real in pieces:
        if frames.shape[1]:
            gathered, state = step(frames, state, real)
            outputs.append(array(gathered))
    outputs = np.concatenate(outputs, axis=1)
    at_once = run(layer, drawn.inputs, padding_mask=drawn.padding_mask)
    np.testing.assert_allclose(outputs, at_once, rtol=0, atol=2e-6)
    expected = expected_outputs(layer, drawn.inputs, drawn.padding_mask)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("feature_map", MAPS)
def test_many_single_steps_equal_the_call(feature_map):
    inputs = vectors(1, 80, HIDDEN)
    layer = make_layer(inputs, feature_map, causal=True)
    step, state, outputs = whole(layer.step), layer.initial_state(1), []
    for t in range(80):
        frame, state = step(inputs[:, t : t + 1], state)
        outputs.append(array(frame))
    outputs = np.concatenate(outputs, axis=1)
    np.testing.assert_allclose(outputs, run(layer, inputs), rtol=0, atol=1e-5)


def test_the_state_has_one_size_and_is_what_the_steps_live_on():
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    layer = make_layer(inputs, "favor", causal=True, value_dim=2)
    state = layer.initial_state(BATCH)
    assert tuple(state.shape) == (BATCH, HEADS, 9, 2 + 1)
    step = whole(layer.step)
    _, after = step(inputs[:, :4], state)
    assert tuple(after.shape) == tuple(state.shape)
    with_past, _ = step(inputs[:, 4:], after)
    without, _ = step(inputs[:, 4:], state)
    assert np.abs(array(with_past) - array(without)).max() > 0.01


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_steps_equal_the_call_under_mixed_precision_with_a_state_in_float32(policy):
    inputs = vectors(BATCH, 40, HIDDEN)
    layer = make_layer(inputs, "favor", causal=True, dtype=policy)
    state = layer.initial_state(BATCH)
    step = whole(layer.step)
    first, state = step(inputs[:, :33], state)
    rest, state = step(inputs[:, 33:], state)
    assert keras.backend.standardize_dtype(state.dtype) == "float32"
    assert keras.backend.standardize_dtype(first.dtype) == layer.compute_dtype
    np.testing.assert_allclose(
        np.concatenate([array(first), array(rest)], axis=1), run(layer, inputs), atol=1e-2
    )


def test_only_a_causal_layer_that_is_built_goes_step_by_step():
    layer = make_layer(vectors(1, 3, HIDDEN))
    with pytest.raises(ValueError, match=r"Expected `causal=True`.*cannot go step by step"):
        layer.initial_state(1)
    with pytest.raises(ValueError, match="Expected `causal=True`"):
        layer.step(vectors(1, 1, HIDDEN), None)
    with pytest.raises(ValueError, match="call it once, or `build` it"):
        LinearSelfAttention(HEADS, causal=True).initial_state(1)


# === Time and padding ===


@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("feature_map", MAPS)
def test_a_causal_layer_does_not_see_the_future_however_large_it_is(feature_map, scale):
    inputs = vectors(1, 20, HIDDEN)
    layer = make_layer(inputs, feature_map, causal=True, chunk_size=8)
    for now in (7, 8):
        other = inputs.copy()
        other[:, now:] = scale * vectors(1, 20 - now, HIDDEN, seed=1)
        np.testing.assert_allclose(
            run(layer, other)[:, :now], run(layer, inputs)[:, :now], rtol=0, atol=1e-6
        )


@given(sequences(), st.sampled_from(list(MAPS)), st.booleans())
def test_what_the_padding_holds_does_not_matter(drawn, feature_map, causal):
    layer = make_layer(drawn.inputs, feature_map, drawn.num_heads, causal=causal)
    real = drawn.padding_mask
    other = np.where(real[..., None], drawn.inputs, 100.0 * drawn.inputs - 7.0)
    np.testing.assert_allclose(
        run(layer, other, padding_mask=real)[real],
        run(layer, drawn.inputs, padding_mask=real)[real],
        rtol=0,
        atol=1e-6,
    )


@given(sequences(), st.sampled_from(list(MAPS)), st.booleans(), st.integers(1, 4))
def test_appended_padding_does_not_matter(drawn, feature_map, causal, extra):
    layer = make_layer(drawn.inputs, feature_map, drawn.num_heads, causal=causal, chunk_size=4)
    length = drawn.inputs.shape[1]
    padded = np.pad(drawn.inputs, ((0, 0), (0, extra), (0, 0)), constant_values=3.0)
    mask = np.pad(drawn.padding_mask, ((0, 0), (0, extra)), constant_values=False)
    np.testing.assert_allclose(
        run(layer, padded, padding_mask=mask)[:, :length],
        run(layer, drawn.inputs, padding_mask=drawn.padding_mask),
        rtol=0,
        atol=1e-6,
    )


@given(sequences(), st.sampled_from(list(MAPS)))
def test_permuted_inputs_give_permuted_outputs(drawn, feature_map):
    layer = make_layer(drawn.inputs, feature_map, drawn.num_heads)
    order = drawn.rng.permutation(drawn.inputs.shape[1])
    np.testing.assert_allclose(
        run(layer, drawn.inputs[:, order], padding_mask=drawn.padding_mask[:, order]),
        run(layer, drawn.inputs, padding_mask=drawn.padding_mask)[:, order],
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.parametrize("causal", [False, True], ids=["", "causal"])
@pytest.mark.parametrize("feature_map", MAPS)
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_a_sequence_of_padding_gathers_zeros_with_finite_gradients(dtype, feature_map, causal):
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    layer = make_layer(inputs, feature_map, causal=causal, use_bias=False, dtype=dtype)
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
    layer = make_layer(states)
    expected = run(layer, states, padding_mask=token_ids != 0)
    np.testing.assert_allclose(array(layer(embedding(token_ids))), expected, atol=1e-6)
    token_input = keras.Input((None,), dtype="int32")
    model = keras.Model(token_input, layer(embedding(token_input)))
    np.testing.assert_allclose(run(model, token_ids), expected, atol=1e-6)


# === Extremes ===


@pytest.mark.parametrize("scale", [1e-3, 30.0, 1e3])
@pytest.mark.parametrize("causal", [False, True], ids=["", "causal"])
@pytest.mark.parametrize("feature_map", MAPS)
def test_weights_sum_to_one_with_finite_gradients_however_long_the_vectors(
    feature_map, causal, scale
):
    inputs = scale * vectors(2, 30, HIDDEN)
    layer = make_layer(inputs, feature_map, causal=causal, chunk_size=8)
    # Every value is one: what is gathered is the sum of the weights.
    layer.value_dense.kernel.assign(0 * layer.value_dense.kernel)
    layer.value_dense.bias.assign(0 * layer.value_dense.bias + 1)
    expected = array(layer.combine(keras.ops.ones((2, HEADS, 30, HIDDEN // HEADS))))
    np.testing.assert_allclose(run(layer, inputs), expected, rtol=1e-5, atol=1e-5)
    randomize_weights(layer.value_dense)
    found = gradients(whole(lambda x: keras.ops.sum(layer(x) ** 2)), [inputs])
    found += weight_gradients(lambda: keras.ops.sum(layer(inputs) ** 2), layer.trainable_weights)
    for gradient in found:
        assert np.isfinite(gradient).all()


def test_long_sums_do_not_overflow_in_float16():
    inputs = vectors(1, 5000, HIDDEN) + 5.0
    layer = make_layer(inputs, dtype="mixed_float16")
    exact = make_layer(inputs)
    np.testing.assert_allclose(run(layer, inputs), run(exact, inputs), rtol=0.01, atol=0.02)


# === Feature maps ===


@pytest.mark.parametrize("dtype", each_dtype(["float32", "float64"]))
def test_elu_plus_one_is_exact_far_below_zero(dtype):
    states = np.linspace(-40, 20, 121).astype(dtype)
    features = elu_plus_one(states)
    assert keras.backend.standardize_dtype(features.dtype) == dtype
    expected = np.where(states > 0, states + 1.0, np.exp(np.minimum(states, 0), dtype="float64"))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(features), expected, rtol=1e-5)


def test_favor_features_match_the_formula_in_float64():
    states = vectors(2, 3, 5, 8)
    favor = FavorFeatureMap(num_features=20)
    features = array(favor(states))
    projection = keras.ops.convert_to_numpy(favor.projection).astype("float64")
    expected = references_kinds.favor(states.astype("float64"), projection)
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)


def test_random_features_are_gaussian_and_orthogonal_in_blocks():
    size = 8
    columns = array(OrthogonalGaussian(seed=3)((size, 20_000)))
    for block in np.split(columns, 20_000 // size, axis=1)[:5]:
        products = block.T @ block
        np.testing.assert_allclose(products, np.diag(np.diag(products)), atol=1e-5)
    # As of 20,000 Gaussian vectors: no direction is preferred, and lengths are of the right spread.
    np.testing.assert_allclose(columns.mean(axis=1), np.zeros(size), atol=0.03)
    np.testing.assert_allclose(columns @ columns.T / 20_000, np.eye(size), atol=0.05)
    squares = (columns**2).sum(axis=0)
    assert abs(squares.mean() - size) < 0.1
    assert abs(squares.var() - 2 * size) < 1.0


def test_favor_approaches_softmax_attention_as_features_grow():
    inputs = vectors(2, 10, 16) / 2
    softmax = MultiHeadSelfAttention(2)
    softmax.build(inputs.shape)
    errors = []
    for num_features in (16, 4096):
        keras.utils.set_random_seed(1)
        layer = LinearSelfAttention(2, feature_map="favor", num_features=num_features)
        layer.build(inputs.shape)
        for name in ("query_dense", "key_dense", "value_dense", "output_dense"):
            getattr(layer, name).set_weights(getattr(softmax, name).get_weights())
        errors.append(np.abs(run(layer, inputs) - run(softmax, inputs)).mean())
    assert errors[1] < min(0.01, errors[0] / 4)


def test_the_number_of_random_features_defaults_to_key_dim_times_its_logarithm():
    for key_dim, expected in ((1, 1), (2, 2), (8, 17), (64, 267)):
        assert FavorFeatureMap().compute_output_shape((1, 1, 1, key_dim))[-1] == expected


def test_a_seed_gives_the_same_features_and_another_gives_others():
    states = vectors(1, 1, 3, 8)
    first = array(FavorFeatureMap(seed=1)(states))
    np.testing.assert_array_equal(array(FavorFeatureMap(seed=1)(states)), first)
    assert np.abs(array(FavorFeatureMap(seed=2)(states)) - first).max() > 0.01
    assert np.abs(array(FavorFeatureMap()(states)) - array(FavorFeatureMap()(states))).max() > 0.01


def test_random_features_are_not_trained_but_saved(tmp_path):
    node = keras.Input((None, HIDDEN))
    model = keras.Model(node, LinearSelfAttention(HEADS, feature_map="favor")(node))
    (projection,) = model.non_trainable_weights
    assert projection.path.endswith("feature_map/projection")
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(run(loaded, inputs), run(model, inputs), atol=1e-6)


@keras.saving.register_keras_serializable("tests")
def squares(states):
    return states**2


@keras.saving.register_keras_serializable("tests")
class LearnedFeatures(keras.layers.Layer):
    def build(self, states_shape):
        self.dense = keras.layers.Dense(6, activation="softplus", name="dense")
        self.dense.build(states_shape)

    def call(self, states):
        return self.dense(states)


@pytest.mark.parametrize("feature_map", [squares, LearnedFeatures()], ids=["function", "layer"])
def test_a_feature_map_of_ones_own_is_used_saved_and_goes_in_steps(feature_map, tmp_path):
    inputs, node = vectors(BATCH, LENGTH, HIDDEN), keras.Input((None, HIDDEN))
    layer = LinearSelfAttention(HEADS, feature_map=feature_map, causal=True)
    model = keras.Model(node, layer(node))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(run(loaded, inputs), run(model, inputs), atol=1e-6)
    outputs, _ = whole(layer.step)(inputs, layer.initial_state(BATCH))
    np.testing.assert_allclose(array(outputs), run(model, inputs), atol=1e-6)


# === Projections, names and errors ===


def test_weights_have_the_names_of_multi_head_self_attention_and_lora_works():
    inputs = vectors(BATCH, LENGTH, HIDDEN)
    peer = MultiHeadSelfAttention(HEADS)
    peer.build(inputs.shape)
    layer = make_layer(inputs)
    assert set(named_weights(layer)) == set(named_weights(peer))
    before = run(layer, inputs)
    layer.query_dense.enable_lora(2)
    np.testing.assert_allclose(run(layer, inputs), before, atol=1e-6)
    assert len(layer.query_dense.trainable_weights) == 3


def test_arguments_without_meaning_are_refused():
    with pytest.raises(
        ValueError, match=r"`feature_map`, expected one of .*'elu', 'favor'.*'relu'"
    ):
        LinearSelfAttention(HEADS, feature_map="relu")
    with pytest.raises(ValueError, match=r"a saved model could not find"):
        LinearSelfAttention(HEADS, feature_map=lambda states: states)
    with pytest.raises(ValueError, match=r"`num_features` only with feature_map='favor'.*'elu'"):
        LinearSelfAttention(HEADS, num_features=8)
    with pytest.raises(ValueError, match="`chunk_size`, expected a positive integer"):
        LinearSelfAttention(HEADS, chunk_size=0)
    with pytest.raises(ValueError, match="`num_features`, expected a positive integer"):
        LinearSelfAttention(HEADS, feature_map="favor", num_features=0)
    with pytest.raises(ValueError, match="`num_heads`, expected a positive integer"):
        LinearSelfAttention(0)
    with pytest.raises(ValueError, match=r"pass `key_dim` .*num_heads=5, input size 12"):
        LinearSelfAttention(5)(vectors(1, 2, HIDDEN))


def test_feature_maps_are_found_by_their_names():
    assert feature_maps.get("elu") is elu_plus_one
    assert isinstance(feature_maps.get("favor", num_features=4), FavorFeatureMap)


# === Export ===


@needs_tensorflow
@pytest.mark.parametrize(("feature_map", "causal"), [("elu", False), ("favor", True)])
def test_both_exports_agree_for_any_batch_and_length(feature_map, causal, tmp_path):
    nodes = {
        "inputs": keras.Input((None, HIDDEN), name="inputs"),
        "padding_mask": keras.Input((None,), dtype="bool", name="padding_mask"),
    }
    layer = make_layer(vectors(1, 1, HIDDEN), feature_map, causal=causal, chunk_size=4)
    model = keras.Model(
        list(nodes.values()), layer(nodes["inputs"], padding_mask=nodes["padding_mask"])
    )
    rng = np.random.default_rng(0)
    feeds = [
        {
            "inputs": vectors(batch, length, HIDDEN),
            "padding_mask": rng.random((batch, length)) < 0.7,
        }
        for batch, length in ((1, 1), (2, 8), (3, 11))
    ]
    feeds.append({"inputs": vectors(1, 5, HIDDEN), "padding_mask": np.zeros((1, 5), bool)})
    axes = {"inputs": ("batch", "length", HIDDEN), "padding_mask": ("batch", "length")}
    assert_exports_agree(
        model, axes, {"output_0": ("batch", "length", HIDDEN)}, feeds, tmp_path, atol=1e-5
    )


@needs_tensorflow
def test_a_step_exports_with_its_state(tmp_path):
    import tensorflow as tf

    layer = make_layer(vectors(1, 1, HIDDEN), "favor", causal=True)

    class Step(tf.Module):
        def __init__(self):
            super().__init__()
            self.values = [weight.value for weight in layer.weights]

        @tf.function(
            input_signature=[
                tf.TensorSpec((None, None, HIDDEN)),
                tf.TensorSpec((None, *layer.initial_state(1).shape[1:])),
            ]
        )
        def step(self, inputs, state):
            outputs, state = layer.step(inputs, state)
            return {"outputs": outputs, "state": state}

    tf.saved_model.save(Step(), str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    inputs = vectors(BATCH, 90, HIDDEN)
    state, outputs = layer.initial_state(BATCH), []
    for frames in np.split(inputs, [1, 70], axis=1):
        gathered = loaded.step(tf.constant(frames), state)
        state = gathered["state"]
        outputs.append(array(gathered["outputs"]))
    np.testing.assert_allclose(np.concatenate(outputs, axis=1), run(layer, inputs), atol=1e-5)
