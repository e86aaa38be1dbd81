"""How a task describes the tensors that an exported artefact takes and returns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TensorSpec:
    """One named tensor of an artefact.

    Args:
        name: Its name in every format.
        dtype: NumPy name of its dtype.
        shape: A string names a dynamic dimension, an integer is a fixed one.
        description: One line for READMEs.
    """

    name: str
    dtype: str
    shape: tuple[str | int, ...]
    description: str = ""
