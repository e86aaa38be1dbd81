import keras
import numpy as np
import pytest

from attnzoo.layers import Attention, normalizers, positions
from attnzoo.layers.positions import (
    ALiBi,
    ConditionalPositionalEncoding,
    ConvolutionalPositionalEncoding,
    InputPosition,
    LearnedPositionalEncoding,
    RelativePositionBias,
    RotaryEmbedding,
    RotaryPosition,
    ScorePosition,
    ShawRelativeKeys,
    SinCos2DPositionalEncoding,
    SinusoidalPositionalEncoding,
    T5RelativeBias,
)

from ..layer_test_case import randomize_weights
from . import references
from . import references_positions as expected
from .references_positions import array, offsets_between, vectors

LAYERS = {
    "sinusoidal": SinusoidalPositionalEncoding,
    "learned": LearnedPositionalEncoding,
    "sincos_2d": SinCos2DPositionalEncoding,
    "conditional": ConditionalPositionalEncoding,
    "convolutional": ConvolutionalPositionalEncoding,
    "rope": RotaryEmbedding,
    "relative": RelativePositionBias,
    "t5": T5RelativeBias,
    "shaw": ShawRelativeKeys,
    "alibi": ALiBi,
}
IN_FORMULA = ["rope", "relative", "t5", "shaw", "alibi"]
HEADS, LENGTH, KEY_DIM = 3, 6, 4


# === get ===


@pytest.mark.parametrize("name", LAYERS)
def test_a_name_gives_a_new_layer_with_the_given_arguments(name):
    layer = positions.get(name, max_length=7, grid=(2, 3), name="position", dtype="mixed_float16")
    assert type(layer) is LAYERS[name]
    assert (layer.name, layer.compute_dtype) == ("position", "float16")
    assert positions.get(name, max_length=7, grid=(2, 3)) is not layer


def test_there_are_no_other_names():
    assert positions.POSITIONS == LAYERS


def test_sizes_go_to_the_positions_that_have_them():
    assert positions.get("learned", max_length=7, grid=(2, 3)).max_length == 7
    assert positions.get("sinusoidal", max_length=7).max_length == 7
    assert positions.get("sincos_2d", max_length=7, grid=(2, 3)).grid == (2, 3)
    assert positions.get("conditional", max_length=7, grid=(2, 3)).grid == (2, 3)


def test_sizes_that_a_position_can_do_without_may_be_left_out():
    assert positions.get("sinusoidal").max_length is None
    assert positions.get("conditional").grid is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("learned", r"`max_length`; pass .*position=LearnedPositionalEncoding\(max_length=512\)"),
        ("sincos_2d", r"`grid`; pass .*position=SinCos2DPositionalEncoding\(grid=\(14, 14\)\)"),
    ],
)
def test_a_name_without_the_size_it_needs_says_which_layer_to_pass(name, message):
    with pytest.raises(ValueError, match=message):
        positions.get(name)


def test_none_means_no_positions():
    assert positions.get(None, max_length=7) is None


def test_a_layer_is_taken_as_it_is_and_its_configuration_makes_another():
    layer = LearnedPositionalEncoding(max_length=5)
    assert positions.get(layer, max_length=7) is layer
    copy = positions.get(keras.saving.serialize_keras_object(layer), max_length=7)
    assert type(copy) is LearnedPositionalEncoding
    assert copy.max_length == 5


def test_an_unknown_name_is_refused():
    with pytest.raises(
        ValueError, match=r"`position`, expected one of \[.*'learned', .*'sinusoidal'.*'rotary'"
    ):
        positions.get("rotary", max_length=7)


def test_what_is_no_position_is_refused():
    with pytest.raises(ValueError, match="`position`, expected a layer that is an InputPosition"):
        positions.get(normalizers.softmax)


def test_where_a_position_acts_is_its_type():
    assert list(positions.IN_FORMULA) == IN_FORMULA
    for name, layer_class in LAYERS.items():
        kind = RotaryPosition if name == "rope" else ScorePosition
        assert issubclass(layer_class, kind if name in IN_FORMULA else InputPosition)


# === In attention ===


