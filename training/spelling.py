"""First embeddings that follow the spelling: pieces that are spelled alike begin alike."""

import zlib

import numpy as np

_GRAM_LENGTHS = (2, 3, 4)


def spelled_embeddings(tokens, vectors, deviation=0.3):
    """Makes a token's first vector of the vectors of the strings that it is made of.

    These are its strings of two to four letters, its ends marked and case left out, the kinds of
    its first characters (capital, small, digit, other), and whether it goes on a word. A rare piece
    moves little in training, so what was learned of `-ing` and of capitals reaches it by this.

    Args:
        tokens: WordPiece strings, such as `"walk"` and `"##ing"`.
        vectors: Random vectors to give to strings by their checksum, `(count, hidden_dim)`.
        deviation: Standard deviation of the numbers that are returned. Defaults to 0.3.

    Returns:
        float32 `(tokens, hidden_dim)`.

    Example:
    >>> vectors = np.random.default_rng(0).normal(size=(1000, 256))
    >>> walk, talk, house = spelled_embeddings(["walking", "talking", "houses"], vectors)
    >>> bool(walk @ talk > 2 * abs(walk @ house))
    True

    References:
        Bojanowski et al., 2017, "Enriching word vectors with subword information".
    """
    vectors = np.array(vectors, "float32")
    vectors *= np.float32(deviation) / vectors.std()
    return np.stack([_sum(vectors, list(_strings(token))) for token in tokens])


def _sum(vectors, strings):
    rows = [zlib.crc32(string.encode()) % len(vectors) for string in strings]
    return vectors[rows].sum(axis=0) / np.float32(len(rows) ** 0.5)


def _strings(token):
    """Yields each string that a token is made of once."""
    kinds = "".join(map(_kind, token.removeprefix("##")[:2]))
    yield from sorted(letter_strings(token, _GRAM_LENGTHS))
    yield f"kinds {kinds}"
    yield f"continues {token.startswith('##')}"


def letter_strings(token, lengths):
    """Returns the set of a token's strings of letters of these lengths, its ends marked.

    Example:
    >>> sorted(letter_strings("##ing", (3, 4)))
    ['ing', 'ing$', 'ng$']
    """
    text = token.removeprefix("##").lower()
    spelled = f"{text}$" if token.startswith("##") else f"^{text}$"
    return {
        spelled[start : start + length]
        for length in lengths
        for start in range(len(spelled) - length + 1)
    }


def _kind(character):
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return "0" if character.isdigit() else "-"
