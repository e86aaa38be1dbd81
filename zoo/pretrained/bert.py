"""BERT (Devlin et al., 2019), with MiniLM and the sentence-transformers that are built on it."""

from .family import Family, Key
from .table import block, classifier, dense, kept, norm

ENCODER = {
    "embedding_norm": True,
    "normalize_first": False,
    "position": "learned",
}
KEYS = (
    Key("vocab_size", "vocabulary_size", 30522),
    Key("hidden_size", "hidden_dim", 768),
    Key("num_hidden_layers", "num_layers", 12),
    Key("num_attention_heads", "num_heads", 12),
    Key("intermediate_size", "intermediate_dim", 3072),
    Key("hidden_dropout_prob", ("dropout", "embedding_dropout"), 0.1),
    Key("attention_probs_dropout_prob", "attention_dropout", 0.1),
    Key("max_position_embeddings", "max_sequence_length", 512),
    Key("type_vocab_size", "num_segments", 2),
    Key("layer_norm_eps", "layer_norm_epsilon", 1e-12),
    Key("classifier_dropout", "head_dropout", None),
)


def embeddings(config):
    """Returns the entries of the embeddings, without the positions."""
    entries = [kept("token_embedding/embeddings", "embeddings.word_embeddings.weight")]
    if config.num_segments:
        entries.append(kept("segment_embedding/table", "embeddings.token_type_embeddings.weight"))
    return entries + norm("embedding_norm", "embeddings.LayerNorm")


def position():
    """Returns the entry of the positions."""
    return kept("position/table", "embeddings.position_embeddings.weight")


def blocks(config):
    """Returns the entries of the encoder blocks."""
    entries = []
    for index in range(config.num_layers):
        entries += block(
            index,
            f"encoder.layer.{index}",
            attention=(
                *(f"attention.self.{part}" for part in ("query", "key", "value")),
                "attention.output.dense",
            ),
            attention_norm="attention.output.LayerNorm",
            feed_forward=("intermediate.dense", "output.dense"),
            feed_forward_norm="output.LayerNorm",
        )
    return entries


def _table(config, settings):
    entries = [*embeddings(config), position(), *blocks(config)]
    if getattr(config, "pooler_activation", None):
        entries += dense("pooler_dense", "pooler.dense")
    return entries


def _found(names, architecture):
    has_pooler = "pooler.dense.weight" in names and architecture == "sentiment_classifier"
    return {"pooler_activation": "tanh"} if has_pooler else {}


FAMILY = Family(
    model_type="bert",
    prefix="bert",
    classes={
        "sentiment_classifier": "BertForSequenceClassification",
        "sequence_tagger": "BertForTokenClassification",
    },
    backbone_class="BertModel",
    keys=KEYS,
    fields={
        "sentiment_classifier": {**ENCODER, "pooling": "cls"},
        "sequence_tagger": ENCODER,
    },
    table=_table,
    heads={"sentiment_classifier": classifier, "sequence_tagger": classifier},
    without_effect=(
        "directionality",
        "pooler_fc_size",
        "pooler_num_attention_heads",
        "pooler_num_fc_layers",
        "pooler_size_per_head",
        "pooler_type",
    ),
    unused={"pooler.*": "the pooled vector is made without it"},
    found=_found,
)
