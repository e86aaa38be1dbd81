"""What an export costs, in a fresh process: `python benchmarks/export_cost.py`."""

import argparse
import tempfile
import time
from pathlib import Path

from memory import peak_bytes


def main():
    """Prints seconds and peak memory of exporting and verifying both formats."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="sentiment_classifier/small")
    arguments = parser.parse_args()
    started = time.perf_counter()
    from attnzoo import export, training
    from attnzoo.cli.output import print_table

    data = training.load_data("demo", verbose=False)
    # The demo's vocabulary is small; give the model all the embeddings that its preset has.
    pipeline = training.prepare(arguments.model, data)
    rows = [("import and build", time.perf_counter() - started, _peak_megabytes())]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dist"
        started = time.perf_counter()
        export.to_artefact(pipeline, path)
        rows.append(("export and verify both", time.perf_counter() - started, _peak_megabytes()))
        started = time.perf_counter()
        export.verify(path)
        rows.append(("verify again", time.perf_counter() - started, _peak_megabytes()))
    print(f"{arguments.model}, {pipeline.model.count_params():,} parameters")
    print_table(
        ["step", "seconds", "peak memory so far, MB"],
        [(name, f"{seconds:.1f}", f"{peak:.0f}") for name, seconds, peak in rows],
    )


def _peak_megabytes():
    return peak_bytes() / 2**20


if __name__ == "__main__":
    main()
