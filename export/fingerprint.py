"""What tells one model from another."""

import hashlib

import numpy as np


def fingerprint_of(served):
    """Returns a SHA-256 over all that makes a `ServedModel` answer as it does."""
    digest = hashlib.sha256()
    for part in served.fingerprint_parts():
        digest.update(part.encode("utf-8"))
    for weight in served.model.weights:  # One at a time: a large model has no room for a copy.
        digest.update(np.ascontiguousarray(weight))
    return digest.hexdigest()
