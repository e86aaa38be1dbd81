"""What sparse normalisers share: which keys get any weight at all."""

from keras import ops

from .rows import mask_scores

# A key this far below the highest gets no weight from sparsemax or entmax15, which end at 1 below.
_DEPTH_WITHOUT_WEIGHT = 2.0


def depths(scores, mask):
    """Returns how far each score lies from the highest allowed one of its row, in [-2, 0].

    Sparse weights depend on differences of scores only, and on none larger than one. Sums over
    depths stay exact where sums over scores of 60000, or over masked ones, would not be.
    """
    scores = mask_scores(scores, mask)
    highest = ops.max(scores, axis=-1, keepdims=True)
    return ops.maximum(scores - ops.stop_gradient(highest), -_DEPTH_WITHOUT_WEIGHT)


def lowest_supported(depth, excess):
    """Returns the depth of the lowest key of each row that gets some weight, `(..., 1)`.

    Weights are `f(depth - threshold)` with an `f` that is increasing, and zero up to zero, and the
    threshold that makes them sum to one. So a key lies above the threshold exactly if weights with
    the threshold at its own depth would sum to less than one.

    Args:
        depth: Tensor whose last axis is the keys; see `depths`.
        excess: `g(ordered, rank)`, that sum for each key, with the keys of a row from the highest
            down and their `rank` 1, 2, 3, ...
    """
    # Which keys are in the support is a yes or no, which has no gradient.
    ordered = -ops.sort(-ops.stop_gradient(depth), axis=-1)
    rank = ops.cast(ops.arange(1, ops.shape(ordered)[-1] + 1), ordered.dtype)
    in_support = excess(ordered, rank) < 1.0
    return ops.min(ops.where(in_support, ordered, 0.0), axis=-1, keepdims=True)
