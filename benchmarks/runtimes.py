"""ONNX Runtime against the SavedModel against Keras, on one artefact.

python benchmarks/runtimes.py --out docs/images/runtimes.png
"""

import argparse
import tempfile
from pathlib import Path

from timing import medians

from attnzoo import export, training
from attnzoo.cli.output import print_table
from attnzoo.export.engines import OnnxEngine, SavedModelEngine

SHAPES = ((1, 16), (1, 64), (32, 16), (32, 64))


def main():
    """Prints milliseconds a batch and the ratio to Keras, and draws them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="sentiment_classifier/small")
    parser.add_argument("--out", type=Path, help="PNG to draw")
    arguments = parser.parse_args()
    data = training.load_data("demo", verbose=False)
    pipeline = training.prepare(arguments.model, data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dist"
        export.to_artefact(pipeline, path)
        onnx = OnnxEngine(path / "onnx" / "model.onnx")
        saved_model = SavedModelEngine(path / "savedmodel" / "1")
        results = {shape: _race(pipeline, onnx, saved_model, *shape) for shape in SHAPES}
    rows = []
    for (batch, length), seconds in results.items():
        for name, value in seconds.items():
            ratio = value / seconds["Keras predict_on_batch"]
            rows.append(
                (f"{batch} × {length}", name, f"{1000 * value:.2f}", f"{ratio:.2f}")  # noqa: RUF001
            )
    print_table(["batch", "engine", "median ms", "of Keras"], rows)
    if arguments.out:
        _draw(arguments.out, results)


def _race(pipeline, onnx, saved_model, batch, length):
    inputs = pipeline.task.sample(pipeline.config, [length] * batch)
    keras_inputs = {"token_ids": inputs["token_ids"], "padding_mask": inputs["token_ids"] >= 0}
    return medians(
        {
            "Keras predict_on_batch": lambda: pipeline.model.predict_on_batch(keras_inputs),
            "SavedModel": lambda: saved_model.run("tokens", inputs, ["logits"]),
            "ONNX Runtime": lambda: onnx.run(inputs, ["logits"]),
        },
        repeats=31,
        warmup=5,
    )


def _draw(path, results):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    for place, name in enumerate(next(iter(results.values()))):
        ratios = [seconds[name] / seconds["Keras predict_on_batch"] for seconds in results.values()]
        positions = [shape + 0.27 * (place - 1) for shape in range(len(results))]
        bars = axes.bar(positions, ratios, width=0.25, label=name)
        axes.bar_label(bars, fmt="%.2f", fontsize=8)
    axes.set_xticks(range(len(results)), [f"batch {b}, length {n}" for b, n in results])
    axes.set_ylabel("time, Keras predict_on_batch = 1")
    figure.legend(loc="outside upper center", ncols=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
