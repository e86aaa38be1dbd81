"""The symbols of CTC: how a transcript is written as class names, and how it is read again."""

BLANK = "<blank>"
# A space, as SentencePiece writes it: it is seen in a list, and a line may begin with it.
SPACE = "▁"


def symbols_of(text):
    """Returns the characters of a text, runs of spaces being one `SPACE`.

    Example:
    >>> symbols_of("A  B")
    ['A', '▁', 'B']
    """
    return list(SPACE.join(text.split()))


def text_of(symbols):
    """Returns the text that symbols spell, characters or longer pieces.

    Example:
    >>> text_of(["▁A", "▁", "B", "C"])
    'A BC'
    """
    return " ".join("".join(symbols).replace(SPACE, " ").split())


class TextStream:
    """Spells symbols as they come; what it returned, joined, is what `text_of` has for all of them.

    Example:
    >>> stream = TextStream()
    >>> stream(["A", "▁"]), stream(["B"])
    ('A', ' B')
    """

    def __init__(self):
        self._is_begun, self._held_space = False, ""

    def __call__(self, symbols):
        """Returns what these add to the text; a space is held until a word follows it."""
        text = self._held_space + "".join(symbols).replace(SPACE, " ")
        self._held_space = " " if text.endswith(" ") else ""
        words = " ".join(text.split())
        if not words:
            return ""
        before = " " if self._is_begun and text.startswith(" ") else ""
        self._is_begun = True
        return before + words


def is_ctc(labels):
    """Returns whether these labels are symbols of CTC: the first is its blank."""
    return list(labels[:1]) == [BLANK]


class SymbolEncoder:
    """Spells texts with the labels of a CTC model, the longest that fits first.

    Args:
        labels: Names of the classes; the first is the blank.

    Example:
    >>> SymbolEncoder(["<blank>", "▁", "A", "B", "AB"])("AB B").tolist()
    [4, 1, 3]
    """

    def __init__(self, labels):
        self._index = {label: index for index, label in enumerate(labels) if label != BLANK}
        self._longest = max(map(len, self._index))
        # Pieces of words begin with the space that stands before every word.
        self._before = SPACE if any(len(name) > 1 and name[0] == SPACE for name in labels) else ""

    def __call__(self, text):
        """Returns the classes of a text, int32.

        Raises:
            ValueError: If a character is not among the labels.
        """
        import numpy as np

        characters = self._before + "".join(symbols_of(text))
        classes, position = [], 0
        while position < len(characters):
            for length in range(min(self._longest, len(characters) - position), 0, -1):
                index = self._index.get(characters[position : position + length])
                if index is not None:
                    break
            else:
                raise ValueError(
                    f"Expected only the symbols {''.join(sorted(self._index))!r:.200}. "
                    f"Received: {characters[position]!r} in {text!r:.80}"
                )
            classes.append(index)
            position += length
        return np.array(classes, "int32")
