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


@dataclass(frozen=True)
class SpokenWord:
    """A word that was heard.

    Args:
        word: The word.
        start: When its first symbol was heard, in seconds.
        end: When its last one ended.
    """

    word: str
    start: float
    end: float


@dataclass(frozen=True)
class Transcript:
    """What a speech recogniser answers for one recording.

    Args:
        text: What was said.
        words: A `SpokenWord` for each word, in order; CTC knows times roughly.
    """

    text: str
    words: tuple[SpokenWord, ...]

    @property
    def labels(self):
        """The labels that are evaluated: the text."""
        return (self.text,)

    def lines(self, shown):
        """Returns the line to print for a recording that is shown as `shown`."""
        return [f"{self.text}\t{shown}"]

    def __str__(self):
        return self.text


@dataclass(frozen=True)
class LabelledFrames:
    """What a labeller of vectors answers for one recording.

    Args:
        frames: A `Prediction` for each vector, in order.
        seconds: Time from one to the next.
    """

    frames: tuple[Prediction, ...]
    seconds: float

    @property
    def labels(self):
        """The labels that are evaluated: one for each vector."""
        return tuple(frame.label for frame in self.frames)

    def lines(self, shown):
        """Returns a line to print for each vector, with its time in seconds, and an empty one."""
        frames = enumerate(self.frames)
        return [
            *(f"{i * self.seconds:.2f}\t{f.label}\t{f.probability:.4f}" for i, f in frames),
            "",
        ]

    def __str__(self):
        return " ".join(self.labels)
