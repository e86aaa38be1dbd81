"""The sentiment classifier as a Functional Keras model."""

import keras

from ...layers import NamedInputsModel, SequencePooling
from ..encoder import activated_dense, encode, head, text_embedding


def sentiment_classifier(config, dtype=None):
    """Builds the model: embedding + position → encoder blocks → pooling → logits.

    Args:
        config: `SentimentClassifierConfig`.
        dtype: Dtype policy of the layers, such as `"mixed_bfloat16"`. Defaults to None (Keras's
            global policy). The logits are float32 always.

    Returns:
        A Functional model from `token_ids (batch, length)` int32 and the optional
        `padding_mask (batch, length)` and, with several segments, the optional
        `segment_ids (batch, length)` int32 to logits `(batch, num_classes)`, or to pooled vectors
        `(batch, hidden_dim)` if `num_classes` is 0.
    """
    # === Inputs ===
    # Keras pairs dict inputs by sorted key.
    inputs = {
        "padding_mask": keras.Input((None,), dtype="bool", name="padding_mask", optional=True),
        "token_ids": keras.Input((None,), dtype="int32", name="token_ids"),
    }
    if config.num_segments > 1:
        segment_ids = keras.Input((None,), dtype="int32", name="segment_ids", optional=True)
        inputs["segment_ids"] = segment_ids
    padding_mask = inputs["padding_mask"]

    # === Encoder ===
    states = text_embedding(
        inputs["token_ids"], config, padding_mask, dtype, inputs.get("segment_ids")
    )
    states = encode(states, config, padding_mask, dtype)
    pooled = SequencePooling(config.pooling, dtype=dtype, name="pooling")(
        states, padding_mask=padding_mask
    )
    if config.pooler_activation is not None:
        pooled = activated_dense(pooled, config.pooler_activation, "pooler", dtype)
    return NamedInputsModel(inputs, head(pooled, config, dtype), name="sentiment_classifier")
