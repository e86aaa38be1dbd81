"""Recurrent networks and self-attention: recall over a distance, and time against the length.

    python benchmarks/rnn_vs_attention.py --out docs/images/rnn_vs_attention.png

Recall: pairs of a key and a value, then one of the keys alone; the answer is the value that stood
beside it, so and so many pairs before. Each model is one layer of its kind between the same
embedding and the same classifier, trained for the same number of steps on fresh sequences.
Time: one layer, batch 1, a call and a training step as Keras makes them, compiled by XLA, on one
core; of the processor, so that what else runs there does not count.
"""

import argparse
import os
import statistics
import time
from pathlib import Path

import keras
import numpy as np
from cnn_vs_attention import Trainer, with_spread
from timing import medians

from attnzoo import layers
from attnzoo.cli.output import print_table

PAIRS, KEYS, VALUES = 32, 64, 16
DISTANCES = (1, 2, 4, 6, 8, 9, 10, 12, 16, 20, 24, 28, 32)
STEPS, BATCH, HIDDEN, HEADS = 1000, 64, 64, 4
REACH_IN_RECALL, REACH_IN_TIME = 8, 32
LENGTHS = (128, 256, 512, 1024, 2048, 4096)
RIGHT = 0.9  # From here on a model counts as one that has learned to answer.
STYLES = {
    "LSTM": ("#d55e00", "s"),
    "GRU": ("#e69f00", "D"),
    "softmax attention": ("#0072b2", "o"),
    "linear attention": ("#009e73", "^"),
    "window attention": ("#cc79a7", "v"),
}


def main():
    """Trains and times each kind; prints and draws accuracy by distance and time by length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="PNG to draw")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="few seeds, steps, lengths: a trial")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    steps = STEPS // 10 if arguments.quick else STEPS
    seeds = min(arguments.seeds, 2) if arguments.quick else arguments.seeds
    lengths = LENGTHS[:3] if arguments.quick else LENGTHS
    recall = {name: _recall(name, steps, seeds) for name in STYLES}
    seconds = {length: _seconds(length) for length in lengths}

    print_table(
        ["pairs back", *map(str, DISTANCES)],
        [
            (name, *(with_spread(accuracies, digits=0) for accuracies in recall[name]))
            for name in STYLES
        ],
        title=f"Right answers in % (chance {100 / VALUES:.1f}), {steps} steps; "
        f"mean ± standard deviation, {seeds} seeds",
    )
    for call in ("forward", "training step"):
        print_table(
            ["length", *map(str, lengths)],
            [
                (name, *(f"{1000 * seconds[length][name, call]:.2f}" for length in lengths))
                for name in STYLES
            ],
            title=f"Milliseconds of one core, {call}, median",
        )
    print(_reading(recall, seconds, steps))
    if arguments.out:
        _draw(arguments.out, recall, seconds)


def _mixer(name, reach):
    """The layer that is compared: what lets the vectors of a sequence know of each other."""
    if name == "LSTM":
        return keras.layers.LSTM(HIDDEN, return_sequences=True)
    if name == "GRU":
        return keras.layers.GRU(HIDDEN, return_sequences=True)
    if name == "linear attention":
        return layers.LinearSelfAttention(HEADS, causal=True)
    # No positions: what is asked for is found by what it is, not by where it stands.
    window = (reach, 0) if name == "window attention" else None
    return layers.MultiHeadSelfAttention(HEADS, causal=window is None, window=window)


def _recall(name, steps, seeds):
    """Share of right answers for each distance, a list with one number for each seed."""

    def make():
        mixer = _mixer(name, REACH_IN_RECALL)
        if not isinstance(mixer, keras.layers.RNN):
            mixer = layers.TransformerEncoderBlock(intermediate_dim=2 * HIDDEN, attention=mixer)
        return keras.Sequential(
            [
                keras.Input((PAIRS + 1, KEYS + VALUES)),
                keras.layers.Dense(HIDDEN),
                mixer,
                keras.layers.Cropping1D((PAIRS, 0)),  # Only the last vector answers.
                keras.layers.Flatten(),
                layers.LayerNormalization(),
                keras.layers.Dense(VALUES),
            ]
        )

    trainer = Trainer(make, steps, BATCH)
    accuracies = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        count = steps * BATCH
        trainer.train(*_sequences(count, rng.integers(1, PAIRS + 1, size=count), rng), seed)
        tests = [_sequences(512, distance, rng) for distance in DISTANCES]
        accuracies.append([trainer.accuracy(*test) for test in tests])
    return list(zip(*accuracies, strict=True))


def _sequences(count, distance, rng):
    """Pairs of a key and a value, each as one vector, then a key alone; and the value it had.

    Args:
        count: Number of sequences.
        distance: How many pairs back the key stands, one number for all or for each.
        rng: NumPy generator.
    """
    keys = rng.permuted(np.tile(np.arange(KEYS), (count, 1)), axis=1)[:, :PAIRS]
    values = rng.integers(VALUES, size=(count, PAIRS))
    rows, asked = np.arange(count), PAIRS - np.broadcast_to(distance, count)
    inputs = np.zeros((count, PAIRS + 1, KEYS + VALUES), "float32")
    inputs[rows[:, None], np.arange(PAIRS), keys] = 1.0
    inputs[rows[:, None], np.arange(PAIRS), KEYS + values] = 1.0
    inputs[rows, PAIRS, keys[rows, asked]] = 1.0
    return inputs, values[rows, asked]


def _seconds(length):
    """Median seconds of each kind's call and training step on one sequence of a length."""
    states = np.random.default_rng(0).normal(size=(1, length, HIDDEN)).astype("float32")
    rivals = {}
    for name in STYLES:
        model = keras.Sequential([keras.Input((length, HIDDEN)), _mixer(name, REACH_IN_TIME)])
        model.compile("sgd", "mse", jit_compile=True)
        rivals[name, "forward"] = lambda m=model: m.predict_on_batch(states)
        rivals[name, "training step"] = lambda m=model: m.train_on_batch(states, states)
    return medians(rivals, repeats=7 if length > 1000 else 21, clock=time.process_time)


