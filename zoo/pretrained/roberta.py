"""RoBERTa (Liu et al., 2019) and XLM-RoBERTa (Conneau et al., 2020), which is of the same shape.

Their positions count real tokens from one more than the padding id on. In a batch that is padded on
the right, as all of attnzoo's are, these are the rows after the first ones of the table.
"""

import dataclasses

from .bert import ENCODER, KEYS, blocks, embeddings
from .family import Family
from .table import classifier, rows_after, two_layer_classifier


def _table(config, settings):
    position = rows_after(
        "position/table", "embeddings.position_embeddings.weight", settings["pad_token_id"] + 1
    )
    return [*embeddings(config), position, *blocks(config)]


ROBERTA = Family(
    model_type="roberta",
    prefix="roberta",
    classes={
        "sentiment_classifier": "RobertaForSequenceClassification",
        "sequence_tagger": "RobertaForTokenClassification",
    },
    backbone_class="RobertaModel",
    keys=tuple(
        dataclasses.replace(key, default=1) if key.theirs == "type_vocab_size" else key
        for key in KEYS
    ),
    fields={
        "sentiment_classifier": {**ENCODER, "pooling": "cls", "head_activation": "tanh"},
        "sequence_tagger": ENCODER,
    },
    table=_table,
    heads={
        "sentiment_classifier": two_layer_classifier,
        "sequence_tagger": classifier,
    },
    only={"type_vocab_size": (1,)},
    unused={"pooler.*": "the pooled vector is made without it"},
    offset_by_padding=True,
)
XLM_ROBERTA = dataclasses.replace(
    ROBERTA,
    model_type="xlm-roberta",
    classes={name: f"XLM{of}" for name, of in ROBERTA.classes.items()},
    backbone_class=f"XLM{ROBERTA.backbone_class}",
)
