"""What a training run was: one row for each epoch, the best epoch, and its files."""

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class History:
    """What `training.fit` returns.

    Args:
        rows: One dict for each epoch: `epoch` from 0, losses and metrics.
        best_epoch: The epoch whose weights were kept.
        pipeline: The trained pipeline, with those weights.
        seconds: Wall time of this process's part of the training.
        monitor: Name of the metric that chose the best epoch. Defaults to `"val_accuracy"`.
    """

    rows: list[dict]
    best_epoch: int
    pipeline: object
    seconds: float
    monitor: str = "val_accuracy"

    @property
    def history(self):
        """Dict from name to the list of its values, as Keras's own `History.history`."""
        return {name: [row[name] for row in self.rows] for name in self.rows[0]}

    @property
    def best(self):
        """The row of the best epoch."""
        return self.rows[self.best_epoch]


def read_history(path):
    """Returns the rows of a `history.csv`, or none where there is no file."""
    if not Path(path).is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [
            {name: int(value) if name == "epoch" else float(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


def write_history(path, rows):
    """Writes the rows to `history.csv`, at once: a reader sees the old file or the new one."""
    partial = Path(path).with_name(f".partial-{Path(path).name}")
    with open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else ["epoch"])
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(path)


def plot_history(path, rows, best_epoch, monitor="val_accuracy"):
    """Draws the loss and what chose the weights over the epochs to a PNG.

    Args:
        path: The PNG.
        rows: Rows of a history.
        best_epoch: The epoch to mark.
        monitor: Name of the validation metric that chose; if it is the loss, accuracy is drawn too
            where there is one. Defaults to `"val_accuracy"`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [row["epoch"] + 1 for row in rows]
    chosen_by = monitor.removeprefix("val_")
    if chosen_by == "loss" and "accuracy" in rows[0]:
        chosen_by = "accuracy"
    for axes, metric in zip(figure.subplots(1, 2), ("loss", chosen_by), strict=True):
        for name, label, style in (
            (metric, "training", "--"),
            (f"val_{metric}", "validation", "-"),
        ):
            if name in rows[0]:
                axes.plot(epochs, [row[name] for row in rows], style, marker=".", label=label)
        axes.axvline(best_epoch + 1, color="grey", linewidth=0.8, label="kept")
        axes.set_xlabel("epoch")
        axes.set_ylabel(metric)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend()
    figure.savefig(path, dpi=120)
