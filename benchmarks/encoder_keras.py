"""Serves our models, or those of stock Keras layers or keras-hub of the same sizes.

pip install keras-hub tensorflow
"""

import sys

import encoder_turns
import keras
import tensorflow as tf


def ours(sizes):
    """The preset whose fields these are, and its inputs `f(arrays)`."""
    from attnzoo import zoo

    name = "image_classifier" if "image_shape" in sizes else "sentiment_classifier"
    model = zoo.build(name, weights=None, **sizes)
    return model, lambda arrays: {
        key: arrays[key].astype(tensor.dtype) for key, tensor in model.input.items()
    }


def stock(sizes):
    """The same model of layers that Keras has, and its inputs `f(arrays)`."""
    layers = keras.layers
    hidden_dim, epsilon = sizes["hidden_dim"], sizes["layer_norm_epsilon"]

    def norm(states):
        return layers.LayerNormalization(epsilon=epsilon)(states)

    def attention(states, mask):
        key_dim = hidden_dim // sizes["num_heads"]
        attend = layers.MultiHeadAttention(sizes["num_heads"], key_dim)
        return layers.Dropout(sizes["dropout"])(attend(states, states, attention_mask=mask))

    def feed_forward(states, _):
        states = layers.Dense(sizes["intermediate_dim"])(states)
        states = layers.Activation(keras.activations.gelu)(states)
        return layers.Dropout(sizes["dropout"])(layers.Dense(hidden_dim)(states))

    if "image_shape" in sizes:
        inputs = {"images": keras.Input(sizes["image_shape"], dtype="uint8", name="images")}
        pixels = layers.Rescaling(1 / 127.5, -1)(inputs["images"])
        size = sizes["patch_size"]
        patches = layers.Conv2D(hidden_dim, size, size)(pixels)
        states = layers.Reshape((-1, hidden_dim))(patches)
        states = ClassTokenAndPositions()(states)
        mask = None
    else:
        inputs = {
            "token_ids": keras.Input((None,), dtype="int32", name="token_ids"),
            "padding_mask": keras.Input((None,), dtype="bool", name="padding_mask"),
        }
        states = layers.Embedding(sizes["vocabulary_size"], hidden_dim)(inputs["token_ids"])
        positions = layers.Embedding(sizes["max_sequence_length"], hidden_dim)
        states = states + positions(keras.ops.arange(encoder_turns.LENGTH))
        states = layers.Dropout(sizes["embedding_dropout"])(norm(states))
        mask = inputs["padding_mask"][:, None, :]
    for _ in range(sizes["num_layers"]):
        for branch in (attention, feed_forward):
            if sizes["normalize_first"]:
                states = states + branch(norm(states), mask)
            else:
                states = norm(states + branch(states, mask))
    if mask is None:
        states = norm(states)[:, 0]
    else:
        states = layers.GlobalAveragePooling1D()(states, mask=inputs["padding_mask"])
    model = keras.Model(inputs, layers.Dense(sizes["num_classes"])(states))
    return model, lambda arrays: {
        key: arrays[key].astype(tensor.dtype) for key, tensor in inputs.items()
    }


class ClassTokenAndPositions(keras.layers.Layer):
    """Puts a learned vector before the patches and adds learned positions."""

    def build(self, shape):
        """Makes both."""
        self.token = self.add_weight(shape=(1, 1, shape[-1]))
        self.positions = self.add_weight(shape=(shape[1] + 1, shape[-1]))

    def call(self, states):
        """Returns `(batch, patches + 1, hidden_dim)`."""
        token = keras.ops.broadcast_to(
            self.token, (keras.ops.shape(states)[0], 1, states.shape[-1])
        )
        return keras.ops.concatenate([token, states], axis=1) + self.positions


def keras_hub(sizes):
    """The ViT or the BERT of these sizes, and its inputs `f(arrays)`."""
    from keras_hub import models

    shared = {key: sizes[key] for key in ("hidden_dim", "num_layers", "num_heads")}
    if "image_shape" in sizes:
        backbone = models.ViTBackbone(
            image_shape=tuple(sizes["image_shape"]),
            patch_size=sizes["patch_size"],
            mlp_dim=sizes["intermediate_dim"],
            dropout_rate=sizes["dropout"],
            **shared,
        )
        model = models.ViTImageClassifier(backbone, sizes["num_classes"])
        return model, lambda arrays: (arrays["images"] / 127.5 - 1).astype("float32")
    backbone = models.BertBackbone(
        vocabulary_size=sizes["vocabulary_size"],
        max_sequence_length=sizes["max_sequence_length"],
        intermediate_dim=sizes["intermediate_dim"],
        dropout=sizes["dropout"],
        **shared,
    )
    model = models.BertTextClassifier(backbone, sizes["num_classes"], dropout=sizes["dropout"])
    return model, lambda arrays: {
        "token_ids": arrays["token_ids"],
        "segment_ids": 0 * arrays["token_ids"],
        "padding_mask": arrays["padding_mask"].astype("int32"),
    }


LIBRARIES = {"attnzoo": ours, "stock": stock, "keras-hub": keras_hub}


def served(build, jit_compile):
    """Returns `f(sizes) -> encoder_turns.Model` of one that returns a Keras model and its inputs.

    Args:
        build: One of `LIBRARIES`.
        jit_compile: Whether to compile by XLA, which Keras by itself does not without a GPU.
    """

    def made(sizes):
        model, inputs = build(sizes)
        model.compile(
            keras.optimizers.AdamW(1e-4, weight_decay=0.01),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            jit_compile=jit_compile,
        )

        def prepare(arrays):
            tensors = tf.nest.map_structure(tf.constant, inputs(arrays))
            return tensors, tf.constant(arrays["labels"])

        return encoder_turns.Model(
            parameters=model.count_params(),
            prepare=prepare,
            inference=lambda batch: model.predict_on_batch(batch[0]),
            training_step=lambda batch: model.train_on_batch(*batch),
        )

    return made


if __name__ == "__main__":
    library, compiler, dtype = sys.argv[1:]
    keras.config.set_dtype_policy(dtype)
    encoder_turns.serve(served(LIBRARIES[library], jit_compile=compiler == "xla"))
