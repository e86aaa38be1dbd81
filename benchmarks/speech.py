"""The speech encoder by the clock and in memory: a live stream, and windows against full attention.

    python benchmarks/speech.py --out docs/images/speech_stream.png

The stream is that of the exported ONNX file, in a process without TensorFlow. Times are of the
processor, on one core, which other work on the machine does not lengthen; each length of recording
and each kind of attention gets a process of its own, for its peak memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PRESET = "speech_encoder/small"
CALLS = ("forward", "training step")
# Copies of all scores that are held at once, as measured at 60 s: of one layer in a forward pass,
# and of each layer until its gradients are made.
_COPIES = {"forward": 6, "training step": 3}


def main():
    """Prints the tables of the sections, and draws the time of each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--cores", type=int, default=1, help="processor cores to use")
    parser.add_argument("--minutes", type=int, default=10, help="of the stream")
    parser.add_argument("--seconds", type=int, nargs="+", default=[10, 60, 600])
    parser.add_argument("--out", type=Path, help="PNG to draw")
    parser.add_argument("--child", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    # Before TensorFlow and ONNX Runtime ask how many there are; child processes inherit it.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if arguments.child:
        name, *values = arguments.child
        print(json.dumps(_CHILDREN[name](*values)))
        return
    for section in arguments.only:
        SECTIONS[section](arguments)


def _child(*values):
    """Returns what a function of `_CHILDREN` returns in a process of its own, or None if killed."""
    command = [sys.executable, __file__, "--child", *map(str, values)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


# === The stream ===


def _stream(arguments):
    with tempfile.TemporaryDirectory() as folder:
        chunk_ms = _child("export", folder)
        measured = _child("run_stream", f"{folder}/dist", arguments.minutes)
    milliseconds = measured["milliseconds"]
    per_minute = round(60_000 / chunk_ms)
    rows = []
    for minute in range(arguments.minutes):
        part = sorted(milliseconds[minute * per_minute : (minute + 1) * per_minute])
        rows.append(
            [
                minute + 1,
                f"{part[len(part) // 2]:.2f}",
                f"{part[len(part) * 99 // 100]:.2f}",
                f"{sum(part) / len(part) / chunk_ms:.4f}",
                f"{measured['megabytes'][minute]:.1f}",
            ]
        )
    _table(
        f"{PRESET}, exported, steps of {chunk_ms} ms, one thread",
        ["minute", "step: median ms", "99 % ms", "real-time factor", "memory MB"],
        rows,
    )
    mean = sum(milliseconds) / len(milliseconds)
    by_clock = measured["clock"] / (60 * arguments.minutes)
    print(
        f"Whole stream: {mean:.2f} ms a step, real-time factor {mean / chunk_ms:.4f} by the "
        f"processor's time, {by_clock:.4f} by the clock\n"
    )
    if arguments.out:
        _draw(arguments.out, milliseconds, measured["megabytes"], chunk_ms)


def _export(folder):
    """Writes the step of the preset with random weights, and returns how many ms it takes in."""
    from attnzoo import export, zoo

    export.streaming(zoo.build(PRESET, weights=None), f"{folder}/dist", chunk_size=8)
    stream = export.load_stream(f"{folder}/dist")
    return stream.chunk_size * stream.vector_ms


def _run_stream(folder, minutes):
    """Returns the milliseconds of each step, and the memory held after each minute."""
    import numpy as np
    from memory import held_bytes

    from attnzoo import export

    stream = export.load_stream(folder, threads=1)
    generator = np.random.default_rng(0)
    steps = int(minutes) * 60 * stream.sampling_rate // stream.steps_per_chunk
    per_minute = -(-steps // int(minutes))
    chunks = generator.normal(0, 0.1, (64, 1, stream.steps_per_chunk)).astype("float32")
    state = stream.initial_state(1)
    for chunk in chunks:  # Until all is allocated and the processor is warm.
        _, state = stream.step(chunk, state)
    state, milliseconds, megabytes = stream.initial_state(1), [], []
    started = time.perf_counter()
    for index in range(steps):
        began = time.process_time()
        _, state = stream.step(chunks[index % len(chunks)], state)
        milliseconds.append(1000 * (time.process_time() - began))
        if index % per_minute == per_minute - 1 or index == steps - 1:
            megabytes.append(held_bytes() / 2**20)
    assert not {"tensorflow", "keras"} & set(sys.modules)
    clock = time.perf_counter() - started
    return {"milliseconds": milliseconds, "megabytes": megabytes, "clock": clock}


def _draw(path, milliseconds, megabytes, chunk_ms):
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    minutes = np.arange(len(milliseconds)) * chunk_ms / 60_000
    axes.plot(minutes, milliseconds, ".", markersize=2, alpha=0.4, label="each step")
    window = round(10_000 / chunk_ms)
    medians = [np.median(milliseconds[i : i + window]) for i in range(0, len(minutes), window)]
    axes.plot(minutes[::window], medians, label="median of 10 seconds")
    axes.set_ylim(0, 2.5 * np.median(milliseconds))
    axes.set_xlabel("minutes of the stream")
    axes.set_ylabel(f"ms for {chunk_ms} ms of speech, one core")
    axes.grid(alpha=0.3)
    memory = axes.twinx()
    memory.plot(np.arange(len(megabytes)) + 1, megabytes, "k--", label="memory")
    memory.set_ylim(0, 1.6 * max(megabytes))
    memory.set_ylabel("memory of the process, MB")
    figure.legend(loc="outside upper right", ncols=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


# === Windows against full attention ===


def _attention(arguments):
    rows = []
    for seconds in arguments.seconds:
        windows = {call: _child("cost", call, seconds, "windows") for call in CALLS}
        full = {call: _cost_of_full(call, seconds) for call in CALLS}
        for name, costs in (("windows", windows), ("full", full)):
            row = [f"{seconds} s", name]
            for call in CALLS:
                row += _cells(costs[call], windows[call])
            rows.append(row)
    columns = ["audio", "attention"]
    for call in CALLS:
        columns += [f"{call}: s", "it / windows", "memory MB", "it / windows"]
    _table(f"{PRESET} on one recording, {arguments.cores} core(s)", columns, rows)


def _cells(cost, windows):
    """The cells of a cost, or of the reason why there is none."""
    if isinstance(cost, str):
        return [cost, "", "", ""]
    seconds, memory = cost["seconds"], cost["bytes"]
    return [
        f"{seconds:.3f}",
        f"{seconds / windows['seconds']:.2f}",
        f"{memory / 2**20:.0f}",
        f"{memory / windows['bytes']:.1f}",
    ]


def _cost_of_full(call, seconds):
    """Returns the cost of full attention, or why it was not measured."""
    from attnzoo import zoo

    config = zoo.get_config(PRESET)
    vectors = seconds * config.sampling_rate // config.steps_per_vector
    scores = 4 * config.num_heads * vectors**2
    copies = _COPIES[call] * (config.num_layers if call == "training step" else 1)
    needed, free = copies * scores, _free_bytes()
    if needed > free:
        return f"needs some {needed / 1e9:.0f} GB for scores, {free / 1e9:.0f} GB are free"
    cost = _child("cost", call, seconds, "full")
    return cost or f"was killed: scores of {scores / 1e9:.1f} GB a layer"


def _free_bytes():
    lines = Path("/proc/meminfo").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("MemAvailable"))
    free = 1024 * int(kilobytes)
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and limit.read_text().strip() != "max":
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        free = min(free, int(limit.read_text()) - used)
    return free


def _cost(call, seconds, attention):
    """Returns the median seconds of a call, and by how much it raised the peak of memory."""
    import keras
    import numpy as np
    import tensorflow as tf
    from memory import peak_bytes
    from timing import medians

    from attnzoo import zoo

    keras.utils.set_random_seed(0)
    contexts = {"att_context_size": None} if attention == "full" else {}
    # A label for each vector: the loss costs next to nothing, unlike CTC's.
    model = zoo.build(PRESET, weights=None, head="frames", **contexts)
    config = zoo.config_of(model)
    samples = int(seconds) * config.sampling_rate
    generator = np.random.default_rng(0)
    inputs = {
        "waveform": generator.normal(0, 0.1, (1, samples)).astype("float32"),
        "padding_mask": np.ones((1, samples), bool),
    }
    if call == "forward":
        function = tf.function(lambda batch: model(batch, training=False), autograph=False)
        batch = {name: tf.constant(value) for name, value in inputs.items()}
        run = lambda: function(batch).numpy()  # noqa: E731
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.AdamW(1e-4), loss)
        labels = generator.integers(0, config.num_classes, (1, samples // config.steps_per_vector))
        run = lambda: model.train_on_batch(inputs, labels)  # noqa: E731
    before = peak_bytes()
    run()
    grown = peak_bytes() - before
    repeats = 5 if int(seconds) <= 60 else 3
    times = medians({call: run}, repeats=repeats, warmup=1, clock=time.process_time)
    return {"seconds": times[call], "bytes": max(grown, 1)}


SECTIONS = {"stream": _stream, "attention": _attention}
_CHILDREN = {"export": _export, "run_stream": _run_stream, "cost": _cost}


def _table(title, columns, rows):
    from attnzoo.cli.output import print_table

    print_table(columns, rows, title=title)
    print(flush=True)


if __name__ == "__main__":
    main()
