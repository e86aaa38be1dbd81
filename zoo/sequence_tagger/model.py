"""The sequence tagger as a Functional model."""

import keras

from ...layers import GatherPositions, NamedInputsModel
from ..encoder import encode, head, text_embedding


def sequence_tagger(config, dtype=None):
    """Builds the sequence tagger.

    Args:
        config: `SequenceTaggerConfig`.
        dtype: Dtype policy of the layers; logits are float32. Defaults to None (Keras's global
            policy).

    Returns:
        A model from `token_ids (batch, length)`, optionally `padding_mask (batch, length)`, and
        `word_starts (batch, words)`, the position of each word's first piece (-1 = no word), to
        logits `(batch, words, num_classes)`, or to vectors `(batch, words, hidden_dim)` if
        `num_classes` is 0.

    References:
        Devlin et al., 2019, "BERT", section 5.3 (the first piece stands for its word).
    """
    # === Inputs ===
    inputs = {
        "padding_mask": keras.Input((None,), dtype="bool", name="padding_mask", optional=True),
        "token_ids": keras.Input((None,), dtype="int32", name="token_ids"),
        "word_starts": keras.Input((None,), dtype="int32", name="word_starts"),
    }
    padding_mask = inputs["padding_mask"]

    # === Encoder ===
    states = text_embedding(inputs["token_ids"], config, padding_mask, dtype)
    states = encode(states, config, padding_mask, dtype)
    words = GatherPositions(dtype=dtype, name="words")(states, inputs["word_starts"])
    return NamedInputsModel(inputs, head(words, config, dtype), name="sequence_tagger")
