"""What a pipeline answers for one input."""

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Prediction:
    """One label with its probability, and the probabilities of all labels.

    Args:
        label: The most probable label.
        probability: Its probability, in [0, 1].
        probabilities: Dict from every label to its probability.
    """

    label: str
    probability: float
    probabilities: dict[str, float]

    @property
    def labels(self):
        """The labels that are evaluated: the one."""
        return (self.label,)

    def lines(self, shown):
        """Returns the line to print for an input that is shown as `shown`."""
        return [f"{self.label}\t{self.probability:.4f}\t{shown}"]

    def __str__(self):
        return f"{self.label} ({self.probability:.1%})"


@dataclass(frozen=True)
class TaggedWord:
    """A word with its label.

    Args:
        word: The word.
        label: Its most probable label.
        probability: The label's probability, in [0, 1].
        start: Where the word begins in the text, in characters.
        end: Where it ends, exclusive.
    """

    word: str
    label: str
    probability: float
    start: int
    end: int


@dataclass(frozen=True)
class TaggedText:
    """What a tagger answers for one sentence.

    Args:
        words: A `TaggedWord` for each word, in order.
    """

    words: tuple[TaggedWord, ...]

    @property
    def labels(self):
        """The labels that are evaluated: one for each word."""
        return tuple(word.label for word in self.words)

    def lines(self, shown):
        """Returns a line to print for each word, and an empty one, as in CoNLL files."""
        return [*(f"{w.word}\t{w.label}\t{w.probability:.4f}" for w in self.words), ""]

    def __str__(self):
        return " ".join(f"{word.word}/{word.label}" for word in self.words)


@dataclass(frozen=True)
class LabelledNodes:
    """What a classifier of nodes answers for one graph.

    Args:
        nodes: A `Prediction` for each node, in order.
    """

    nodes: tuple[Prediction, ...]

    @property
    def labels(self):
        """The labels that are evaluated: one for each node."""
        return tuple(node.label for node in self.nodes)

    def lines(self, shown):
        """Returns a line to print for each node, counted from 0, and an empty one."""
        nodes = enumerate(self.nodes)
        return [*(f"{index}\t{n.label}\t{n.probability:.4f}" for index, n in nodes), ""]

    def __str__(self):
        counts = Counter(self.labels).most_common()
        return f"{len(self.nodes)} nodes: " + ", ".join(f"{label} {n}" for label, n in counts)
