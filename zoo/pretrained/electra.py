"""ELECTRA's discriminator (Clark et al., 2020)."""

from .bert import ENCODER, KEYS, blocks, embeddings, position
from .family import Family, Key
from .table import classifier, dense, two_layer_classifier


def _table(config, settings):
    projection = dense("embedding_projection", "embeddings_project") if config.embedding_dim else []
    return [*embeddings(config), position(), *projection, *blocks(config)]


FAMILY = Family(
    model_type="electra",
    prefix="electra",
    classes={
        "sentiment_classifier": "ElectraForSequenceClassification",
        "sequence_tagger": "ElectraForTokenClassification",
    },
    backbone_class="ElectraModel",
    keys=(*KEYS, Key("embedding_size", "embedding_dim", 128)),
    fields={
        "sentiment_classifier": {**ENCODER, "pooling": "cls", "head_activation": "gelu"},
        "sequence_tagger": ENCODER,
    },
    table=_table,
    heads={
        "sentiment_classifier": two_layer_classifier,
        "sequence_tagger": classifier,
    },
    without_effect=(
        "summary_activation",
        "summary_last_dropout",
        "summary_type",
        "summary_use_proj",
    ),
    unused={
        "discriminator_predictions.*": "a head of pretraining",
        "generator_*": "a head of pretraining",
    },
)
