"""Our ONNX file of a BERT beside those of PyTorch's exporters and ONNX Runtime's optimizer.

    python benchmarks/export_peers.py --torch PYTHON

PYTHON is an interpreter with torch, transformers, onnx, onnxscript and onnxruntime. The same random
weights, one thread each, in turns; the least of many calls counts.
"""

import argparse
import contextlib
import functools
import json
import os
import subprocess
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
OURS = "attnzoo"
TOLERANCE = 1e-4


def main():
    """Prints nodes, milliseconds in each cell, and ours over each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", metavar="PYTHON", required=True)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--hidden-dim", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=10, help="for each cell")
    arguments = parser.parse_args()

    import onnx

    from attnzoo.cli.output import print_table
    from attnzoo.export.engines import OnnxEngine
    from export import CELLS, least_seconds

    sizes = {
        "vocab_size": 8000,
        "hidden_size": arguments.hidden_dim,
        "num_hidden_layers": arguments.layers,
        "num_attention_heads": max(1, arguments.hidden_dim // 64),
        "intermediate_size": 4 * arguments.hidden_dim,
    }
    with tempfile.TemporaryDirectory() as folder:
        files = _files(Path(folder), arguments.torch, sizes)
        graphs = {name: onnx.load(path).graph for name, path in files.items()}
        engines = {name: OnnxEngine(path, threads=1) for name, path in files.items()}
        times = {}
        for cell in CELLS:
            runs = _runs(engines, graphs, cell)
            _check_equal(runs)
            times[cell] = least_seconds(runs, arguments.seconds)
    rows = [
        (
            name,
            len(graphs[name].node),
            *(f"{times[cell][name] * 1e3:.2f}" for cell in CELLS),
            *(f"{times[cell][OURS] / times[cell][name]:.2f}" for cell in CELLS),
        )
        for name in files
    ]
    shapes = ["x".join(map(str, cell)) for cell in CELLS]
    columns = ["", "nodes", *(f"{s} ms" for s in shapes), *(f"ours / it, {s}" for s in shapes)]
    print_table(columns, rows)


def _files(folder, torch, sizes):
    """Returns the ONNX files by name, all of one random BERT."""
    from attnzoo import export, zoo

    script = Path(__file__).with_name("export_torch.py")
    subprocess.run(
        [torch, script, folder, json.dumps(sizes)], check=True, stdout=subprocess.DEVNULL
    )
    model = zoo.build("sentiment_classifier", weights=folder / "bert")
    with contextlib.redirect_stdout(None):
        export.to_onnx(model, folder / "ours")
    others = sorted(folder.glob("*.onnx"))
    return {OURS: folder / "ours" / "onnx" / "model.onnx", **{path.stem: path for path in others}}


def _runs(engines, graphs, cell):
    """Returns a function for each file that runs it on the same sentences."""
    import numpy as np
    import onnx

    ids = np.random.default_rng(0).integers(5, 8000, cell)
    ones, zeros = np.ones(cell), np.zeros(cell)
    known = {
        **{"token_ids": ids, "segment_ids": zeros, "lengths": ones.sum(axis=1)},
        **{"input_ids": ids, "attention_mask": ones},
    }
    runs = {}
    for name, engine in engines.items():
        inputs = {
            value.name: known[value.name].astype(
                onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
            )
            for value in graphs[name].input
        }
        runs[name] = functools.partial(engine.run, inputs)
    return runs


def _check_equal(runs):
    import numpy as np

    logits = {name: run()["logits"] for name, run in runs.items()}
    for name, values in logits.items():
        difference = np.abs(values - logits[OURS]).max()
        if not difference <= TOLERANCE:
            raise AssertionError(f"{name} differs from ours by {difference:.2g}")


if __name__ == "__main__":
    main()
