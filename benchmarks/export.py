"""Fused ONNX against what else a model exports to: `python benchmarks/export.py`.

One thread each, in turns; the least of many calls counts, as other work on a machine only adds.
"""

import argparse
import functools
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
CELLS = ((1, 16), (1, 128), (8, 128), (2, 512))
# Issue 7's targets: of what over what, at which cells, at least how much.
TARGETS = (
    ("raw tf2onnx", "fused", CELLS, 1.15),
    ("SavedModel", "fused", CELLS[:2], 1.2),
    ("fused", "int8", CELLS[2:3], 2.0),
)


def main():
    """Prints milliseconds of each variant in each cell, and which targets are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--hidden-dim", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=8, help="for each cell")
    arguments = parser.parse_args()

    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    from attnzoo import zoo
    from attnzoo.cli.output import print_table

    model = zoo.build(
        "sentiment_classifier/base",
        weights=None,
        num_layers=arguments.layers,
        hidden_dim=arguments.hidden_dim,
        intermediate_dim=4 * arguments.hidden_dim,
        num_heads=max(1, arguments.hidden_dim // 64),
        vocabulary_size=8000,
        max_sequence_length=512,
    )
    with tempfile.TemporaryDirectory() as folder:
        times = _times(model, Path(folder), arguments.seconds)
    print(f"{model.count_params():,} parameters; milliseconds, one thread")
    names = list(times[CELLS[0]])
    rows = [
        (f"{batch}x{length}", *(f"{times[batch, length][name] * 1e3:.2f}" for name in names))
        for batch, length in CELLS
    ]
    print_table(["batch x length", *names], rows)
    for slow, fast, cells, least in TARGETS:
        for cell in cells:
            ratio = times[cell][slow] / times[cell][fast]
            met = "met" if ratio >= least else "missed"
            shape = "x".join(map(str, cell))
            print(f"{fast} over {slow} at {shape}: {ratio:.2f}, target {least}: {met}")


def _times(model, folder, seconds):
    from attnzoo.export.engines import OnnxEngine, SavedModelEngine
    from attnzoo.export.onnx_conversion import write_onnx
    from attnzoo.export.savedmodel import write_savedmodel
    from attnzoo.export.served_model import ServedModel

    served = ServedModel(model)
    runs = {}
    for name, options in {
        "raw tf2onnx": {"attention": "decomposed"},
        "fused": {},
        "int8": {"precision": "int8"},
    }.items():
        path = folder / f"{name}.onnx"
        write_onnx(served, path, **options)
        runs[name] = OnnxEngine(path, threads=1).run
    write_savedmodel(served, folder / "savedmodel", "auto")
    savedmodel = SavedModelEngine(folder / "savedmodel")
    runs["SavedModel"] = lambda inputs: savedmodel.run("tokens", inputs)
    times = {}
    for batch, length in CELLS:
        inputs = served.task.sample(served.config, [length] * batch, length=length)
        turns = {name: functools.partial(run, inputs) for name, run in runs.items()}
        times[batch, length] = least_seconds(turns, seconds)
    return times


def least_seconds(runs, seconds):
    """Calls functions in turns for a while; returns the least seconds that each took."""
    least = dict.fromkeys(runs, float("inf"))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            least[name] = min(least[name], time.perf_counter() - started)
    return least


if __name__ == "__main__":
    main()