def _reading(recall, seconds, steps):
    """What the numbers say, in words."""
    lines = [f"Recall after {steps} steps, chance {100 / VALUES:.1f} %:"]
    for name in STYLES:
        means = [statistics.mean(accuracies) for accuracies in recall[name]]
        lines.append(
            f"  {name}: {_where_right(means)} ({means[0]:.0%} at {DISTANCES[0]}, "
            f"{means[-1]:.0%} at {DISTANCES[-1]} pairs back)."
        )
    shorter, longest = list(seconds)[-2:]
    for call in ("forward", "training step"):
        lines.append(f"Time, {call}, at length {longest}, and how it grew from {shorter}:")
        softmax = seconds[longest]["softmax attention", call]
        for name in STYLES:
            now = seconds[longest][name, call]
            growth = now / seconds[shorter][name, call]
            lines.append(
                f"  {name}: {now / softmax:.2f} of softmax attention, {growth:.1f} times as long "
                f"for {longest // shorter} times the length."
            )
    return "\n".join(lines)


def _where_right(means):
    right = [d for d, mean in zip(DISTANCES, means, strict=True) if mean >= RIGHT]
    if len(right) == len(DISTANCES):
        return f"at least {RIGHT:.0%} right at every distance"
    if not right:
        return f"below {RIGHT:.0%} at every distance"
    return f"at least {RIGHT:.0%} right only at {', '.join(map(str, right))} pairs back"


def _draw(path, recall, seconds):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for name, (color, marker) in STYLES.items():
        accuracies = 100 * np.array(recall[name])
        left.errorbar(
            DISTANCES,
            accuracies.mean(1),
            accuracies.std(1, ddof=1) if accuracies.shape[1] > 1 else None,
            color=color,
            marker=marker,
            markersize=4,
            capsize=2,
            label=name,
        )
        for axes, call in ((middle, "forward"), (right, "training step")):
            milliseconds = [1000 * times[name, call] for times in seconds.values()]
            axes.loglog(list(seconds), milliseconds, color=color, marker=marker, markersize=4)
    left.axhline(100 / VALUES, color="grey", linestyle=":", linewidth=1)
    left.annotate("chance", (0.5, 100 / VALUES - 0.5), fontsize=8, color="grey", va="top")
    left.set(xlabel="pairs back", ylabel="right answers, %", ylim=(0, 104))
    left.set_title("recall", fontsize=11)
    for axes, call in ((middle, "forward"), (right, "training step")):
        axes.set_xticks(list(seconds), [str(length) for length in seconds])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.minorticks_off()
        axes.set(xlabel="length", ylabel="milliseconds")
        axes.set_title(f"time, {call}", fontsize=11)
    for axes in figure.axes:
        axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", ncols=len(STYLES), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
