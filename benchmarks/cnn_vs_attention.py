"""A CNN, a strictly local CNN and self-attention on a training set that grows: handwritten digits.

    python benchmarks/cnn_vs_attention.py --out docs/images/cnn_vs_attention.png

Every model is trained from scratch for the same number of steps, without augmentation, on the same
images, and once more on images whose pixels are permuted, all images alike: that takes nothing away
but what is next to what.
"""

import argparse
import statistics
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np

from attnzoo import layers
from attnzoo.cli.output import print_table

SIZES = (50, 100, 200, 500, 1400)
STEPS, BATCH = 400, 32
COLORS = {"CNN": "#0072b2", "local CNN": "#d55e00", "attention": "#009e73"}


def main():
    """Trains each model on each number of images; prints and draws test accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="PNG to draw")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few sizes, seeds and steps: a trial")
    arguments = parser.parse_args()
    sizes = SIZES[::2] if arguments.quick else SIZES
    steps = STEPS // 8 if arguments.quick else STEPS
    seeds = min(arguments.seeds, 2) if arguments.quick else arguments.seeds
    trainers = {name: Trainer(make, steps, BATCH) for name, make in MODELS.items()}
    results = {
        (pixels, name, size): [
            _accuracy(trainer, size, seed, pixels == "permuted") for seed in range(seeds)
        ]
        for pixels in ("in place", "permuted")
        for name, trainer in trainers.items()
        for size in sizes
    }
    for pixels in ("in place", "permuted"):
        print_table(
            ["model", "parameters", *(f"n = {size}" for size in sizes)],
            [
                (
                    name,
                    f"{trainer.model.count_params():,}",
                    *(with_spread(results[pixels, name, size]) for size in sizes),
                )
                for name, trainer in trainers.items()
            ],
            title=f"Test accuracy in %, pixels {pixels}; mean ± standard deviation, {seeds} seeds",
        )
    print(_reading(results, sizes))
    if arguments.out:
        _draw(arguments.out, results, sizes, seeds)


def _accuracy(trainer, size, seed, permuted):
    """Test accuracy after training on so many images."""
    train, test = _digits(size, seed, permuted)
    trainer.train(*train, seed)
    return trainer.accuracy(*test)


def _cnn():
    """Convolutions that see ever more of the image, and a layer that knows where each stands."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )


