"""Labels of the papers of Cora by attention along their citations, over several seeds.

    python benchmarks/cora.py --data ../shared/data/planetoid_cora

The fixed split of Planetoid: 140 papers to learn from, 500 to choose the epoch by, 1,000 to report
on, which are scored once, when a run is over.
"""

import argparse
import statistics
import time

from attnzoo import training
from attnzoo.cli.output import print_table

MODEL = "graph_classifier/cora"


def main():
    """Trains, and prints validation and test accuracy with mean and spread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of ind.cora.x and seven more files")
    parser.add_argument("--recipe", default="nodes")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    arguments = parser.parse_args()
    data = training.load_data(arguments.data, "graph_classification")
    rows, accuracies = [], []
    for seed in arguments.seeds:
        processor = time.process_time()
        history = training.fit(MODEL, data, recipe=arguments.recipe, seed=seed, verbose=0)
        processor = time.process_time() - processor
        test = training.evaluate(history.pipeline, data.test).accuracy
        accuracies.append((history.best["val_accuracy"], test))
        rows.append(
            (
                f"seed {seed}",
                *(f"{accuracy:.1%}" for accuracy in accuracies[-1]),
                len(history.rows),
                f"{history.seconds:.0f}",
                f"{processor:.0f}",
            )
        )
        print(*rows[-1], flush=True)
    if len(accuracies) > 1:
        columns = zip(*accuracies, strict=True)
        spreads = [f"{statistics.mean(c):.2%} ± {statistics.stdev(c):.2%}" for c in columns]
        rows.append(("mean ± standard deviation", *spreads, "", "", ""))
    columns = ["", "validation accuracy", "test accuracy", "epochs", "seconds", "CPU seconds"]
    print_table([MODEL, *columns[1:]], rows)


if __name__ == "__main__":
    main()
