"""A tagger from scratch over several seeds, against each word's most frequent tag.

    python benchmarks/tagger.py --data ../shared/data/ud_english_ewt --seeds 0 --out runs/ewt

The epoch is chosen on the validation split; the test split is scored once, at the end.
"""

import argparse
import statistics
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from attnzoo import training
from attnzoo.cli.output import print_table
from attnzoo.training.entities import is_entity_scheme, score_entities


def main():
    """Trains, and prints validation and test scores with mean and spread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="demo")
    parser.add_argument("--model", default="sequence_tagger/small")
    parser.add_argument("--recipe", default="scratch")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for a run of each seed")
    arguments = parser.parse_args()
    data = training.load_data(arguments.data, "token_classification")
    metric = "entity F1" if is_entity_scheme(data.label_names) else "accuracy"
    rows = [("most frequent tag", *(f"{score:.2%}" for score in _baseline(data)), "")]
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
        scores = [
            _score(training.evaluate(history.pipeline, split))
            for split in (data.validation, data.test)
        ]
        results.append(scores)
        name = f"{arguments.model}, seed {seed}"
        rows.append((name, *(f"{score:.2%}" for score in scores), f"{history.seconds:.0f}"))
    if len(results) > 1:
        rows.append(("mean ± standard deviation", *map(_spread, zip(*results, strict=True)), ""))
    print_table(["model", f"validation {metric}", f"test {metric}", "seconds"], rows)


def _score(evaluation):
    entities = evaluation.entities
    return evaluation.accuracy if entities is None else entities["all"]["f1"]


def _baseline(data):
    """Returns validation and test score of giving each word its most frequent tag in training."""
    counts, every = defaultdict(Counter), Counter()
    names = np.array(data.label_names)
    for words, row in zip(data.train.inputs(), data.train.labels, strict=True):
        every.update(names[row].tolist())
        for word, label in zip(words, names[row].tolist(), strict=True):
            counts[word][label] += 1
    unseen = every.most_common(1)[0][0]
    best = {word: of.most_common(1)[0][0] for word, of in counts.items()}
    scores = []
    for split in (data.validation, data.test):
        true = [names[row].tolist() for row in split.labels]
        guessed = [[best.get(word, unseen) for word in words] for words in split.inputs()]
        if is_entity_scheme(data.label_names):
            scores.append(score_entities(true, guessed)["all"]["f1"])
        else:
            scores.append(np.mean(np.concatenate(true) == np.concatenate(guessed)))
    return scores


def _spread(values):
    return f"{statistics.mean(values):.2%} ± {statistics.stdev(values):.2%}"


if __name__ == "__main__":
    main()