def _local_cnn():
    """No feature sees more than 5 by 5 pixels, and the mean forgets where they were."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(48, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(48, 3, padding="same", activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(10),
        ]
    )


def _attention():
    """Patches of 2 by 2 pixels with learned positions, each of which sees all others at once."""
    hidden_dim = 48
    # Positions as large as the patches: with Keras's ±0.05 they count for little in so few steps.
    initializer = keras.initializers.RandomNormal(stddev=0.5)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(hidden_dim, 2, strides=2),
            keras.layers.Reshape((16, hidden_dim)),
            layers.LearnedPositionalEncoding(max_length=16, initializer=initializer),
            layers.TransformerEncoderBlock(num_heads=4, intermediate_dim=2 * hidden_dim),
            layers.TransformerEncoderBlock(num_heads=4, intermediate_dim=2 * hidden_dim),
            layers.LayerNormalization(),
            layers.SequencePooling("mean"),
            keras.layers.Dense(10),
        ]
    )


MODELS = {"CNN": _cnn, "local CNN": _local_cnn, "attention": _attention}


class Trainer:
    """Trains a model over and over from new weights, its graph compiled only once."""

    def __init__(self, make, steps, batch_size):
        self.make, self.steps, self.batch_size = make, steps, batch_size
        self.model = make()
        self.model.compile(
            keras.optimizers.AdamW(
                keras.optimizers.schedules.CosineDecay(
                    0.0, steps, warmup_target=3e-3, warmup_steps=steps // 10
                ),
                weight_decay=0.01,
            ),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            jit_compile=True,
        )
        self.model.optimizer.build(self.model.trainable_variables)

    def train(self, inputs, labels, seed):
        """Trains from the seed's weights, going over the data as often as the steps need."""
        keras.utils.set_random_seed(seed)
        self.model.set_weights(self.make().get_weights())
        for variable in self.model.optimizer.variables:
            variable.assign(np.zeros(variable.shape))
        rng, count = np.random.default_rng(seed), self.steps * self.batch_size
        epochs = -(-count // len(inputs))
        order = np.concatenate([rng.permutation(len(inputs)) for _ in range(epochs)])[:count]
        self.model.fit(
            inputs[order], labels[order], batch_size=self.batch_size, shuffle=False, verbose=0
        )

    def accuracy(self, inputs, labels):
        """Share of inputs whose likeliest class is their label."""
        return float(np.mean(np.argmax(self.model.predict_on_batch(inputs), -1) == labels))


def _digits(size, seed, permuted):
    """Returns `size` images to train on and 397 others to test on, drawn anew for each seed."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = images.astype("float32") / 8.0 - 1.0
    if permuted:
        images = images[:, np.random.default_rng(2024).permutation(64)]
    images = images.reshape(-1, 8, 8, 1)
    order = np.random.default_rng(seed).permutation(len(images))
    train, test = order[:size], order[max(SIZES) :]
    return (images[train], labels[train]), (images[test], labels[test])


def with_spread(accuracies, digits=1):
    """Mean and standard deviation over seeds, in percent."""
    spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    return f"{100 * statistics.mean(accuracies):.{digits}f} ± {100 * spread:.{digits}f}"


def _reading(results, sizes):
    """What the numbers say, in words."""
    few, many = sizes[0], sizes[-1]

    def accuracies(name, size, pixels="in place"):
        return results[pixels, name, size]

    gaps = [
        f"{_difference(accuracies('CNN', size), accuracies('attention', size))} at n = {size}"
        for size in sizes
    ]
    lines = [f"CNN less attention, in points (± standard error): {', '.join(gaps)}."]
    leads = [
        statistics.mean(accuracies("attention", size))
        > statistics.mean(accuracies("local CNN", size))
        for size in sizes
    ]
    if all(leads) or not any(leads):
        who = "ahead of" if all(leads) else "behind"
        margins = [
            _difference(accuracies("attention", size), accuracies("local CNN", size))
            for size in (few, many)
        ]
        lines.append(
            f"Attention is {who} the strictly local CNN at every size, "
            f"by {margins[0]} points at n = {few} and {margins[1]} at n = {many}."
        )
    else:
        places = [
            f"between n = {a} and n = {b}"
            for (a, b), (before, after) in zip(pairwise(sizes), pairwise(leads), strict=True)
            if before != after
        ]
        lines.append(f"Attention and the strictly local CNN change places {', '.join(places)}.")
    changes = [
        f"{name} {_difference(accuracies(name, many, 'permuted'), accuracies(name, many))}"
        for name in MODELS
    ]
    lines.append(f"Permuted pixels less pixels in place, at n = {many}: {', '.join(changes)}.")
    return "\n".join(lines)


def _difference(accuracies, others):
    """Mean difference in points with its standard error, seed by seed."""
    points = [100 * (a - b) for a, b in zip(accuracies, others, strict=True)]
    error = statistics.stdev(points) / len(points) ** 0.5 if len(points) > 1 else 0.0
    return f"{statistics.mean(points):+.1f} ± {error:.1f}"


def _draw(path, results, sizes, seeds):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, pixels in zip(
        figure.subplots(1, 2, sharey=True), ("in place", "permuted"), strict=True
    ):
        for name in MODELS:
            accuracies = 100 * np.array([results[pixels, name, size] for size in sizes])
            axes.errorbar(
                sizes,
                accuracies.mean(1),
                accuracies.std(1, ddof=1) if seeds > 1 else None,
                color=COLORS[name],
                marker="o",
                markersize=4,
                capsize=3,
                label=name,
            )
        axes.set_xscale("log")
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("training images")
        axes.set_title(f"pixels {pixels}", fontsize=11)
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("test accuracy, %")
    figure.axes[0].legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
