"""Learning a WordPiece vocabulary from the user's own texts."""

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from .sources import DataError

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def train_wordpiece(texts, vocabulary_size=8000, lowercase=True, min_frequency=2):
    """Learns a WordPiece tokenizer, of BERT's kind, from texts.

    Args:
        texts: Iterable of strings; read once.
        vocabulary_size: Number of pieces at most, special tokens included. Defaults to 8000.
        lowercase: Whether case and accents are dropped. Defaults to True.
        min_frequency: Fewest occurrences of a pair to be merged to a piece. Defaults to 2.

    Returns:
        A `tokenizers.Tokenizer` that encodes a text as `[CLS] pieces [SEP]`; `[PAD]` is id 0.

    Raises:
        DataError: If the texts hold no character.

    Example:
    >>> tokenizer = train_wordpiece(["a fine film", "a fine day"], vocabulary_size=40)
    >>> tokenizer.encode("A fine film!").tokens
    ['[CLS]', 'a', 'fine', 'film', '[UNK]', '[SEP]']

    References:
        Schuster and Nakajima, 2012, "Japanese and Korean voice search"; Devlin et al., 2019, BERT.
    """
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(
        texts,
        trainers.WordPieceTrainer(
            vocab_size=vocabulary_size,
            min_frequency=min_frequency,
            special_tokens=list(SPECIAL_TOKENS),
            show_progress=False,
        ),
    )
    if tokenizer.get_vocab_size() == len(SPECIAL_TOKENS):
        raise DataError("Expected texts to learn a vocabulary from; they hold no character.")
    cls_id, sep_id = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", cls_id), ("[SEP]", sep_id)],
    )
    return tokenizer
