"""The speech encoder once more in NumPy float64: the whole recording, pair by pair."""

import numpy as np

from attnzoo import zoo

from ..layer_test_case import named_weights
from ..layers import references, references_speech, references_windows


def logits(model, waveform, mask):
    """Logits of the real vectors of each recording, a list of `(vectors, num_classes)`.

    Args:
        model: A speech encoder with the head `"ctc"` or `"frames"`.
        waveform: `(batch, samples)`.
        mask: `(batch, samples)`.
    """
    return [_logits(model, wave[real]) for wave, real in zip(waveform, mask, strict=True)]


def _logits(model, samples):
    config = zoo.config_of(model)
    frames = references_speech.log_mels(
        samples[None],
        config.sampling_rate,
        config.frame_length,
        config.hop_length,
        config.num_mels,
        1 << (config.frame_length - 1).bit_length(),
    )
    statistics = named_weights(model.get_layer("feature_normalization"))
    frames = (frames - statistics["mean"]) / statistics["deviation"]
    states, mask = references_speech.subsampled(
        frames,
        np.ones(frames.shape[:2]),
        named_weights(model.get_layer("subsampling")),
        stages={1: 0, 2: 1, 4: 2}[config.subsampling],
    )
    for index in range(config.num_layers):
        weights = named_weights(model.get_layer(f"encoder_block_{index}"))
        states = _block(states, weights, config)
        if config.convolution_kernel:
            weights = named_weights(model.get_layer(f"convolution_{index}"))
            states = references_speech.convolution_module(states, mask, weights)
    norm = named_weights(model.get_layer("final_norm"))
    states = references.layer_normalization(states, **norm)
    return references.dense(states, _of_head(model), "logits")[0]


def _of_head(model):
    kernel, bias = model.get_layer("logits").get_weights()
    return {"logits/kernel": kernel.astype("float64"), "logits/bias": bias.astype("float64")}


def _block(states, weights, config):
    """Pre-norm attention within its window, with a bias for each offset, and the feed-forward."""

    def norm(name, states):
        return references.layer_normalization(
            states, weights[f"{name}/gamma"], weights[f"{name}/beta"]
        )

    inputs = norm("attention_norm", states)
    query, key, value = (
        np.stack(
            np.split(
                references.dense(inputs, weights, f"self_attention/{name}"), config.num_heads, -1
            ),
            axis=1,
        )
        for name in ("query", "key", "value")
    )
    length = states.shape[1]
    table = weights["self_attention/attention/position/table"]
    furthest = len(table) // 2
    bias = np.zeros((config.num_heads, length, length))
    for q, k in np.ndindex(length, length):
        bias[:, q, k] = table[min(max(k - q, -furthest), furthest) + furthest]
    allowed = np.ones((1, 1, length, length), bool)
    if config.contexts:
        allowed = references_windows.allowed_pairs(
            1, length, window=config.contexts[0], window_style=config.att_context_style
        )
    heads, _ = references_windows.attention(query, key, value, allowed, bias=bias)
    heads = np.concatenate(list(np.moveaxis(heads, 1, 0)), axis=-1)
    states = states + references.dense(heads, weights, "self_attention/attention_output")
    branch = references.gelu(
        references.dense(norm("feed_forward_norm", states), weights, "intermediate")
    )
    return states + references.dense(branch, weights, "feed_forward_output")
