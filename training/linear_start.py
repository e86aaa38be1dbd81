"""A text classifier that begins as a linear model: for thousands of sentences rather than millions.

Few sentences teach a linear model more than they teach a Transformer, so the Transformer begins as
one. Its embeddings say what logistic regression holds each token to say and stay as they are, and
what is learned by attention comes on top.
"""

import keras
import numpy as np
from keras import ops

from ..zoo.sentiment_classifier import SentimentClassifierConfig
from .spelling import letter_strings
from .tokenizer import SPECIAL_TOKENS

_STRING_LENGTHS = (3, 4, 5)
# Strings are many and overlap: each counts half as much as a piece.
_WEIGHT_OF_STRINGS = 0.5
# The inverse strength of the penalty: means over a sentence are small numbers.
_INVERSE_PENALTY = 100.0
# How large evidence is in an embedding, and the deviation of what tells tokens apart besides.
_SCALE = 0.5
_DEVIATION = 0.05


def can_begin_linearly(config):
    """Returns whether the logits of a text classifier are linear in its embeddings but for blocks.

    Args:
        config: `ModelConfig`.
    """
    return (
        isinstance(config, SentimentClassifierConfig)
        and config.normalize_first
        and not config.final_norm
        and not config.embedding_norm
        and config.embedding_dim is None
        and config.position != "sinusoidal"  # Which scales embeddings.
        and config.pooling == "mean"
        and config.pooler_activation is None
        and config.head_activation is None
    )


class LinearStart:
    """Puts evidence into a model's embeddings, and trains on evidence that has not seen the row.

    A linear model is too sure of the rows it was made of, and blocks that are trained on those
    learn to trust it. So there is a table for each fold of the rows, made of the other rows, and in
    training a row's tokens are looked up in the table of its fold.

    Args:
        model: A new text classifier, see `can_begin_linearly`.
        encoded: The rows' token ids, a list of arrays.
        labels: Class of each row, `(rows,)`.
        tokens: The token of each id.
        folds: Number of folds.
        seed: Decides which row is in which fold. Defaults to 0.

    Attributes:
        offsets: What to add to the token ids of each row in training, `(rows,)`.

    References:
        Wolpert, 1992, "Stacked generalization".
    """

    def __init__(self, model, encoded, labels, tokens, folds, seed=0):
        (vectors,) = model.get_layer("token_embedding").get_weights()
        kernel, *self._bias = model.get_layer("logits").get_weights()
        self._kernel = kernel / _SCALE
        evidence, fold = cross_fitted_evidence(
            encoded, labels, kernel.shape[-1], tokens, folds, seed
        )
        self.offsets = fold * len(tokens)
        # The directions that the head reads as the classes.
        self._directions = _SCALE * np.linalg.pinv(kernel)
        self._vectors = vectors * (_DEVIATION / vectors.std()) + evidence[0] @ self._directions
        self._changes = (evidence - evidence[0]).reshape(-1, kernel.shape[-1])

    def training_model(self, model):
        """Lets the model begin, and returns one of the same layers but the embedding.

        Its ids are offset by fold; one without an offset is looked up in the table of all rows,
        which is the model's.
        """
        model.get_layer("token_embedding").set_weights([self._vectors])
        model.get_layer("logits").set_weights([self._kernel, *self._bias])

        def in_training(layer):
            if layer.name != "token_embedding":
                return layer
            return CrossFittedEmbedding(
                self._vectors,
                self._changes,
                self._directions,
                dtype=layer.dtype_policy,
                name=layer.name,
            )

        return keras.models.clone_model(model, clone_function=in_training)


class CrossFittedEmbedding(keras.layers.Layer):
    """Looks tokens up in one of several constant tables that differ by what classes they speak for.

    Args:
        vectors: Vectors of the first table, `(tokens, hidden_dim)`.
        changes: What all tables have more of each class than it, `(tables * tokens, num_classes)`.
        directions: Vector of each class, `(num_classes, hidden_dim)`.

    Call arguments:
        token_ids: `(batch, length)`: id of a token, and `tokens` more for each table.

    Returns:
        `(batch, length, hidden_dim)`.
    """

    def __init__(self, vectors, changes, directions, **kwargs):
        super().__init__(**kwargs)
        self._vectors = np.asarray(vectors, "float32")
        self._changes = np.asarray(changes, "float32")
        self._directions = np.asarray(directions, "float32")

    def call(self, token_ids):
        """Returns the vectors."""
        vectors = ops.take(self._vectors, token_ids % len(self._vectors), axis=0)
        changes = ops.take(self._changes, token_ids, axis=0)
        return ops.cast(vectors + ops.matmul(changes, self._directions), self.compute_dtype)

    def compute_output_shape(self, token_ids_shape):
        """Shape of the outputs: a vector for each id."""
        return (*token_ids_shape, self._vectors.shape[-1])


