import numpy as np
import pytest

from attnzoo.layers import CenteredSubsampling

from ..layer_test_case import named_weights, randomize_weights
from . import references_speech
from .calls import run

FEATURES = 6
STAGES = [((4, 5), (5, 5), (2, 2)), ((4, 5), (3, 3), (1, 2)), ((3, 4, 5), (1, 7, 3), (3, 1, 2))]


def subsampling(stages, activation, **kwargs):
    layer = CenteredSubsampling(*stages, activation, **kwargs)
    layer.build((None, None, FEATURES))
    randomize_weights(layer)
    return layer


def frames(*lengths):
    """Noise of these lengths, padded with noise, and its mask."""
    inputs = np.random.default_rng(0).normal(size=(len(lengths), max(lengths), FEATURES))
    return inputs.astype("float32"), np.arange(max(lengths)) < np.array(lengths)[:, None]


@pytest.mark.parametrize("activation", ["gelu", "glu"])
@pytest.mark.parametrize("stages", STAGES, ids=str)
def test_each_sequence_is_convolved_around_its_own_frames_in_float64(stages, activation):
    layer = subsampling(stages, activation)
    weights, strides = named_weights(layer), stages[-1]
    inputs, mask = frames(13, 12, 7, 1)
    outputs = run(layer, inputs, padding_mask=mask)
    for row, states, real in zip(outputs, inputs, mask, strict=True):
        expected = references_speech.centered_vectors(states[real], weights, strides, activation)
        np.testing.assert_allclose(row[: len(expected)], expected, atol=1e-5)
    alone = run(layer, inputs[:1])
    np.testing.assert_allclose(alone, outputs[:1], atol=1e-6)


@pytest.mark.parametrize("stages", STAGES, ids=str)
def test_padding_is_heard_as_zeros_where_that_is_asked_for(stages):
    layer = subsampling(stages, "glu", hears_padding=True)
    inputs, mask = frames(13, 7)
    outputs = run(layer, inputs, padding_mask=mask)
    zeros = np.where(mask[:, :, None], inputs, 0.0)
    for row, states in zip(outputs, zeros, strict=True):
        expected = references_speech.centered_vectors(
            states, named_weights(layer), stages[-1], "glu"
        )
        np.testing.assert_allclose(row, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("stages", "activation", "message"),
    [
        (((4, 5), (4, 5), (2, 2)), "glu", "`kernel_sizes`, expected odd integers"),
        (((4, 5), (5,), (2, 2)), "glu", r"as many of each .* kernel_sizes=\(5,\)"),
        (((4, 0), (5, 5), (2, 2)), "glu", "`channels`, expected positive integers"),
        (((), (), ()), "glu", "`channels`, expected positive integers"),
        (((4,), (5,), 2), "glu", "`strides`, expected positive integers"),
        (((4,), (5,), (2,)), "relu", r"`activation`, expected one of .*activation='relu'"),
    ],
    ids=str,
)
def test_what_makes_no_convolutions_is_refused(stages, activation, message):
    with pytest.raises(ValueError, match=message):
        CenteredSubsampling(*stages, activation)
