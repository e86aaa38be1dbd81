"""What every source yields, and the error it raises."""

from typing import NamedTuple


class DataError(ValueError):
    """Data that cannot be read as labelled examples; the message names file and line."""


class Row(NamedTuple):
    """One labelled input; `origin` names file and line for messages."""

    input: object  # A text or a pair of them, a path, a list of words, ...: as the task has it.
    label: str
    origin: str
