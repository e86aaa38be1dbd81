"""What truncated attention costs in words: error rate against context, style and latency.

    python benchmarks/speech_context.py --run runs/an4_contexts --data ../shared/data/an4

One model, trained with several context sizes, takes each of them in turn, and others that it was
not trained with (marked so). The validation split shows what to choose, the test split what it is
worth.
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from attnzoo import training, zoo
from attnzoo.cli.output import print_table
from attnzoo.zoo.builder import rebuild

STYLES = ("chunked_limited", "regular")


def main():
    """Scores every context, prints a table and draws it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, help="folder of a trained speech encoder with CTC")
    parser.add_argument("--full", help="folder of one trained with attention to all, to compare")
    parser.add_argument("--data", required=True)
    parser.add_argument("--left", type=int, nargs="+", default=[32])
    parser.add_argument("--right", type=int, nargs="+", default=[0, 1, 3, 7, 15])
    parser.add_argument("--out", help="where to write the picture")
    arguments = parser.parse_args()
    pipeline = zoo.load(arguments.run)
    splits = [
        training.load_split(arguments.data, pipeline.labels, name, task=pipeline.task.name)
        for name in ("validation", "test")
    ]
    results = []
    for style in STYLES:
        for left in arguments.left:
            for right in arguments.right:
                results.append(measured(pipeline, splits, (left, right), style))
                print(*results[-1], flush=True)
    results.append(measured(pipeline, splits, None, "regular"))
    if arguments.full:
        results.append(measured(zoo.load(arguments.full), splits, None, "regular", "trained so"))
    print_table(
        ["style", "left", "right", "look-ahead", "latency", "trained", "validation", "test WER"],
        [as_row(*result) for result in results],
    )
    if arguments.out:
        draw(arguments.out, results)


def measured(pipeline, splits, context, style, trained=None):
    """Scores the model with one context.

    Returns:
        Style, context, look-ahead and latency in milliseconds (None without end), how the model was
        trained, and the word error rate of each split.
    """
    config = pipeline.config
    if trained is None:
        known = style == config.att_context_style and context in config.contexts
        trained = "with it" if known else "with others"
    model = rebuild(pipeline.model, att_context_size=context, att_context_style=style)
    other = zoo.Pipeline(model, pipeline.preprocessor, pipeline.labels)
    lookahead = latency = None
    if context is not None:
        vector_ms = config.subsampling * config.hop_milliseconds
        chunk = context[1] + 1 if style == "chunked_limited" else 1
        stream = zoo.StreamingEncoder(model, chunk)
        latency = stream.latency_ms
        lookahead = latency - vector_ms
    errors = [training.evaluate(other, split).wer for split in splits]
    return style, context, lookahead, latency, trained, *errors


def as_row(style, context, lookahead, latency, trained, validation, test):
    """Returns a measured context as the cells of a table."""
    if context is None:
        return "full attention", "all", "all", "all", "all", trained, *shares(validation, test)
    milliseconds = (f"{lookahead} ms", f"{latency} ms")
    return style, *map(str, context), *milliseconds, trained, *shares(validation, test)


def shares(*values):
    """Returns shares as per cent."""
    return tuple(f"{value:.1%}" for value in values)


def draw(path, results):
    """Draws test error against latency, a line for each style, and full attention as a level."""
    figure, axes = plt.subplots(figsize=(6.4, 4))
    for style in STYLES:
        points = sorted((r[3], 100 * r[6]) for r in results if r[0] == style and r[1] is not None)
        axes.plot(*zip(*points, strict=True), marker="o", label=style)
    for result, dashes in zip([r for r in results if r[1] is None], ("--", ":"), strict=False):
        label = f"full attention, {'other' if result[4] != 'with others' else 'the same'} model"
        axes.axhline(100 * result[6], color="grey", linestyle=dashes, label=label)
    axes.set_xscale("log")
    axes.set_xlabel("latency in milliseconds: from what is said to its answer, at most")
    axes.set_ylabel("word error rate on the test split in %")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
