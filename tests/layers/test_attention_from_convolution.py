import math

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import MultiHeadSelfAttention, attention_from_convolution
from attnzoo.layers.attention_as_convolution import AttentionAsConvolution
from attnzoo.layers.convolution_taps import ConvolutionTaps

from ..backends import gradients

CLASSES = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D}


def plain_convolution(inputs, kernel, bias, strides, padding, dilation):
    """A convolution in float64: for each place of the output, the sum over the kernel's taps."""
    inputs, rank = np.asarray(inputs, "float64"), len(strides)
    padded, sizes = [(0, 0)], []
    for axis in range(rank):
        size, stride = inputs.shape[1 + axis], strides[axis]
        extent = (kernel.shape[axis] - 1) * dilation[axis] + 1
        before = after = 0
        if padding == "causal":
            before = extent - 1
        if padding == "same":
            total = max((math.ceil(size / stride) - 1) * stride + extent - size, 0)
            before, after = total // 2, total - total // 2
        padded.append((before, after))
        sizes.append((size + before + after - extent) // stride + 1)
    inputs = np.pad(inputs, [*padded, (0, 0)])
    outputs = np.zeros((len(inputs), *sizes, kernel.shape[-1]))
    for place in np.ndindex(*sizes):
        for tap in np.ndindex(*kernel.shape[:rank]):
            at = tuple(np.multiply(place, strides) + np.multiply(tap, dilation))
            outputs[(slice(None), *place)] += inputs[(slice(None), *at)] @ kernel[tap]
    return outputs + bias


@st.composite
def convolutions(draw, rank, paddings):
    """Draws the arguments of a convolution, and the shape of inputs on which it has an output."""
    padding = draw(st.sampled_from(paddings))
    kernel_size = draw(st.tuples(*[st.integers(1, 5 - rank)] * rank))
    strides = dilation = (1,) * rank
    if draw(st.booleans()):  # Keras has either, not both.
        strides = draw(st.tuples(*[st.integers(1, 3)] * rank))
    else:
        dilation = draw(st.tuples(*[st.integers(1, 3)] * rank))
    sizes = [
        draw(st.integers((size - 1) * rate + 1 if padding == "valid" else 1, 13 - 3 * rank))
        for size, rate in zip(kernel_size, dilation, strict=True)
    ]
    channels, filters = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    arguments = {
        "filters": filters,
        "kernel_size": kernel_size,
        "strides": strides,
        "padding": padding,
        "dilation_rate": dilation,
    }
    return arguments, (2, *sizes, channels)


def built(convolution, shape):
    """The convolution with random weights, its bias included."""
    rng = np.random.default_rng(0)
    convolution.build(shape)
    convolution.set_weights([rng.normal(size=weight.shape) for weight in convolution.weights])
    return convolution


def vectors(*shape):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def array(tensor):
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))


def assert_equal_to_float_precision(outputs, expected):
    assert outputs.shape == expected.shape
    assert np.abs(array(outputs) - expected).max() <= 2e-6 * max(1.0, np.abs(expected).max())


def assert_attention_equals(convolution, shape):
    attention = attention_from_convolution(built(convolution, shape))
    inputs = vectors(*shape)
    outputs = attention(inputs)
    kernel, bias = (array(weight).astype("float64") for weight in convolution.weights)
    expected = plain_convolution(
        inputs,
        kernel,
        bias,
        convolution.strides,
        convolution.padding,
        convolution.dilation_rate,
    )
    assert_equal_to_float_precision(outputs, expected)
    assert_equal_to_float_precision(outputs, array(convolution(inputs)))
    assert tuple(attention.compute_output_shape(shape)) == expected.shape


@given(convolutions(rank=1, paddings=["same", "valid", "causal"]))
def test_it_equals_any_conv1d(drawn):
    arguments, shape = drawn
    assert_attention_equals(keras.layers.Conv1D(**arguments), shape)


@given(convolutions(rank=2, paddings=["same", "valid"]))
def test_it_equals_any_conv2d(drawn):
    arguments, shape = drawn
    assert_attention_equals(keras.layers.Conv2D(**arguments), shape)


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7])
@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("kernel_size", [1, 2, 5])
def test_where_a_strided_kernel_begins_depends_on_the_size(size, stride, kernel_size):
    convolution = keras.layers.Conv1D(2, kernel_size, strides=stride, padding="same")
    assert_attention_equals(convolution, (1, size, 3))


