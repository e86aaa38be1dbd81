"""Which training rows are held out for validation where there is no such split."""

import numpy as np

from .sources import DataError


def stratified_selection(labels, share, seed=0):
    """Chooses a share of the rows of every label, at least one, at random.

    Args:
        labels: Index of each row's label, `(rows,)`.
        share: In (0, 1).
        seed: Seed of the choice. Defaults to 0.

    Returns:
        Bool `(rows,)`.

    Raises:
        DataError: If `share` is out of range, or a label has one row only.

    Example:
    >>> int(stratified_selection(np.array([0] * 40 + [1] * 20), 0.1).sum())
    6
    """
    _check(share)
    generator = np.random.default_rng(seed)
    selection = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        if len(rows) < 2:
            raise DataError(
                "Expected two rows at least of every label, to hold one out for validation; "
                f"bring a validation file or more rows. Received: one row of label {label}"
            )
        held_out = min(len(rows) - 1, max(1, round(share * len(rows))))
        selection[rows[:held_out]] = True
    return selection


def random_selection(rows, share, seed=0):
    """Chooses a share of the rows, at least one, at random.

    Args:
        rows: Number of rows.
        share: In (0, 1).
        seed: Seed of the choice. Defaults to 0.

    Returns:
        Bool `(rows,)`.

    Raises:
        DataError: If `share` is out of range, or there are fewer than two rows.

    Example:
    >>> int(random_selection(60, 0.1).sum())
    6
    """
    _check(share)
    if rows < 2:
        raise DataError(
            "Expected two rows at least, to hold one out for validation; bring a validation file "
            f"or more rows. Received: {rows}"
        )
    selection = np.zeros(rows, bool)
    selection[: min(rows - 1, max(1, round(share * rows)))] = True
    return np.random.default_rng(seed).permutation(selection)


def _check(share):
    if not 0 < share < 1:
        raise DataError(f"Expected `validation_split` in (0, 1). Received: {share}")
