"""What a pipeline answers for one input."""

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

    def __str__(self):
        return f"{self.label} ({self.probability:.1%})"