@pytest.mark.parametrize("padding", ["same", "causal"])
def test_a_plain_conv1d_becomes_an_ordinary_self_attention_and_nothing_more(padding):
    convolution = built(keras.layers.Conv1D(4, 3, padding=padding, dilation_rate=2), (2, 9, 5))
    attention = attention_from_convolution(convolution)
    assert type(attention) is MultiHeadSelfAttention
    assert attention.num_heads == 3  # One for each tap.
    assert attention.normalizer == "sigmoid"


def test_inside_every_other_conv_is_an_ordinary_self_attention_too():
    for convolution, shape, num_heads in (
        (keras.layers.Conv1D(4, 3, padding="valid"), (2, 9, 5), 3),
        (keras.layers.Conv1D(4, 3, padding="same", strides=2), (2, 9, 5), 3),
        (keras.layers.Conv2D(4, (3, 2), padding="same"), (2, 6, 7, 5), 6),
    ):
        layer = attention_from_convolution(built(convolution, shape))
        assert type(layer) is AttentionAsConvolution
        assert type(layer.self_attention) is MultiHeadSelfAttention
        assert layer.self_attention.num_heads == num_heads


def test_each_head_gives_all_its_weight_to_its_tap_and_none_where_the_tap_is_beyond_the_border():
    height, width = 4, 5
    layer = attention_from_convolution(
        built(keras.layers.Conv2D(2, 3, padding="same"), (1, height, width, 2))
    )
    _, weights = layer.self_attention(vectors(1, height * width, 2), return_attention_scores=True)
    weights = array(weights)[0].reshape(3, 3, height, width, height, width)
    expected = np.zeros_like(weights)
    for down, right, row, column in np.ndindex(3, 3, height, width):
        key = (row + down - 1, column + right - 1)
        # In the flattened image the end of a row lies beside the start of the next.
        if 0 <= key[0] < height and 0 <= key[1] < width:
            expected[down, right, row, column, key[0], key[1]] = 1.0
    np.testing.assert_array_equal(weights, expected)


def test_away_from_the_border_softmax_gives_the_same():
    convolution = built(keras.layers.Conv1D(4, 5, padding="same"), (2, 12, 3))
    attention = attention_from_convolution(convolution)
    by_softmax = MultiHeadSelfAttention.from_config(
        {**attention.get_config(), "normalizer": "softmax"}
    )
    inputs = vectors(2, 12, 3)
    by_softmax.build(inputs.shape)
    by_softmax.set_weights(attention.get_weights())
    expected = array(convolution(inputs))
    assert_equal_to_float_precision(by_softmax(inputs)[:, 2:-2], expected[:, 2:-2])
    assert np.abs(array(by_softmax(inputs)) - expected)[:, :2].max() > 0.01


def test_with_a_window_of_the_kernels_size_it_still_gives_the_same():
    convolution = built(keras.layers.Conv1D(4, 4, padding="same", dilation_rate=2), (2, 20, 3))
    attention = attention_from_convolution(convolution)
    windowed = MultiHeadSelfAttention.from_config({**attention.get_config(), "window": (3, 3)})
    inputs = vectors(2, 20, 3)
    windowed.build(inputs.shape)
    windowed.set_weights(attention.get_weights())
    assert_equal_to_float_precision(windowed(inputs), array(convolution(inputs)))


def test_padded_vectors_count_as_zeros():
    convolution = built(keras.layers.Conv1D(4, 3, padding="same"), (2, 7, 3))
    inputs = vectors(2, 7, 3)
    mask = np.arange(7) < np.array([[7], [4]])
    outputs = attention_from_convolution(convolution)(inputs, padding_mask=mask)
    assert_equal_to_float_precision(outputs, array(convolution(inputs * mask[..., None])))


