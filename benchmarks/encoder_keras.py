"""Serves our models, or those of keras-hub of the same sizes, to the benchmark of models.

pip install keras-hub tensorflow
"""

import sys

import keras
import model_turns
import tensorflow as tf


def ours(sizes):
    """The preset whose fields these are, and its inputs `f(arrays)`."""
    from attnzoo import zoo

    name = "image_classifier" if "image_shape" in sizes else "sentiment_classifier"
    model = zoo.build(name, weights=None, **sizes)
    return model, lambda arrays: {
        key: arrays[key].astype(tensor.dtype) for key, tensor in model.input.items()
    }


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


LIBRARIES = {"attnzoo": ours, "keras-hub": keras_hub}


def served(build, jit_compile):
    """Returns `f(sizes) -> model_turns.Model` of one that returns a Keras model and its inputs.

    Args:
        build: `ours` or `keras_hub`.
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

        return model_turns.Model(
            parameters=model.count_params(),
            prepare=prepare,
            inference=lambda batch: model.predict_on_batch(batch[0]),
            training_step=lambda batch: model.train_on_batch(*batch),
        )

    return made


if __name__ == "__main__":
    library, compiler = sys.argv[1:]
    model_turns.serve(served(LIBRARIES[library], jit_compile=compiler == "xla"))
