"""What the verbs print: tables for people, JSON for machines."""

import json
import sys


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
    """Prints the commands that one would give next, ready to paste."""
    print("\nNext:")
    for command in commands:
        print(f"  {command}")


def print_evaluation(evaluation):
    """Prints metrics and the confusion matrix."""
    print(
        f"accuracy {evaluation.accuracy:.2%}, macro-F1 {evaluation.macro_f1:.2%}, "
        f"{evaluation.rows} rows"
    )
    columns = ["true \\ predicted", *evaluation.labels, "precision", "recall", "F1"]
    rows = []
    for label, counts in zip(evaluation.labels, evaluation.confusion, strict=True):
        of = evaluation.per_label[label]
        shares = [f"{of[name]:.1%}" for name in ("precision", "recall", "f1")]
        rows.append([label, *map(str, counts), *shares])
    print_table(columns, rows)


def print_report(report):
    """Prints the checks of a verification."""
    rows = [
        ("ok" if check.passed else "FAIL", check.variant, check.name, check.detail)
        for check in report.checks
    ]
    print_table(["", "variant", "check", "found"], rows)
