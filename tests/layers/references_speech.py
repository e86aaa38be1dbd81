"""The layers of the speech encoder once more in NumPy float64, frame by frame."""

import numpy as np

from . import references


def log_mels(waveform, sampling_rate, frame_length, hop_length, num_mels, points, floor=1e-6):
    """Log energies of mel bands of `(batch, samples)`; frame t ends with its last hop."""
    waveform = np.asarray(waveform, "float64")
    window = np.hanning(frame_length + 1)[:-1]
    bands = triangles(num_mels, points, sampling_rate)
    frames = []
    for end in range(hop_length, waveform.shape[1] + 1, hop_length):
        frame = np.zeros((len(waveform), frame_length))
        seen = waveform[:, max(0, end - frame_length) : end]
        frame[:, frame_length - seen.shape[1] :] = seen
        energies = np.abs(np.fft.rfft(frame * window, points)) ** 2
        frames.append(np.log(energies @ bands + floor))
    return np.stack(frames, axis=1)


def triangles(num_mels, points, sampling_rate, lowest=20.0):
    """Weight of each frequency in each band, HTK's scale, one number at a time."""

    def mel(frequency):
        return 1127.01048 * np.log1p(frequency / 700)

    edges = np.linspace(mel(lowest), mel(sampling_rate / 2), num_mels + 2)
    corners = 700 * np.expm1(edges / 1127.01048)
    weights = np.zeros((points // 2 + 1, num_mels))
    for index, band in np.ndindex(weights.shape):
        left, centre, right = corners[band : band + 3]
        frequency = index * sampling_rate / points
        if left < frequency <= centre:
            weights[index, band] = (frequency - left) / (centre - left)
        elif centre < frequency < right:
            weights[index, band] = (right - frequency) / (right - centre)
    return weights


def vectors_of_samples(samples, weights, strides, normalization, epsilon=1e-5):
    """Convolutions of `(samples, channels)` without padding, each window by itself."""
    states = np.asarray(samples, "float64")
    for stage, stride in enumerate(strides):
        kernel = weights[f"convolution_{stage}/kernel"]
        windows = range(0, len(states) - len(kernel) + 1, stride)
        states = np.array([np.tensordot(states[i : i + len(kernel)], kernel, 2) for i in windows])
        states = states + weights.get(f"convolution_{stage}/bias", 0.0)
        if normalization == "layer":
            scale = {name: weights[f"norm_{stage}/{name}"] for name in ("gamma", "beta")}
            states = references.layer_normalization(states, epsilon=epsilon, **scale)
        elif stage == 0:
            states = (states - states.mean(axis=0)) / np.sqrt(states.var(axis=0) + epsilon)
            states = states * weights["gamma"] + weights["beta"]
        states = references.gelu(states)
    return states


def centered_vectors(frames, weights, strides, activation):
    """Convolutions around every `stride`-th of `(frames, features)`, zeros beyond the ends."""
    states = np.asarray(frames, "float64")
    for stage, stride in enumerate(strides):
        kernel, bias = (weights[f"convolution_{stage}/{name}"] for name in ("kernel", "bias"))
        reach = len(kernel) // 2
        outputs = []
        for centre in range(0, len(states), stride):
            total = bias.copy()
            for offset in range(-reach, reach + 1):
                if 0 <= centre + offset < len(states):
                    total += states[centre + offset] @ kernel[offset + reach]
            outputs.append(total)
        states = np.array(outputs)
        if activation == "glu":
            states, gate = np.split(states, 2, axis=1)
            states = states / (1 + np.exp(-gate))
        else:
            states = references.gelu(states)
    return states


def subsampled(frames, mask, weights, stages):
    """Convolutions of stride 2, causal in time, over frames that are zero where they are not real.

    Returns:
        Vectors and their mask.
    """
    states, mask = np.asarray(frames, "float64")[..., None], np.asarray(mask, bool)
    for stage in range(stages):
        kernel, bias = (weights[f"convolution_{stage}/{name}"] for name in ("kernel", "bias"))
        states = np.where(mask[:, :, None, None], states, 0.0)
        batch, length, features, _ = states.shape
        outputs = np.zeros((batch, length // 2, (features + 1) // 2, kernel.shape[-1]))
        for _, time, feature, _ in np.ndindex(1, *outputs.shape[1:3], 1):
            total = np.tile(bias, (batch, 1))
            for i, j in np.ndindex(3, 3):
                t, f = 2 * time - 1 + i, 2 * feature - 1 + j
                if 0 <= t < length and 0 <= f < features:
                    total = total + states[:, t, f] @ kernel[i, j]
            outputs[:, time, feature] = np.maximum(total, 0.0)
        states, mask = outputs, mask[:, 1::2]
    return references.dense(states.reshape(*states.shape[:2], -1), weights, "output"), mask


def convolution_module(inputs, mask, weights, epsilon=1e-6):
    """Gulati et al. 2020, figure 2, with a causal convolution, one tap after the other."""
    inputs = np.asarray(inputs, "float64")

    def norm(name, states):
        gamma, beta = weights[f"{name}/gamma"], weights[f"{name}/beta"]
        return references.layer_normalization(states, gamma, beta, epsilon)

    def sigmoid(states):
        return 1 / (1 + np.exp(-states))

    gates = references.dense(norm("input_norm", inputs), weights, "gate")
    values, gates = np.split(gates, 2, axis=-1)
    gated = np.where(np.asarray(mask, bool)[:, :, None], values * sigmoid(gates), 0.0)
    kernel = weights["depthwise/kernel"][..., 0]  # (taps, channels)
    states = np.tile(weights["depthwise/bias"], (*inputs.shape[:2], 1))
    for tap, factors in enumerate(kernel[::-1][: gated.shape[1]]):  # Of `tap` vectors before.
        states[:, tap:] += gated[:, : gated.shape[1] - tap] * factors
    states = norm("depthwise_norm", states)
    return inputs + references.dense(states * sigmoid(states), weights, "output")
