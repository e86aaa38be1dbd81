"""A small sentiment classifier that learns phrases from a large one.

    python examples/distil_sentiment.py --teacher runs/minilm_sst2 --data ../shared/data/sst2 \
        --out runs/student_sst2

Random phrases of the training sentences are labelled by the teacher; those that it is sure of are
learned beside the sentences with their own labels. No weight of the teacher is copied. The epoch is
chosen on the validation split; `attnzoo evaluate` scores the test split.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from attnzoo import training, zoo


def main():
    """Writes what is to be learned to OUT/data, and trains OUT/run on it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", required=True, help="a folder of `attnzoo train`")
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", default="sentiment_classifier/small")
    parser.add_argument("--recipe", default="few")
    parser.add_argument("--phrases", type=int, default=8, help="phrases of each sentence")
    parser.add_argument("--sure", type=float, default=0.8, help="least probability of a label")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()

    data = training.load_data(arguments.data)
    sentences = list(data.train.inputs())
    phrases = sorted(random_phrases(sentences, arguments.phrases, arguments.seed) - {*sentences})
    taught = [
        (prediction.label, phrase)
        for phrase, prediction in zip(phrases, zoo.load(arguments.teacher)(phrases), strict=True)
        if prediction.probability >= arguments.sure
    ]
    print(f"The teacher is sure of {len(taught):,} of {len(phrases):,} phrases")

    folder = arguments.out / "data"
    write(folder / "train.tsv", [*rows(data.train), *taught])
    write(folder / "dev.tsv", rows(data.validation))
    history = training.fit(
        arguments.model,
        training.load_data(str(folder)),
        recipe=arguments.recipe,
        out=arguments.out / "run",
        seed=arguments.seed,
        verbose=2,
    )
    print(
        f"Validation accuracy {history.best['val_accuracy']:.2%}, saved to {arguments.out / 'run'}"
    )


def random_phrases(sentences, count, seed):
    """Returns a set of runs of neighbouring words, `count` drawn from each sentence."""
    generator = np.random.default_rng(seed)
    phrases = set()
    for sentence in sentences:
        words = sentence.split()
        for _ in range(count):
            length = generator.integers(1, max(2, len(words)))
            begin = generator.integers(0, len(words) - length + 1)
            phrases.add(" ".join(words[begin : begin + length]))
    return phrases


def rows(split):
    """Yields `(label, text)` of a split."""
    for label, text in zip(split.labels, split.inputs(), strict=True):
        yield split.label_names[label], text


def write(path, lines):
    """Writes lines of label and text as TSV with a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(("label", "text"))
        writer.writerows(lines)


if __name__ == "__main__":
    main()