@pytest.mark.parametrize("rank", CLASSES)
def test_it_has_the_gradients_of_the_convolution(rank):
    shape = (2, 9, 3) if rank == 1 else (2, 5, 6, 3)
    convolution = built(CLASSES[rank](4, 3, strides=2, padding="same"), shape)
    attention = attention_from_convolution(convolution)
    inputs = vectors(*shape)
    target = vectors(*convolution.compute_output_shape(shape))
    found, expected = (
        gradients(lambda x, layer=layer: keras.ops.sum(layer(x) * target), [inputs])[0]
        for layer in (attention, convolution)
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_activation_and_missing_bias_are_heeded():
    convolution = built(keras.layers.Conv2D(4, 3, activation="relu", use_bias=False), (2, 6, 6, 3))
    inputs = vectors(2, 6, 6, 3)
    outputs = attention_from_convolution(convolution)(inputs)
    assert np.any(array(outputs) == 0.0)
    assert_equal_to_float_precision(outputs, array(convolution(inputs)))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_it_computes_in_the_precision_of_the_convolution(policy):
    convolution = built(keras.layers.Conv1D(4, 3, strides=2, dtype=policy), (2, 9, 3))
    attention = attention_from_convolution(convolution)
    inputs = vectors(2, 9, 3)
    outputs = attention(inputs)
    assert keras.backend.standardize_dtype(outputs.dtype) == convolution.compute_dtype
    np.testing.assert_allclose(array(outputs), array(convolution(inputs)), rtol=0.02, atol=0.05)


@pytest.mark.parametrize(
    ("convolution", "open_shape", "shapes"),
    [
        (keras.layers.Conv1D(4, 3, padding="causal"), (None, 3), [(2, 5, 3), (1, 8, 3)]),
        (keras.layers.Conv1D(4, 4, strides=3, padding="same"), (None, 3), [(2, 6, 3), (1, 8, 3)]),
        (keras.layers.Conv1D(4, 3, activation="relu"), (None, 3), [(2, 3, 3), (1, 8, 3)]),
        (
            keras.layers.Conv2D(4, (2, 3), strides=2, padding="same"),
            (None, 6, 3),
            [(2, 5, 6, 3), (1, 4, 6, 3)],
        ),
    ],
)
def test_a_saved_model_of_open_size_gives_the_same_when_loaded(
    convolution, open_shape, shapes, tmp_path
):
    attention = attention_from_convolution(built(convolution, (None, *open_shape)))
    inputs = keras.Input(open_shape)
    keras.Model(inputs, attention(inputs)).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for shape in shapes:
        assert_equal_to_float_precision(
            loaded(vectors(*shape)), array(convolution(vectors(*shape)))
        )


def test_images_of_another_width_are_refused():
    layer = attention_from_convolution(
        built(keras.layers.Conv2D(4, 3, padding="same"), (2, 6, 7, 3))
    )
    assert tuple(layer(vectors(1, 4, 7, 3)).shape) == (1, 4, 7, 4)
    with pytest.raises(ValueError, match="expected axis 2 of input shape to have value 7"):
        layer(vectors(1, 6, 8, 3))
    with pytest.raises(ValueError, match=r"Expected images of width 7.*\(1, 6, 8, 3\)"):
        AttentionAsConvolution.from_config(layer.get_config()).build((1, 6, 8, 3))


def test_blocks_of_a_window_are_refused_on_a_grid():
    taps = ConvolutionTaps([(0, 0), (0, 1)], width=7)
    with pytest.raises(ValueError, match=r"Expected no window with a grid.*width=7"):
        taps(vectors(1, 2, 3, 4, 1), np.zeros((3, 4, 12), "int32"))


@pytest.mark.parametrize(
    ("convolution", "shape", "message"),
    [
        (keras.layers.Conv1D(4, 3), None, "that has weights; call it once or `build` it"),
        (keras.layers.Conv1D(4, 3, groups=2), (None, 9, 4), "without groups.*groups=2"),
        (
            keras.layers.Conv1D(4, 3, data_format="channels_first"),
            (None, 4, 9),
            "channels last.*channels_first",
        ),
        (keras.layers.Conv2D(4, 3), (None, None, None, 3), r"known width.*\(None, None, 28, 3\)"),
        (keras.layers.Conv1DTranspose(4, 3), (None, 9, 4), "`convolution`, expected a Conv1D or"),
        (keras.layers.Conv3D(4, 3), (None, 9, 9, 9, 4), "`convolution`, expected a Conv1D or"),
        (keras.layers.Dense(4), (None, 9), "`convolution`, expected a Conv1D or Conv2D layer"),
    ],
)
def test_what_is_no_convolution_of_this_form_is_refused(convolution, shape, message):
    if shape:
        convolution.build(shape)
    with pytest.raises(ValueError, match=message):
        attention_from_convolution(convolution)
