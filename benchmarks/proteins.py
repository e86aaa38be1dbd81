"""Enzyme or not: labels of whole proteins, by 10-fold cross-validation.

    python benchmarks/proteins.py --data ../shared/data/tu_proteins

Of each fold's training graphs a tenth, of each label the same share, is held out: it chooses the
epoch and, among the candidates, the model. The test graphs of the fold are scored once, by the
model that was chosen.

References:
    Errica et al., 2020, "A fair comparison of graph neural networks for graph classification".
"""

import argparse
import statistics
import time

import numpy as np
from sklearn.model_selection import StratifiedKFold

from attnzoo import training
from attnzoo.cli.output import print_table
from attnzoo.training.held_out import stratified_selection
from attnzoo.training.sources import open_graphs

MODEL = "graph_classifier/proteins"
CANDIDATES = {"gatv2": {"score": "gatv2"}, "dot": {"score": "dot"}}
FOLDS = 10


def main():
    """Trains, and prints validation and test accuracy of each fold with mean and spread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of PROTEINS_full_A.txt and others")
    parser.add_argument("--recipe", default="scratch")
    parser.add_argument("--candidates", nargs="+", default=list(CANDIDATES), choices=CANDIDATES)
    parser.add_argument("--seed", type=int, default=0, help="of the folds and of the training")
    arguments = parser.parse_args()
    rows, accuracies = [], []
    for fold, data in enumerate(folds(arguments.data, arguments.seed), 1):
        started = time.perf_counter()
        histories = {
            name: training.fit(
                MODEL,
                data,
                recipe=arguments.recipe,
                seed=arguments.seed,
                verbose=0,
                **CANDIDATES[name],
            )
            for name in arguments.candidates
        }
        chosen = max(histories, key=lambda name: histories[name].best["val_accuracy"])
        history = histories[chosen]
        test = training.evaluate(history.pipeline, data.test).accuracy
        accuracies.append((history.best["val_accuracy"], test))
        seconds = time.perf_counter() - started
        shown = [f"{accuracy:.1%}" for accuracy in accuracies[-1]]
        rows.append((f"fold {fold}", *shown, chosen, len(history.rows), f"{seconds:.0f}"))
        print(*rows[-1], flush=True)
    columns = zip(*accuracies, strict=True)
    spreads = [f"{statistics.mean(c):.2%} ± {statistics.stdev(c):.2%}" for c in columns]
    rows.append(("mean ± standard deviation", *spreads, "", "", ""))
    print_table(
        [MODEL, "validation accuracy", "test accuracy", "chosen", "epochs", "seconds"], rows
    )


def folds(spec, seed):
    """Yields the `Data` of each fold."""
    (source,) = open_graphs(spec)[0].values()
    names = sorted({row.label for row in source})
    labels = np.array([names.index(row.label) for row in source], "int32")
    parts = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(labels, labels)
    for train_rows, test_rows in parts:
        held_out = stratified_selection(labels[train_rows], 0.1, seed)
        rows = {
            "train": train_rows[~held_out],
            "validation": train_rows[held_out],
            "test": test_rows,
        }
        splits = {}
        for name, indices in rows.items():
            selection = np.zeros(len(labels), bool)
            selection[indices] = True
            splits[name] = training.Split(name, source, labels[selection], selection)
        yield training.Data(spec, "graph_classification", names, **splits)


if __name__ == "__main__":
    main()
