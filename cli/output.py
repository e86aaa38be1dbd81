"""What the verbs print: tables for people, JSON for machines."""

import json
import os
import shutil
import sys
from pathlib import Path


def print_json(value):
    """Prints a value as JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns, rows, title=None):
    """Prints rows of strings as a table, as wide as it must be where it is not a terminal."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell).replace("[", r"\[") for cell in row))
    console.print(table)


def print_next(*commands):
    """Prints the arguments of the commands that one would give next, ready to paste."""
    print("\nNext:")
    for command in commands:
        print(f"  {program()} {command}")


def program():
    """Returns how this program is called from where we are: by name if that is on the PATH."""
    started = Path(sys.argv[0])
    on_path = shutil.which("attnzoo")
    if started.name != "attnzoo" or (on_path and Path(on_path).samefile(started)):
        return "attnzoo"
    return os.path.relpath(started)


def print_transcript_errors(errors):
    """Prints the error rates of transcripts."""
    print(
        f"WER {errors.wer:.2%}, CER {errors.cer:.2%}, {errors.sentence_errors:.2%} of "
        f"{errors.rows} recordings with an error"
    )
    print(
        f"{errors.words} words: {errors.substitutions} substituted, {errors.deletions} deleted, "
        f"{errors.insertions} inserted"
    )


def print_evaluation(evaluation):
    """Prints metrics, the confusion matrix, and the scores of entities where labels mark some.

    Of transcripts the error rates, see `print_transcript_errors`.
    """
    from ..training import TranscriptEvaluation

    if isinstance(evaluation, TranscriptEvaluation):
        print_transcript_errors(evaluation)
        return
    print(
        f"accuracy {evaluation.accuracy:.2%}, macro-F1 {evaluation.macro_f1:.2%}, "
        f"{evaluation.rows} rows"
    )
    columns = ["true \\ predicted", *evaluation.labels, *_SHARES]
    rows = []
    for label, counts in zip(evaluation.labels, evaluation.confusion, strict=True):
        rows.append([label, *map(str, counts), *_shares(evaluation.per_label[label])])
    print_table(columns, rows)
    if evaluation.entities is not None:
        rows = [
            [kind, *_shares(of), f"{of['support']:.0f}"] for kind, of in evaluation.entities.items()
        ]
        print_table(["entities, strict", *_SHARES, "entities"], rows)


_SHARES = ("precision", "recall", "f1")


def _shares(scores):
    return [f"{scores[name]:.1%}" for name in _SHARES]


def print_report(report):
    """Prints the checks of a verification."""
    rows = [(check.verdict, check.variant, check.name, check.detail) for check in report.checks]
    print_table(["", "variant", "check", "found"], rows)
