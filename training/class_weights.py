"""Weights of the classes in the loss, where some have far fewer examples than others."""

import numpy as np


def class_weights(wanted, label_names, split):
    """Returns the weight of each class in the loss, or None if all weigh the same.

    Args:
        wanted: `"balanced"`: the average number of examples of a class, divided by that of this
            class; a dict from label to weight, 1 for any other; or None.
        label_names: Names of the classes.
        split: The train `Split`.

    Returns:
        A list of floats, or None.

    Raises:
        ValueError: If a label is unknown.

    References:
        King and Zeng, 2001, "Logistic regression in rare events data" (balanced weights).
    """
    if wanted is None:
        return None
    if wanted == "balanced":
        counts = np.bincount(split.flat_labels, minlength=len(label_names))
        return (counts.sum() / len(counts) / np.maximum(counts, 1)).tolist()
    unknown = sorted(set(wanted) - set(label_names))
    if unknown:
        raise ValueError(
            f"Expected `class_weight` of the labels {label_names}. Received: {', '.join(unknown)}"
        )
    return [float(wanted.get(name, 1.0)) for name in label_names]
