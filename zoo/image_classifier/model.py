"""The image classifier, a vision Transformer, as a Functional Keras model."""

import keras

from ...layers import NamedInputsModel, SequencePooling
from ..encoder import encode, image_embedding


def image_classifier(config, dtype=None):
    """Builds the model: patches + position → encoder blocks → pooling → logits.

    Args:
        config: `ImageClassifierConfig`.
        dtype: Dtype policy of the layers; logits are float32. Defaults to None (Keras's global
            policy).

    Returns:
        A Functional model from `images (batch, height, width, channels)` uint8 to logits
        `(batch, num_classes)`, or to pooled vectors `(batch, hidden_dim)` if `num_classes` is 0.

    References:
        Dosovitskiy et al., 2021, "An image is worth 16x16 words: Transformers for image recognition
        at scale".
    """
    # === Inputs ===
    inputs = {"images": keras.Input(config.image_shape, dtype="uint8", name="images")}

    # === Encoder ===
    states = image_embedding(inputs["images"], config, dtype)
    states = encode(states, config, dtype=dtype)
    pooled = SequencePooling(config.pooling, dtype=dtype, name="pooling")(states)

    # === Head ===
    if config.num_classes == 0:
        outputs = pooled
    else:
        pooled = keras.layers.Dropout(config.dropout, dtype=dtype, name="head_dropout")(pooled)
        outputs = keras.layers.Dense(
            config.num_classes,
            activation=config.classifier_activation,
            dtype="float32",
            name="logits",
        )(pooled)
    return NamedInputsModel(inputs, outputs, name="image_classifier")
