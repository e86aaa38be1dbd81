"""attnzoo bench: how fast the variants of an artefact answer on this machine."""

import os
from pathlib import Path

from .output import print_json, print_table
from .types import positive_integer


def add_arguments(parser):
    """Adds the arguments of `attnzoo bench`."""
    parser.add_argument("artefact", help="a folder of `attnzoo export`")
    for name, default, what in (
        ("--batch", [1, 8], "inputs of each call"),
        ("--length", [16, 128], "lengths of the inputs, in tokens or vectors"),
        ("--threads", [min(2, os.cpu_count() or 1)], "processor threads"),
    ):
        shown = " ".join(map(str, default))
        parser.add_argument(
            name,
            type=positive_integer,
            nargs="+",
            default=default,
            metavar="N",
            help=f"{what} (default: {shown})",
        )
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="of each variant and shape (default: 1)"
    )
    parser.add_argument("--model", metavar="RUN", help="the saved folder, to time Keras as well")
    parser.add_argument("--out", type=Path, metavar="PNG", help="draw the medians")


def run(arguments):
    """Prints the times, and which variant is the fastest for each shape."""
    from .. import export

    if arguments.out is not None and arguments.out.suffix.lower() != ".png":
        raise ValueError(f"Expected `--out` to be a .png file. Received: {arguments.out}")
    timings = export.bench(
        arguments.artefact,
        arguments.batch,
        arguments.length,
        arguments.threads,
        arguments.seconds,
        arguments.model,
    )
    cells = {}
    for timing in timings:
        cells.setdefault(_cell(timing), []).append(timing)
    fastest = {cell: min(rivals, key=lambda t: t.p50).variant for cell, rivals in cells.items()}
    if arguments.out is not None:
        _draw(arguments.out, cells)
    if arguments.json:
        print_json({"timings": [timing.to_dict() for timing in timings], "fastest": fastest})
        return
    rows = [
        (
            cell,
            timing.variant + (" (fastest)" if timing.variant == fastest[cell] else ""),
            *(f"{value:.2f}" for value in (timing.p50, timing.p95, timing.p99)),
            f"{timing.throughput:,.0f}",
        )
        for cell, rivals in cells.items()
        for timing in rivals
    ]
    print_table(["shape", "variant", "p50 ms", "p95 ms", "p99 ms", "inputs a second"], rows)
    if arguments.out is not None:
        print(f"Drawn to {arguments.out}")


def _cell(timing):
    length = "" if timing.length is None else f", length {timing.length}"
    threads = f"{timing.threads} thread{'s' if timing.threads > 1 else ''}"
    return f"batch {timing.batch}{length}, {threads}"


def _draw(path, cells):
    from matplotlib.figure import Figure

    variants = [timing.variant for timing in next(iter(cells.values()))]
    figure = Figure(figsize=(9, 1.2 + 0.3 * len(cells) * len(variants)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(variants)
    for place, variant in enumerate(variants):
        medians = [rivals[place].p50 for rivals in cells.values()]
        positions = [row + height * place for row in range(len(cells))]
        bars = axes.barh(positions, medians, height, label=variant)
        axes.bar_label(bars, fmt=" %.2f", fontsize=8)
    axes.set_yticks([row + 0.4 - height / 2 for row in range(len(cells))], list(cells))
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("median milliseconds of a call")
    axes.margins(x=0.15)
    figure.legend(loc="outside upper center", ncols=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
