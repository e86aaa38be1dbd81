"""Named entities in BIO tags: what is valid, and strict precision, recall and F1 by `seqeval`."""

from .sources import DataError

_PREFIXES = ("B", "I", "E", "S", "L", "U")


def is_entity_scheme(labels):
    """Returns whether labels mark entities: `O`, and the rest with prefixes such as `B-`.

    Args:
        labels: Names of the labels.

    Example:
    >>> is_entity_scheme(["O", "B-person", "I-person"]), is_entity_scheme(["NOUN", "VERB"])
    (True, False)
    """
    others = [label for label in labels if label != "O"]
    return len(others) < len(labels) and bool(others) and all(map(_is_prefixed, others))


def _is_prefixed(label):
    prefix, dash, kind = label.partition("-")
    return bool(dash and kind) and prefix in _PREFIXES


def checked_entities(source):
    """Yields the rows of a source; raises where an entity goes on that has not begun.

    In BIO, `I-person` follows `B-person` or `I-person`. A source that marks entities by `I-` alone
    (IO) is valid; so are BIOES and BILOU.

    Args:
        source: Iterable of `Row` of words and labels.

    Raises:
        DataError: After the last row, naming the first place that is wrong.
    """
    marks_beginnings, wrong = False, None
    for row in source:
        yield row
        if is_entity_scheme([*row.label, "O"]):
            marks_beginnings |= any(label[0] in "BSU" for label in row.label)
            wrong = wrong or _wrong_continuation(row)
    if marks_beginnings and wrong:
        raise DataError(wrong)


def _wrong_continuation(row):
    previous = "O"
    for word, label in zip(row.input, row.label, strict=True):
        goes_on = label[0] in "IEL"
        if goes_on and not (previous[0] in "BI" and previous[2:] == label[2:]):
            return (
                f"Expected an entity to begin with B-{label[2:]} before it goes on. Received: "
                f"{label!r} after {previous!r} at the word {word!r} of the sentence at {row.origin}"
            )
        previous = label
    return None


def score_entities(true, predicted):
    """Scores entities that must agree in type and both ends.

    Args:
        true: A list of labels for each sentence.
        predicted: The same of the predictions.

    Returns:
        Dict from each type, and `"all"`, to `precision`, `recall`, `f1` and `support`.

    Example:
    >>> scores = score_entities([["B-x", "I-x", "O", "B-y"]], [["B-x", "O", "O", "B-y"]])
    >>> scores["all"]["f1"], scores["y"]["f1"], scores["x"]["support"]
    (0.5, 1.0, 1.0)

    References:
        Nakayama, 2018, `seqeval`; Tjong Kim Sang and De Meulder, 2003, CoNLL-2003 (exact match).
    """
    from seqeval.metrics import classification_report
    from seqeval.scheme import BILOU, IOB2, IOBES

    prefixes = {label[0] for labels in true for label in labels}
    if prefixes & set("LU"):
        scheme = BILOU
    elif prefixes & set("ES"):
        scheme = IOBES
    else:
        scheme = IOB2
    report = classification_report(
        true, predicted, output_dict=True, mode="strict", scheme=scheme, zero_division=0
    )
    report["all"] = report.pop("micro avg")
    return {
        kind: {
            "precision": float(of["precision"]),
            "recall": float(of["recall"]),
            "f1": float(of["f1-score"]),
            "support": float(of["support"]),
        }
        for kind, of in report.items()
        if not kind.endswith(" avg")
    }
