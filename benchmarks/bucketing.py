"""A training epoch with batches of like lengths against one without.

python benchmarks/bucketing.py --data ../shared/data/sst2
"""

import argparse
import time

import keras
from timing import medians

from attnzoo import training
from attnzoo.cli.output import print_table


def main():
    """Prints the processor's seconds an epoch, their ratio, and how much is padding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="demo")
    parser.add_argument("--model", default="sentiment_classifier/small")
    arguments = parser.parse_args()
    data = training.load_data(arguments.data)
    rivals, padding = {}, {}
    for name, bucketing in (("in order of chance", False), ("bucketed by length", True)):
        pipeline = training.prepare(arguments.model, data)
        pipeline.model.compile(
            "adamw",
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            jit_compile=False,  # XLA would compile anew for each length.
        )
        batches = pipeline.make_batches(data.train, bucketing=bucketing)
        masks = [inputs["padding_mask"] for inputs, _ in batches]
        padding[name] = 1 - sum(mask.sum() for mask in masks) / sum(mask.size for mask in masks)
        dataset = batches.as_dataset()
        rivals[name] = lambda model=pipeline.model, d=dataset: model.fit(d, verbose=0)
    seconds = medians(rivals, repeats=2, warmup=1, clock=time.process_time)
    slowest = seconds["in order of chance"]
    print_table(
        ["batches", "processor seconds an epoch", "ratio", "padding"],
        [
            (name, f"{value:.1f}", f"{value / slowest:.2f}", f"{padding[name]:.0%}")
            for name, value in seconds.items()
        ],
    )


if __name__ == "__main__":
    main()
