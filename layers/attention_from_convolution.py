"""A convolution is a special case of self-attention, shown by setting the weights."""

import itertools
import math

import keras
import numpy as np
from keras import ops

from .lookup import serialize
from .multi_head_self_attention import MultiHeadSelfAttention
from .positions import ScorePosition

# The sigmoid of this is 1, and of its negative 0, to every digit of float32.
_CERTAIN = 200.0


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


@keras.saving.register_keras_serializable("attnzoo")
class ConvolutionTaps(ScorePosition):
    """Scores that are high at one offset for each head, and low elsewhere.

    Args:
        offsets: For each head, the offset from the query to its key: a tuple of one number in a
            sequence, of two (rows down, columns right) in a grid.
        width: Columns of the grid whose rows, one after the other, are the sequence. None for
            a sequence. Defaults to None.

    Call arguments:
        query: `(batch, heads, ..., query_length, key_dim)`; only its axes count.
        offsets: Position of each key less that of each query: integers
            `(..., query_length, key_length)`; in a grid without blocks, the keys from the first on.

    Returns:
        `(heads, ..., query_length, key_length)`.

    Raises:
        ValueError: If a window is put on a grid.

    Example:
    >>> import numpy as np
    >>> offsets = np.arange(3)[None, :] - np.arange(3)[:, None]
    >>> scores = ConvolutionTaps([(-1,), (0,)])(np.zeros((1, 2, 3, 1), "float32"), offsets)
    >>> (np.asarray(scores)[0] > 0).astype(int).tolist()
    [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    """

    def __init__(self, offsets, width=None, **kwargs):
        super().__init__(**kwargs)
        self.offsets = [list(offset) for offset in offsets]
        self.width = width

    def build(self, query_shape):
        """Has no weights; marks the layer as built."""
        self.built = True

    def call(self, query, offsets):
        """Returns a score for each head, query and key."""
        offsets = ops.convert_to_tensor(offsets)
        axes = [offsets]
        if self.width is not None:
            if len(query.shape) != 4:
                raise ValueError(
                    "Expected no window with a grid: whether two positions are in one row is known "
                    f"only with the keys from the first on. Received: width={self.width}, "
                    f"query of shape {tuple(query.shape)}"
                )
            # The end of one row and the start of the next are neighbours in the sequence only.
            query_position = -offsets[:, :1]
            key_position = query_position + offsets
            axes = [
                key_position // self.width - query_position // self.width,
                key_position % self.width - query_position % self.width,
            ]
        at_tap = True
        for axis, wanted in zip(axes, np.transpose(self.offsets), strict=True):
            wanted = wanted.reshape((-1,) + (1,) * (len(query.shape) - 2)).astype("int32")
            at_tap = ops.logical_and(at_tap, ops.equal(ops.cast(axis, "int32"), wanted))
        return ops.cast(ops.where(at_tap, _CERTAIN, -_CERTAIN), self.compute_dtype)

    def compute_output_shape(self, query_shape, offsets_shape):
        """Shape of the scores."""
        blocks = (1,) * (len(query_shape) - 2 - len(offsets_shape))
        return (len(self.offsets), *blocks, *offsets_shape)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {**super().get_config(), "offsets": self.offsets, "width": self.width}


@keras.saving.register_keras_serializable("attnzoo")
class AttentionAsConvolution(keras.layers.Layer):
    """Gives self-attention the shapes of a convolution; see `attention_from_convolution`.

    Flattens a grid to a sequence, attends, and keeps the positions where the kernel of the
    convolution stands: those inside the border for padding `"valid"`, every stride-th of them.

    Args:
        self_attention: The `MultiHeadSelfAttention` whose position is `ConvolutionTaps`.
        kernel_size: Size of the convolution's kernel, a tuple with one number for each axis.
        strides: Its strides, a tuple.
        padding: Its padding: `"same"`, `"valid"` or `"causal"`.
        dilation_rate: Its dilation, a tuple.
        activation: What is applied to the outputs. Defaults to None.

    Call arguments:
        inputs: `(batch, length, channels)` or `(batch, height, width, channels)`.

    Returns:
        `(batch, new_length, filters)` or `(batch, new_height, new_width, filters)`.

    Raises:
        ValueError: If images have another width than `ConvolutionTaps` was made for.
    """

    def __init__(
        self,
        self_attention,
        kernel_size,
        strides,
        padding,
        dilation_rate,
        activation=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if isinstance(self_attention, dict):
            self_attention = keras.saving.deserialize_keras_object(self_attention)
        self.self_attention = self_attention
        self.kernel_size = list(kernel_size)
        self.strides = list(strides)
        self.padding = padding
        self.dilation_rate = list(dilation_rate)
        self.activation = keras.activations.get(activation)

    def build(self, inputs_shape):
        """Builds the attention, and checks the width of the images."""
        width = self.self_attention.attention.position_layer.width
        if width is not None and inputs_shape[2] != width:
            raise ValueError(
                f"Expected images of width {width}, for which the attention was made. "
                f"Received: input shape {tuple(inputs_shape)}"
            )
        if not self.self_attention.built:
            self.self_attention.build((None, None, inputs_shape[-1]))
        # Keras then refuses other widths and channels in every later call.
        self.input_spec = keras.layers.InputSpec(
            ndim=len(inputs_shape),
            axes={-1: inputs_shape[-1], **({} if width is None else {2: width})},
        )

    def call(self, inputs):
        """Returns what the convolution returns."""
        sizes = ops.shape(inputs)[1:-1]
        states = ops.reshape(inputs, (-1, math.prod(sizes), inputs.shape[-1]))
        outputs = self.self_attention(states)
        outputs = ops.reshape(outputs, (-1, *sizes, outputs.shape[-1]))
        for axis, size in enumerate(sizes):
            if self.padding == "valid" or self.strides[axis] > 1:
                steps = self.strides[axis] * ops.arange(self._count(axis, size))
                outputs = ops.take(outputs, self._first(axis, size) + steps, axis=1 + axis)
        return self.activation(outputs)

    def _reach(self, axis):
        """How far the first and the last tap are apart."""
        return (self.kernel_size[axis] - 1) * self.dilation_rate[axis]

    def _count(self, axis, size):
        """How many positions of an axis the convolution has."""
        room = size - self._reach(axis) if self.padding == "valid" else size
        return (room - 1) // self.strides[axis] + 1

    def _first(self, axis, size):
        """Where the first of them stands in the attention, whose padding is that of stride 1."""
        if self.padding == "causal":
            return 0
        before = self._reach(axis) // 2
        if self.padding == "valid":
            return before
        # With strides only what the last kernel lacks is padded, one half of it in front.
        lacking = ops.maximum(self._reach(axis) - (size - 1) % self.strides[axis], 0)
        return before - lacking // 2

    def compute_output_shape(self, inputs_shape):
        """Shape of the outputs: that of the convolution's."""
        sizes = [
            size if size is None else self._count(axis, size)
            for axis, size in enumerate(inputs_shape[1:-1])
        ]
        return (inputs_shape[0], *sizes, self.self_attention.output_dim)

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        return {
            **super().get_config(),
            "self_attention": serialize(self.self_attention),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "activation": keras.activations.serialize(self.activation),
        }
