"""What a speech encoder has besides attention, exported."""

import keras
import numpy as np
import pytest

from attnzoo.layers import (
    BlankPadding,
    CausalSubsampling,
    CenteredSubsampling,
    ConvolutionModule,
    FeatureNormalization,
    FrameMask,
    LogMelSpectrogram,
    WaveformEncoder,
)
from attnzoo.layers.positions import ConvolutionalPositionalEncoding

from ..backends import needs_tensorflow
from ..layer_test_case import randomize_weights
from .export_parity import assert_exports_agree

FEATURES = 6
LAYERS = {
    "causal subsampling": (lambda: CausalSubsampling(5, 4, channels=3), 5),
    "centered subsampling": (lambda: CenteredSubsampling((4, 5), (3, 3), (1, 2)), 5),
    "centered subsampling, gated": (
        lambda: CenteredSubsampling((4, 5), (5, 5), (2, 2), "glu"),
        5,
    ),
    "convolution module": (lambda: ConvolutionModule(4), FEATURES),
    "convolutional positions": (lambda: ConvolutionalPositionalEncoding(4, 3), FEATURES),
    **{
        f"waveform encoder, {kind}": (
            lambda kind=kind: WaveformEncoder((4, 5), (3, 2), (1, 2), kind),
            5,
        )
        for kind in ("group", "layer")
    },
    "features of an utterance": (lambda: FeatureNormalization("utterance"), FEATURES),
    "blank padding": (BlankPadding, FEATURES),
}


def feeds_of(lengths, *size):
    rng = np.random.default_rng(0)
    for batch, length in lengths:
        inputs = rng.normal(size=(batch, length, *size)).astype("float32")
        padding_mask = np.arange(length) < rng.integers(0, length + 1, (batch, 1))
        yield {"inputs": inputs, "padding_mask": padding_mask}


@needs_tensorflow
@pytest.mark.parametrize("name", LAYERS)
def test_both_exports_agree_for_any_batch_and_length(name, tmp_path):
    make, size = LAYERS[name]
    inputs = keras.Input((None, FEATURES), name="inputs")
    padding = keras.Input((None,), dtype="bool", name="padding_mask")
    model = keras.Model([inputs, padding], make()(inputs, padding_mask=padding))
    randomize_weights(model)
    assert_exports_agree(
        model,
        {"inputs": ("batch", "length", FEATURES), "padding_mask": ("batch", "length")},
        {"output_0": ("batch", "frames", size)},
        list(feeds_of([(2, 13), (1, 4), (3, 32)], FEATURES)),
        tmp_path,
    )


@needs_tensorflow
def test_spectra_and_their_mask_agree_for_any_batch_and_length(tmp_path):
    inputs = keras.Input((None,), name="inputs")
    padding = keras.Input((None,), dtype="bool", name="padding_mask")
    frames = LogMelSpectrogram(num_mels=20)(inputs)
    mask = FrameMask(160)(frames, padding_mask=padding)
    model = keras.Model([inputs, padding], [frames, keras.ops.cast(mask, "float32")])
    assert_exports_agree(
        model,
        {"inputs": ("batch", "length"), "padding_mask": ("batch", "length")},
        {"output_0": ("batch", "frames", 20), "output_1": ("batch", "frames")},
        list(feeds_of([(2, 1603), (1, 160), (3, 3200)])),
        tmp_path,
        atol=5e-5,
    )
