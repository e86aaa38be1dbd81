"""What the benchmark of attention compares, in Keras: a forward call and a training step of each.

As a program it prints the peak memory of one of them, which needs a process of its own:

    python benchmarks/attention_layers.py window 8192 "training step"
"""

import sys

import keras
import numpy as np
import tensorflow as tf
from memory import peak_bytes

from attnzoo import layers

HEADS, HIDDEN, REACH = 4, 128, 32  # Of the sections on long sequences: heads of 32.
CALLS = ("forward", "training step")


def compiled(layer, inputs, dropout=False, **kwargs):
    """Returns the two calls of a layer on these inputs as functions without arguments.

    Both are compiled by `tf.function` for any batch size and length, without XLA. The training
    step is the gradient of the mean square of the outputs by all weights, without an optimiser.
    """
    signature = [tf.TensorSpec((None, None, inputs.shape[-1]))]
    layer(inputs[:, :8], **{name: value[:8, :8] for name, value in kwargs.items()})

    @tf.function(input_signature=signature)
    def forward(states):
        return layer(states, **kwargs)

    @tf.function(input_signature=signature)
    def step(states):
        with tf.GradientTape() as tape:
            outputs = layer(states, **kwargs, **({"training": True} if dropout else {}))
            loss = tf.reduce_mean(tf.cast(outputs, "float32") ** 2)
        return tape.gradient(loss, [weight.value for weight in layer.trainable_weights])

    return {"forward": lambda: forward(inputs), "training step": lambda: step(inputs)}


def vectors(batch, length, hidden_dim):
    """Sequences of noise."""
    noise = np.random.default_rng(0).normal(size=(batch, length, hidden_dim))
    return tf.constant(noise.astype("float32"))


# === One layer on one long sequence ===


def full(length):
    return compiled(layers.MultiHeadSelfAttention(HEADS), vectors(1, length, HIDDEN))


def masked(length):
    layer = layers.MultiHeadSelfAttention(HEADS)
    return compiled(layer, vectors(1, length, HIDDEN), attention_mask=_band(length))


def window(length):
    layer = layers.MultiHeadSelfAttention(HEADS, window=(REACH, REACH))
    return compiled(layer, vectors(1, length, HIDDEN))


def linear(length):
    return compiled(layers.LinearSelfAttention(HEADS), vectors(1, length, HIDDEN))


def causal_linear(length):
    return compiled(layers.LinearSelfAttention(HEADS, causal=True), vectors(1, length, HIDDEN))


def keras_masked(length):
    layer = keras.layers.MultiHeadAttention(HEADS, HIDDEN // HEADS)
    return compiled(SelfAttention(layer), vectors(1, length, HIDDEN), attention_mask=_band(length))


def keras_sliding_window(length):
    layer = keras.layers.GroupQueryAttention(
        HIDDEN // HEADS, HEADS, HEADS, sliding_window=REACH + 1
    )
    return compiled(SelfAttention(layer), vectors(1, length, HIDDEN))


def _band(length):
    position = np.arange(length, dtype="int32")
    return tf.constant(np.abs(position[None, :] - position[:, None]) <= REACH)


class SelfAttention(keras.layers.Layer):
    """Keras's attention of a sequence to itself."""

    def __init__(self, attention):
        super().__init__()
        self.attention = attention

    def call(self, inputs, attention_mask=None):
        """Returns the attended vectors."""
        if attention_mask is not None:
            attention_mask = attention_mask[None]
        return self.attention(inputs, inputs, attention_mask=attention_mask)


ONE_LAYER = {
    "window": window,
    "full, masked": masked,
    "Keras sliding_window": keras_sliding_window,
    "Keras MultiHeadAttention, masked": keras_masked,
    "full": full,
    "linear": linear,
    "causal linear": causal_linear,
}


# === A sentence encoder, 16 sequences of 128, 512 wide ===


def sentences():
    return vectors(16, 128, 512)


def our_layer():
    return compiled(layers.MultiHeadSelfAttention(8), sentences())


def keras_layer():
    return compiled(SelfAttention(keras.layers.MultiHeadAttention(8, 64)), sentences())


def our_blocks(dtype="float32"):
    states = inputs = keras.Input((None, 512))
    for _ in range(4):
        block = layers.TransformerEncoderBlock(8, 2048, dropout=0.1, dtype=dtype)
        states = block(states)
    return compiled(keras.Model(inputs, states), sentences(), dropout=True)


def keras_blocks(dtype="float32"):
    """The block of the Keras guides, with stock layers, pre-norm and the same sizes."""

    def normalize(states):
        return keras.layers.LayerNormalization(epsilon=1e-6, dtype=dtype)(states)

    def drop(states):
        return keras.layers.Dropout(0.1, dtype=dtype)(states)

    states = inputs = keras.Input((None, 512))
    for _ in range(4):
        branch = normalize(states)
        branch = keras.layers.MultiHeadAttention(8, 64, dtype=dtype)(branch, branch)
        states = keras.layers.Add(dtype=dtype)([states, drop(branch)])
        branch = keras.layers.Dense(2048, activation="gelu", dtype=dtype)(normalize(states))
        branch = keras.layers.Dense(512, dtype=dtype)(drop(branch))
        states = keras.layers.Add(dtype=dtype)([states, drop(branch)])
    return compiled(keras.Model(inputs, states), sentences(), dropout=True)


def main():
    """Prints by how many bytes a call grows the peak memory of a process that made a short one."""
    name, length, call = sys.argv[1:]
    ONE_LAYER[name](64)[call]()
    before = peak_bytes()
    ONE_LAYER[name](int(length))[call]()
    print(peak_bytes() - before)


if __name__ == "__main__":
    main()
