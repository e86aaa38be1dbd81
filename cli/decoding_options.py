"""The arguments that say how transcripts are read from the logits of CTC."""

import re
from pathlib import Path

from .types import positive_integer


def add_decoding_arguments(parser):
    """Adds `--lexicon` and what goes with it."""
    group = parser.add_argument_group("decoding of transcripts (default: the best path)")
    group.add_argument("--beam", type=positive_integer, metavar="N", help="keep N beginnings")
    group.add_argument(
        "--lexicon",
        metavar="FILE",
        help="only words of this file, the first of each line; a dictionary such as an4.dic may be "
        "one",
    )
    group.add_argument(
        "--bigrams",
        metavar="SPEC",
        help="weigh words by what follows what in the training transcripts of this data; without "
        "--lexicon their words are the lexicon",
    )
    group.add_argument(
        "--language-weight", type=float, metavar="W", help="weight of --bigrams (default: 0.5)"
    )


def set_decoder(predictor, arguments):
    """Gives a predictor the decoder that the arguments ask for, if they do.

    Raises:
        ValueError: If the predictor gives no transcripts, or the arguments do not go together.
    """
    given = {
        name: getattr(arguments, name)
        for name in ("beam", "lexicon", "bigrams", "language_weight")
        if getattr(arguments, name) is not None
    }
    if not given:
        return
    from ..zoo.ctc_decoding import BeamDecoder, Bigrams, LexiconDecoder
    from ..zoo.symbols import is_ctc

    if not is_ctc(predictor.labels):
        raise ValueError(f"Expected {sorted(given)} only for a model that gives transcripts.")
    if "language_weight" in given and "bigrams" not in given:
        raise ValueError("Expected `--language-weight` only with `--bigrams SPEC`.")
    beam = {"beam": given["beam"]} if "beam" in given else {}
    if "lexicon" not in given and "bigrams" not in given:
        predictor.task = predictor.task.with_decoder(BeamDecoder(**beam))
        return
    texts = _training_texts(given["bigrams"], predictor) if "bigrams" in given else []
    words = {word for text in texts for word in text.split()}
    if "lexicon" in given:
        words = read_lexicon(given["lexicon"])
    options = {}
    if texts:
        options["bigrams"] = Bigrams(texts, words)
    if "language_weight" in given:
        options["language_weight"] = given["language_weight"]
    decoder = LexiconDecoder(words, predictor.labels, **options, **beam)
    predictor.task = predictor.task.with_decoder(decoder)


def read_lexicon(path):
    """Returns the words of a file: the first of each line, without a variant's `(2)`.

    Raises:
        ValueError: If there are none.
    """
    text = Path(path).expanduser().read_text(encoding="utf-8")
    lines = (line.split() for line in text.splitlines())
    words = {re.sub(r"\(\d+\)$", "", fields[0]) for fields in lines if fields}
    if not words:
        raise ValueError(f"Expected words in {path}; there are none.")
    return words


def _training_texts(spec, predictor):
    from .. import training
    from ..zoo.symbols import text_of

    split = training.load_split(spec, predictor.labels, "train", predictor.task.name)
    return [text_of(row) for row in split.row_labels()]
