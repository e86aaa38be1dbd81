"""Errors in transcripts, counted by jiwer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TranscriptEvaluation:
    """How far transcripts are from what was said.

    Args:
        rows: Number of recordings.
        wer: Word error rate: substitutions, deletions and insertions, for each word that was said.
        cer: The same of characters, spaces among them.
        substitutions: Words heard as other words.
        deletions: Words not heard.
        insertions: Words heard that were not said.
        words: Words that were said.
        sentence_errors: Share of recordings with an error.
    """

    rows: int
    wer: float
    cer: float
    substitutions: int
    deletions: int
    insertions: int
    words: int
    sentence_errors: float

    def to_dict(self):
        """Returns a JSON-like dict."""
        return dict(self.__dict__)


def count_errors(said, heard):
    """Compares what was heard with what was said, text by text.

    Example:
    >>> errors = count_errors(["go on", "stop"], ["go", "stop it"])
    >>> errors.wer, errors.deletions, errors.insertions, errors.sentence_errors
    (0.6666666666666666, 1, 1, 1.0)
    """
    import jiwer

    words = jiwer.process_words(said, heard)
    characters = jiwer.process_characters(said, heard)
    return TranscriptEvaluation(
        rows=len(said),
        wer=words.wer,
        cer=characters.cer,
        substitutions=words.substitutions,
        deletions=words.deletions,
        insertions=words.insertions,
        words=words.hits + words.substitutions + words.deletions,
        sentence_errors=sum(a != b for a, b in zip(said, heard, strict=True)) / len(said),
    )
