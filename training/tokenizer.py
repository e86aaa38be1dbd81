"""Learning a WordPiece vocabulary from the user's own texts."""

import itertools
from collections import Counter

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


# As many different characters as the library's trainer keeps, the most frequent ones.
_MOST_CHARACTERS = 1000


def train_wordpiece(texts, vocabulary_size=8000, lowercase=True, min_frequency=2):
    """Learns a WordPiece tokenizer, of BERT's kind, from texts; the same texts give the same one.

    Args:
        texts: Iterable of strings, which is gone through twice (a mere iterator is held in memory),
            or a function that returns one.
        vocabulary_size: Number of pieces at most, special tokens included. Defaults to 8000.
        lowercase: Whether case and accents are dropped. Defaults to True.
        min_frequency: Fewest occurrences of a pair to be merged to a piece. Defaults to 2.

    Returns:
        A `tokenizers.Tokenizer` that encodes a text as `[CLS] pieces [SEP]`; `[PAD]` is id 0.

    Raises:
        DataError: If the texts hold no character.

    Example:
    >>> tokenizer = train_wordpiece(["a fine film", "one fine film"], vocabulary_size=40)
    >>> tokenizer.encode("A fine film!").tokens
    ['[CLS]', 'a', 'fine', 'film', '[UNK]', '[SEP]']

    References:
        Schuster and Nakajima, 2012, "Japanese and Korean voice search"; Devlin et al., 2019, BERT.
    """
    if not callable(texts) and iter(texts) is texts:
        texts = list(texts)
    open_texts = texts if callable(texts) else lambda: iter(texts)
    tokenizer = _bert_tokenizer(models.WordPiece(unk_token="[UNK]"), lowercase)
    characters, continuing = _characters(open_texts(), tokenizer)
    if not characters:
        raise DataError("Expected texts to learn a vocabulary from; they hold no character.")
    tokenizer.train_from_iterator(
        open_texts(),
        trainers.WordPieceTrainer(
            vocab_size=vocabulary_size,
            min_frequency=min_frequency,
            # The trainer numbers the pieces it meets in an order of chance, which then breaks
            # ties; given as special tokens, single characters inside words come in order.
            special_tokens=[*SPECIAL_TOKENS, *(f"##{character}" for character in continuing)],
            initial_alphabet=characters,
            limit_alphabet=len(characters),
            show_progress=False,
        ),
    )
    # A fresh tokenizer, where `##a` typed in a text is plain text again.
    tokenizer = _bert_tokenizer(
        models.WordPiece(tokenizer.get_vocab(), unk_token="[UNK]"), lowercase
    )
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def _bert_tokenizer(model, lowercase):
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def _characters(texts, tokenizer):
    """Returns the most frequent characters, and those of them that continue a word, both sorted."""
    counts, pairs = Counter(), set()
    for text in texts:
        text = tokenizer.normalizer.normalize_str(text)
        counts.update(text)
        pairs.update(itertools.pairwise(text))
    pre_tokenize = tokenizer.pre_tokenizer.pre_tokenize_str
    in_words = {character for character in counts if len(pre_tokenize(f"a{character}a")) == 1}
    seen = [character for character in counts if not character.isspace()]
    ranked = sorted(seen, key=lambda character: (-counts[character], character))
    characters = sorted(ranked[:_MOST_CHARACTERS])
    continuing = {after for before, after in pairs if before in in_words and after in in_words}
    return characters, [character for character in characters if character in continuing]
