"""Recordings for tests, and files of them written by soundfile and the standard library."""

import io
import wave

import numpy as np
import soundfile


def tone(samples=4000, rate=16000, frequency=440.0):
    """A sine of half the full scale, float32."""
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(samples) / rate)).astype("float32")


def noise(samples=4000, seed=0):
    """16-bit noise."""
    return np.random.default_rng(seed).normal(0, 4000, samples).astype("int16")


def encoded(samples, rate=16000, file_format="WAV", subtype="PCM_16"):
    """The bytes of a file of the samples."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=file_format, subtype=subtype)
    return file.getvalue()


def wav(samples, rate=16000, width=2):
    """The bytes of a wav file, written by the standard library: `width` bytes a sample."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        writer.setsampwidth(width)
        writer.setframerate(rate)
        writer.writeframes(samples.tobytes())
    return file.getvalue()