def attention_in_float64(name, position, query, key, value):
    """The whole formula, with what the position does."""
    offsets = offsets_between(query.shape[2], key.shape[2])
    scores = np.zeros((HEADS, *offsets.shape))
    if name == "rope":
        query, key = expected.rotary(query), expected.rotary(key)
    elif name == "alibi":
        scores = expected.alibi(HEADS, offsets)
    elif name is not None:
        table = array(position.table)
        if name == "relative":
            scores = expected.relative(table, offsets)
        elif name == "t5":
            scores = expected.bias(expected.t5_bucket, table, offsets)
        elif name == "shaw":
            scores = expected.shaw(query, table, offsets)
    products = np.einsum("bhqd,bhkd->bhqk", query, key, dtype="float64") / np.sqrt(KEY_DIM)
    weights = references.softmax(products + scores)
    return np.einsum("bhqk,bhkd->bhqd", weights, value), weights


@pytest.mark.parametrize("name", [None, *IN_FORMULA])
@pytest.mark.parametrize("lengths", [(6, 6), (2, 7), (40, 40)], ids=str)
def test_attention_with_a_position_matches_the_formula_in_float64(name, lengths):
    sizes = zip((lengths[0], lengths[1], lengths[1]), (1, 2, 3), strict=True)
    states = [vectors(2, HEADS, length, KEY_DIM, seed=seed) for length, seed in sizes]
    layer = Attention(position=name)
    layer(*states)
    randomize_weights(layer)
    outputs, weights = layer(*states)
    wanted = attention_in_float64(name, layer.position_layer, *states)
    np.testing.assert_allclose(array(outputs), wanted[0], atol=2e-6)
    np.testing.assert_allclose(array(weights), wanted[1], atol=2e-6)


def apply(name, inputs):
    """Attention over the inputs, or over the inputs with their positions."""
    if name in IN_FORMULA or name is None:
        layer = Attention(position=name)
        states = np.repeat(inputs[:, None], HEADS, axis=1)
        layer(states, states, states)
        randomize_weights(layer)
        return lambda order: array(layer(*[states[:, :, order]] * 3)[0])[:, 0]
    layer = positions.get(name, max_length=LENGTH, grid=(2, 3))
    layer(inputs)
    randomize_weights(layer)
    return lambda order: array(layer(inputs[:, order]))


@pytest.mark.parametrize("name", [None, *LAYERS])
def test_order_matters_with_any_position_and_only_then(name):
    outputs = apply(name, vectors(1, LENGTH, KEY_DIM))
    order = np.array([3, 0, 5, 1, 4, 2])
    difference = np.abs(outputs(order) - outputs(np.arange(LENGTH))[:, order]).max()
    if name is None:
        assert difference < 1e-6
    else:
        assert difference > 0.01


@pytest.mark.parametrize("name", LAYERS)
def test_an_open_length_gives_the_same_as_a_known_one(name):
    layer = positions.get(name, max_length=LENGTH, grid=(2, 3) if name == "sincos_2d" else None)
    if isinstance(layer, ScorePosition):
        inputs, offsets = vectors(LENGTH, HEADS, LENGTH, KEY_DIM), offsets_between(LENGTH, LENGTH)
        feed = [inputs, offsets.astype("int32")]
        nodes = [keras.Input((HEADS, None, KEY_DIM)), keras.Input((None,), dtype="int32")]
    elif isinstance(layer, RotaryPosition):
        feed, nodes = [vectors(2, HEADS, LENGTH, KEY_DIM)], [keras.Input((HEADS, None, KEY_DIM))]
    else:
        feed, nodes = [vectors(2, LENGTH, KEY_DIM)], [keras.Input((None, KEY_DIM))]
    model = keras.Model(nodes, layer(*nodes))
    np.testing.assert_allclose(array(model(feed)), array(layer(*feed)), atol=1e-6)


INPUT_POSITIONS = ["sinusoidal", "learned", "sincos_2d", "conditional", "convolutional"]


@pytest.mark.parametrize("name", INPUT_POSITIONS)
def test_every_input_position_takes_a_padding_mask(name):
    layer = positions.get(name, max_length=LENGTH, grid=(2, 3))
    inputs, mask = vectors(2, LENGTH, KEY_DIM), np.ones((2, LENGTH), bool)
    mask[1, 4:] = False
    padded = np.where(mask[:, :, None], inputs, 100.0)
    outputs = [array(layer(x, padding_mask=mask)) for x in (inputs, padded)]
    np.testing.assert_array_equal(outputs[0][mask], outputs[1][mask])