def cross_fitted_evidence(encoded, labels, num_classes, tokens, folds, seed=0):
    """Returns how much each token speaks for each class, by all rows and without each fold of them.

    It is the weight that logistic regression gives it in the mean over a sentence: of the piece
    itself and of the strings of three to five letters in it, so that a rare piece has part of what
    was learned of its like. Before, each of both is multiplied by the log ratio of its
    frequencies inside and outside the class, as naive Bayes would weigh it.

    Args:
        encoded: List of arrays of token ids.
        labels: Class of each row, `(rows,)`.
        num_classes: Number of classes.
        tokens: The token of each id, such as `"fine"` and `"##ly"`.
        folds: Number of folds, at least 2.
        seed: Decides which row is in which fold. Defaults to 0.

    Returns:
        float32 `(1 + folds, tokens, num_classes)`, zeros for special tokens; and for each row the
        index of the table that has not seen it, `(rows,)`.

    Example:
    >>> tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "film", "bad"]
    >>> rows = [[2, 5, 6, 3], [2, 7, 6, 3]] * 4
    >>> evidence, unseen = cross_fitted_evidence(rows, [1, 0] * 4, 2, tokens, folds=2)
    >>> evidence.shape, evidence[0, 5:, 1].round().tolist(), sorted(unseen.tolist())
    ((3, 8, 2), [8.0, 0.0, -8.0], [1, 1, 1, 1, 2, 2, 2, 2])

    References:
        Wang and Manning, 2012, "Baselines and bigrams: simple, good sentiment and topic
        classification" (log ratios).
        Bojanowski et al., 2017, "Enriching word vectors with subword information" (strings).
    """
    from scipy.sparse import csr_array, diags_array, hstack

    labels = np.asarray(labels)
    lengths = np.array([max(1, len(ids)) for ids in encoded])
    rows = np.repeat(np.arange(len(encoded)), [len(ids) for ids in encoded])
    columns = np.concatenate(encoded).astype("int64")
    counts = csr_array((np.ones(len(rows)), (rows, columns)), (len(encoded), len(tokens)))
    # Special tokens are in every row or in none.
    of_pieces = diags_array((~np.isin(tokens, SPECIAL_TOKENS)).astype("float64"))
    parts = hstack([of_pieces, _WEIGHT_OF_STRINGS * _strings_of(tokens)]).tocsr()
    means = (diags_array(1 / lengths) @ counts @ parts).tocsr()
    unseen = _folds(labels, folds, seed)
    tables = [
        parts @ _class_weights(means[unseen != table], labels[unseen != table], num_classes)
        for table in range(1 + folds)
    ]
    return np.stack(tables).astype("float32"), unseen


def _folds(labels, folds, seed):
    """Returns the fold of each row, from 1, the labels spread evenly."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    unseen = np.empty(len(labels), "int64")
    unseen[order] = 1 + np.arange(len(labels)) % folds
    return unseen


def _class_weights(means, labels, num_classes):
    """Returns the weight of each input for each class, `(inputs, num_classes)`."""
    weights = np.zeros((means.shape[1], num_classes))
    # Two classes are one question.
    for index in range(1 if num_classes == 2 else 0, num_classes):
        inside = labels == index
        if 0 < inside.sum() < len(inside):
            weights[:, index] = _weights(means, inside)
    if num_classes == 2:
        weights = np.stack([-weights[:, 1], weights[:, 1]], axis=1) / 2
    return weights


def _weights(means, inside):
    """Returns the weight of each input of the regression, naive Bayes's log ratio multiplied in."""
    from scipy.sparse import diags_array
    from sklearn.linear_model import LogisticRegression

    is_present = means > 0
    frequencies = [1 + is_present[chosen].sum(axis=0) for chosen in (inside, ~inside)]
    first, second = (counts / counts.sum() for counts in frequencies)
    ratios = np.log(first / second)
    regression = LogisticRegression(C=_INVERSE_PENALTY, max_iter=200)
    regression.fit((means @ diags_array(ratios)).tocsr(), inside)
    return ratios * regression.coef_[0]


def _strings_of(tokens):
    """Returns which strings each token is made of: a sparse `(tokens, strings)` of 0 and 1."""
    from scipy.sparse import csr_array

    columns, rows, entries = {}, [], []
    for row, token in enumerate(tokens):
        if token in SPECIAL_TOKENS:
            continue
        for string in sorted(letter_strings(token, _STRING_LENGTHS)):
            rows.append(row)
            entries.append(columns.setdefault(string, len(columns)))
    return csr_array((np.ones(len(rows)), (rows, entries)), (len(tokens), len(columns)))
