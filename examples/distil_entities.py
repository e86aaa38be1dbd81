"""A small tagger of entities that learns from sentences which a large one has tagged.

    python examples/distil_entities.py --teacher runs/minilm_wnut17 --data ../shared/data/wnut17 \
        --sentences ../shared/data/ud_english_ewt --out runs/student_wnut17

The teacher tags the words of another data set, whose own tags are ignored; the sentences that it is
sure of are learned beside those of the data. No weight of the teacher is copied. The epoch is
chosen on the validation split; `attnzoo evaluate` scores the test split.
"""

import argparse
from pathlib import Path

from attnzoo import training, zoo

TASK = "token_classification"


def main():
    """Writes what is to be learned to OUT/data, and trains OUT/run on it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", required=True, help="a folder of `attnzoo train`")
    parser.add_argument("--data", required=True, help="sentences with their tags")
    parser.add_argument("--sentences", required=True, help="sentences for the teacher to tag")
    parser.add_argument("--model", default="sequence_tagger/small")
    parser.add_argument("--recipe", help="default: that of the model")
    parser.add_argument("--sure", type=float, default=0.5, help="least probability of each tag")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()

    data = training.load_data(arguments.data, TASK)
    sentences = list(training.load_data(arguments.sentences, TASK).train.inputs())
    taught = [
        ([word.word for word in tagged_text.words], begun(tagged_text.labels))
        for tagged_text in zoo.load(arguments.teacher)(sentences)
        if min(word.probability for word in tagged_text.words) >= arguments.sure
    ]
    print(f"The teacher is sure of {len(taught):,} of {len(sentences):,} sentences")

    folder = arguments.out / "data"
    write(folder / "train.conll", [*tagged(data.train), *taught])
    write(folder / "dev.conll", tagged(data.validation))
    history = training.fit(
        arguments.model,
        training.load_data(str(folder), TASK),
        recipe=arguments.recipe,
        out=arguments.out / "run",
        seed=arguments.seed,
        verbose=2,
    )
    print(f"Validation F1 {history.best['val_f1']:.2%}, saved to {arguments.out / 'run'}")


def tagged(split):
    """Yields the words of each sentence of a split, and their tags."""
    for words, labels in zip(split.inputs(), split.labels, strict=True):
        yield words, [split.label_names[label] for label in labels]


def begun(labels):
    """Returns labels of which each entity begins with a B, which a tagger may have left out."""
    mended, before = [], "O"
    for label in labels:
        prefix, _, kind = label.partition("-")
        if prefix == "I" and before.partition("-")[2] != kind:
            label = f"B-{kind}"
        mended.append(label)
        before = label
    return mended


def write(path, sentences):
    """Writes sentences in the format of CoNLL: a word and its tag a line, an empty one between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for words, tags in sentences:
            for word, tag in zip(words, tags, strict=True):
                file.write(f"{word}\t{tag}\n")
            file.write("\n")


if __name__ == "__main__":
    main()
