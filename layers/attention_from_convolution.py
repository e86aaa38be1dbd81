"""A convolution is a special case of self-attention, shown by setting the weights."""

import itertools

import keras
import numpy as np
from keras import ops

from .attention_as_convolution import AttentionAsConvolution
from .convolution_taps import ConvolutionTaps
from .multi_head_self_attention import MultiHeadSelfAttention


def attention_from_convolution(convolution):
    """Returns self-attention that gives what a convolution gives, to float precision.

    There is one head for each tap of the kernel. Queries and keys are zero, so that relevance is a
    matter of position alone (`ConvolutionTaps`): a head is certain of the one key at its tap's
    offset. The normaliser is `"sigmoid"`, which weighs each key by itself: that key gets 1, all
    others 0, and at the border, where there is no key, the head gathers zeros, which is the zero
    padding. The values are the inputs, and the output projection is the kernel with its taps
    stacked. So `sum over taps of x[t + offset] @ kernel[tap]` is `concat(heads) @ W_o`.

    It is a proof, not a fast convolution: `n` vectors take `O(taps * n^2)` weights. The layer has
    weights of its own, which can go on to learn what a convolution cannot.

    Args:
        convolution: A built `keras.layers.Conv1D` or `Conv2D`, channels last, without groups; any
            padding, strides, dilation and activation. A Conv2D must have been built for images of
            a known width.

    Returns:
        For a Conv1D with padding `"same"` or `"causal"`, without strides or activation: a
        `MultiHeadSelfAttention`. It takes a `padding_mask`, where a convolution must be fed zeros.
        Else an `AttentionAsConvolution` around one, its `self_attention`, that flattens images and
        keeps the rows that the convolution has.

    Raises:
        ValueError: If the layer is no Conv1D or Conv2D, is not built, has groups or channels
            first, or the width of its images is not known.

    Example:
    >>> import numpy as np
    >>> convolution = keras.layers.Conv1D(filters=4, kernel_size=3, padding="same")
    >>> x = np.random.default_rng(0).normal(size=(2, 9, 5)).astype("float32")
    >>> y = convolution(x)
    >>> attention = attention_from_convolution(convolution)
    >>> type(attention).__name__, attention.num_heads
    ('MultiHeadSelfAttention', 3)
    >>> bool(np.allclose(attention(x), y, atol=1e-6))
    True

    References:
        Cordonnier et al., 2020, "On the relationship between self-attention and convolutional
        layers", theorem 1 (there by softmax, in the limit, and without the border).
    """
    _check(convolution)
    attention = _with_weights_of(convolution)
    is_plain = (
        convolution.rank == 1
        and convolution.padding != "valid"
        and max(convolution.strides) == 1
        and convolution.activation is keras.activations.linear
    )
    if is_plain:
        return attention
    layer = AttentionAsConvolution(
        attention,
        kernel_size=convolution.kernel_size,
        strides=convolution.strides,
        padding=convolution.padding,
        dilation_rate=convolution.dilation_rate,
        activation=convolution.activation,
        dtype=convolution.dtype_policy,
    )
    layer.build(convolution.get_build_config()["input_shape"])
    return layer


def _check(convolution):
    """Raises a ValueError for what is no convolution of this form."""
    if not isinstance(convolution, (keras.layers.Conv1D, keras.layers.Conv2D)):
        raise ValueError(
            "Received an invalid value for argument `convolution`, expected a Conv1D or Conv2D "
            f"layer. Received: convolution={convolution}"
        )
    name = f"convolution={convolution.name!r}"
    if not convolution.built:
        raise ValueError(
            "Expected a convolution that has weights; call it once or `build` it before. "
            f"Received: {name}, which is not built"
        )
    if convolution.groups != 1:
        raise ValueError(
            "Expected a convolution without groups, as each head here reads all channels. "
            f"Received: {name} with groups={convolution.groups}"
        )
    if convolution.data_format != "channels_last":
        raise ValueError(
            "Expected channels last, where each position is one vector. "
            f"Received: {name} with data_format={convolution.data_format!r}"
        )
    if convolution.rank == 2 and convolution.get_build_config()["input_shape"][2] is None:
        raise ValueError(
            "Expected images of a known width, without which a flattened image has no rows; build "
            f"the convolution with one, as in `build((None, None, 28, 3))`. Received: {name} with "
            f"input shape {convolution.get_build_config()['input_shape']}"
        )


def _with_weights_of(convolution):
    """The self-attention that is the convolution at every position, zeros beyond the border."""
    *_, width, channels = convolution.get_build_config()["input_shape"]
    kernel = ops.convert_to_numpy(convolution.kernel)
    taps = _tap_offsets(convolution)
    attention = MultiHeadSelfAttention(
        num_heads=len(taps),
        key_dim=1,
        value_dim=channels,
        output_dim=convolution.filters,
        normalizer="sigmoid",
        position=ConvolutionTaps(
            taps, width if convolution.rank == 2 else None, dtype=convolution.dtype_policy
        ),
        use_bias=convolution.use_bias,
        dtype=convolution.dtype_policy,
        name=f"{convolution.name}_attention",
    )
    attention.build((None, None, channels))
    for dense in (attention.query_dense, attention.key_dense):
        dense.kernel.assign(np.zeros(dense.kernel.shape))
    attention.value_dense.kernel.assign(np.tile(np.eye(channels), (1, len(taps))))
    attention.output_dense.kernel.assign(kernel.reshape(-1, convolution.filters))
    if convolution.use_bias:
        for dense in (attention.query_dense, attention.key_dense, attention.value_dense):
            dense.bias.assign(np.zeros(dense.bias.shape))
        attention.output_dense.bias.assign(convolution.bias)
    return attention


def _tap_offsets(convolution):
    """Offset of each tap in the order of the kernel, a tuple with one number for each axis."""
    axes = []
    for size, rate in zip(convolution.kernel_size, convolution.dilation_rate, strict=True):
        before = _taps_before(size, rate, convolution.padding)
        axes.append([tap * rate - before for tap in range(size)])
    return list(itertools.product(*axes))


def _taps_before(size, rate, padding):
    """How far a kernel that is moved by one reaches back from where its output stands."""
    reach = (size - 1) * rate
    return reach if padding == "causal" else reach // 2
