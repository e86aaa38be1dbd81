"""Pieces of words for CTC, learned by the `tokenizers` library."""

from ..zoo.symbols import SPACE


def learn_subwords(texts, size, characters):
    """Returns the pieces of byte-pair encoding, of characters and of what often stands together.

    Args:
        texts: Iterable of transcripts.
        size: Number of pieces.
        characters: All characters of the transcripts, each of which stays a piece of its own.

    Returns:
        Sorted list of strings; a piece that begins a word has `▁` before it.

    Raises:
        ValueError: If `size` is below the number of characters.

    References:
        Sennrich et al., 2016, "Neural machine translation of rare words with subword units".
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    characters = sorted({SPACE, *characters})
    if size < len(characters):
        raise ValueError(
            f"Expected `subwords` to be at least the number of characters, {len(characters)}. "
            f"Received: subwords={size}"
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=characters, show_progress=False, special_tokens=[]
    )
    tokenizer.train_from_iterator(texts, trainer)
    return sorted({*characters, *tokenizer.get_vocab()})
