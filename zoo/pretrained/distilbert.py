"""DistilBERT (Sanh et al., 2019)."""

from .bert import ENCODER, embeddings, position
from .family import Family, Key
from .table import block, classifier, dense


def _table(config, settings):
    entries = [*embeddings(config), position()]
    for index in range(config.num_layers):
        entries += block(
            index,
            f"transformer.layer.{index}",
            attention=tuple(f"attention.{part}_lin" for part in ("q", "k", "v", "out")),
            attention_norm="sa_layer_norm",
            feed_forward=("ffn.lin1", "ffn.lin2"),
            feed_forward_norm="output_layer_norm",
        )
    return entries


def _head(config):
    return dense("head_dense", "pre_classifier") + dense("logits", "classifier")


FAMILY = Family(
    model_type="distilbert",
    prefix="distilbert",
    classes={
        "sentiment_classifier": "DistilBertForSequenceClassification",
        "sequence_tagger": "DistilBertForTokenClassification",
    },
    backbone_class="DistilBertModel",
    keys=(
        Key("vocab_size", "vocabulary_size", 30522),
        Key("dim", "hidden_dim", 768),
        Key("n_layers", "num_layers", 6),
        Key("n_heads", "num_heads", 12),
        Key("hidden_dim", "intermediate_dim", 3072),
        Key("dropout", ("dropout", "embedding_dropout"), 0.1),
        Key("attention_dropout", "attention_dropout", 0.1),
        Key("max_position_embeddings", "max_sequence_length", 512),
        Key("seq_classif_dropout", "head_dropout", 0.2),
    ),
    fields={
        "sentiment_classifier": {
            **ENCODER,
            "layer_norm_epsilon": 1e-12,
            "pooling": "cls",
            "head_activation": "relu",
        },
        "sequence_tagger": {**ENCODER, "layer_norm_epsilon": 1e-12},
    },
    table=_table,
    heads={
        "sentiment_classifier": _head,
        "sequence_tagger": classifier,
    },
    activation_key="activation",
    # Either way, the table of positions is among the tensors.
    without_effect=("qa_dropout", "sinusoidal_pos_embds", "tie_weights_"),
    unused={"vocab_*": "a head of pretraining"},
)
