"""A sentiment classifier from scratch over several seeds, against TF-IDF with logistic regression.

    python benchmarks/sentiment.py --data ../shared/data/sst2 --seeds 0 1 2 --out runs/sst2

The epoch is chosen on the validation split; the test split is scored once, at the end.
"""

import argparse
import statistics
from pathlib import Path

from attnzoo import training
from attnzoo.cli.output import print_table


def main():
    """Trains, and prints validation and test accuracy with mean and spread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="demo")
    parser.add_argument("--model", default="sentiment_classifier/small")
    parser.add_argument("--recipe", default="scratch")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, required=True, help="folder for a run of each seed")
    arguments = parser.parse_args()
    data = training.load_data(arguments.data)
    validation, test = _baseline(data)
    rows = [("TF-IDF + logistic regression", f"{validation:.2%}", f"{test:.2%}", "")]
    results = []
    for seed in arguments.seeds:
        history = training.fit(
            arguments.model,
            data,
            recipe=arguments.recipe,
            out=arguments.out / f"seed{seed}",
            seed=seed,
            verbose=2,
        )
        accuracies = [
            training.evaluate(history.pipeline, split).accuracy
            for split in (data.validation, data.test)
        ]
        results.append(accuracies)
        name = f"{arguments.model}, seed {seed}"
        rows.append((name, *(f"{a:.2%}" for a in accuracies), f"{history.seconds:.0f}"))
    if len(results) > 1:
        rows.append(("mean ± standard deviation", *map(_spread, zip(*results, strict=True)), ""))
    print_table(["model", "validation accuracy", "test accuracy", "seconds"], rows)


def _baseline(data):
    """Returns validation and test accuracy of words and pairs of words, weighted by rarity."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True),
        LogisticRegression(C=10, max_iter=1000),
    )
    model.fit(list(data.train.inputs()), data.train.labels)
    return [
        model.score(list(split.inputs()), split.labels) for split in (data.validation, data.test)
    ]


def _spread(values):
    return f"{statistics.mean(values):.2%} ± {statistics.stdev(values):.2%}"


if __name__ == "__main__":
    main()
