"""What attention costs: ours, Keras's and PyTorch's, by the clock and in memory.

    python benchmarks/attention.py --peers PYTHON --out docs/images/attention_cost.png

PYTHON is an interpreter with `torch`, `local-attention` and `transformers`, if they are not
installed beside TensorFlow; what it lacks is left out. Rivals take turns and each one's median
counts; ratios are within the run. Times are of the processor: on one core, that of the clock when
nothing else runs. By itself TensorFlow leaves matrix products to oneDNN only on
processors with AVX-512 VNNI, PyTorch on all; here both do, unless TF_ENABLE_ONEDNN_OPTS=0 is set.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent


def main():
    """Prints the tables of the sections, and draws the cost against the length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--lengths", type=int, nargs="+", default=[512, 2048, 8192])
    parser.add_argument("--cores", type=int, default=1, help="Processor cores to use")
    parser.add_argument("--peers", metavar="PYTHON", help="Interpreter that has torch")
    parser.add_argument("--out", type=Path, help="PNG to draw")
    arguments = parser.parse_args()
    # Before TensorFlow and PyTorch ask how many there are; the peers inherit both.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    peers = Peers(arguments.peers)
    onednn = "with" if os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1" else "without"
    print(f"{arguments.cores} core(s), TensorFlow {onednn} oneDNN, processor: {_processor()}")
    for section in arguments.only:
        SECTIONS[section](peers, arguments.lengths)
    if arguments.out:
        _draw(arguments.out, peers)


class Peers:
    """The peers in PyTorch, called in a process of their own, in turn with those of this one."""

    def __init__(self, interpreter):
        self.interpreter, self.names, self.seconds = interpreter, [], 0.0
        if interpreter is None:
            if importlib.util.find_spec("torch") is None:
                print("Left out: the peers in PyTorch, which no --peers PYTHON was named for")
                return
            self.interpreter = sys.executable
        self.script = str(FOLDER / "attention_peers.py")
        self.process = subprocess.Popen(
            [self.interpreter, self.script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.names = [name for name in self._answer().split("\t") if name]

    def calls(self, name, length):
        """The two calls of a peer as functions without arguments."""
        from attention_layers import CALLS

        return {call: lambda call=call: self._call(name, length, call) for call in CALLS}

    def clock(self):
        """Processor seconds of both processes."""
        return time.process_time() + self.seconds

    def _call(self, name, length, call):
        self.process.stdin.write(f"{name}\t{length}\t{call}\n")
        self.process.stdin.flush()
        self.seconds = float(self._answer())

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("The process of the peers has ended; its error is above.")
        return line.rstrip("\n")


# === Sections ===


def _window(peers, lengths):
    from attention_layers import CALLS

    ours = ("window", "full, masked", "Keras sliding_window", "Keras MultiHeadAttention, masked")
    for length in lengths:
        seconds = _race([*ours, *peers.names], length, peers)
        rows = []
        for name in seconds:
            row = [name]
            for call in CALLS:
                value = seconds[name][call]
                ratio = seconds["full, masked"][call] / value
                row += [_milliseconds(value), f"{ratio:.2f}"]
            rows.append(row)
        _table(
            f"One sequence of {length}, 4 heads of 32, 32 positions to each side",
            ["layer", "forward ms", "full, masked / it", "training step ms", "full, masked / it"],
            rows,
        )
    length = max(lengths)
    rows = []
    of_window = {call: _peak_memory("window", length, call, peers) for call in CALLS}
    for name in ("window", "full, masked", *peers.names):
        row = [name]
        for call in CALLS:
            peak = of_window[call] if name == "window" else _peak_memory(name, length, call, peers)
            row += [f"{peak / 2**20:.0f}", f"{peak / max(of_window[call], 1):.1f}"]
        rows.append(row)
    _table(
        f"Growth of the peak memory by a call, length {length}, each in its own process",
        ["layer", "forward MB", "it / window", "training step MB", "it / window"],
        rows,
    )


def _growth(peers, lengths):
    from attention_layers import CALLS

    length = max(lengths)
    short, long = (_race(["window", *peers.names], n, peers) for n in (length, 2 * length))
    rows = []
    for name in short:
        row = [name]
        for call in CALLS:
            ratio = long[name][call] / short[name][call]
            row += [_milliseconds(long[name][call]), f"{ratio:.2f}"]
        rows.append(row)
    _table(
        f"From length {length} to {2 * length}",
        ["layer", "forward ms", "ratio", "training step ms", "ratio"],
        rows,
    )


def _full(peers, lengths):
    import attention_layers

    rivals = {
        "keras.layers.MultiHeadAttention": attention_layers.keras_layer(),
        "MultiHeadSelfAttention": attention_layers.our_layer(),
    }
    _compare("One layer, 16 sequences of 128, 512 wide, 8 heads", rivals, repeats=31)


def _block(peers, lengths):
    import attention_layers

    rivals = {
        "stock Keras": attention_layers.keras_blocks(),
        "TransformerEncoderBlock": attention_layers.our_blocks(),
        "stock Keras, mixed_bfloat16": attention_layers.keras_blocks("mixed_bfloat16"),
        "TransformerEncoderBlock, mixed_bfloat16": attention_layers.our_blocks("mixed_bfloat16"),
    }
    for extension in ("avx512_bf16", "amx_bf16"):
        print(f"{extension}: {'yes' if extension in _processor_flags() else 'no'}")
    _compare("Four encoder blocks, 16 sequences of 128, 512 wide, 8 heads", rivals, repeats=9)


def _linear(peers, lengths):
    length = max(lengths)
    seconds = _race(["full", "window", "linear", "causal linear"], length, peers)
    _print_ratios(f"One sequence of {length}, 4 heads of 32", seconds)


SECTIONS = {
    "window": _window,
    "growth": _growth,
    "full": _full,
    "block": _block,
    "linear": _linear,
}


# === Measuring ===


def _race(names, length, peers):
    """Median seconds `{name: {call: seconds}}` of layers on one sequence."""
    from attention_layers import ONE_LAYER

    rivals = {
        name: peers.calls(name, length) if name in peers.names else ONE_LAYER[name](length)
        for name in names
    }
    return _medians(rivals, max(5, min(31, 2**16 // length)), peers.clock)


def _medians(rivals, repeats, clock=time.process_time):
    from attention_layers import CALLS
    from timing import medians

    seconds = {name: {} for name in rivals}
    for call in CALLS:
        turns = {name: calls[call] for name, calls in rivals.items()}
        for name, value in medians(turns, repeats=repeats, warmup=2, clock=clock).items():
            seconds[name][call] = value
    return seconds


def _peak_memory(name, length, call, peers):
    if name in peers.names:
        command = [peers.interpreter, peers.script]
    else:
        command = [sys.executable, str(FOLDER / "attention_layers.py")]
    command += [name, str(length), call]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


# === Printing and drawing ===


def _compare(title, rivals, repeats):
    _print_ratios(title, _medians(rivals, repeats))


def _print_ratios(title, seconds):
    """A table of times as shares of those of the first rival."""
    first = next(iter(seconds))
    rows = []
    for name, of_calls in seconds.items():
        row = [name]
        for call, value in of_calls.items():
            row += [_milliseconds(value), f"{value / seconds[first][call]:.3f}"]
        rows.append(row)
    _table(title, ["", "forward ms", "of first", "training step ms", "of first"], rows)


def _table(title, columns, rows):
    from attnzoo.cli.output import print_table

    print_table(columns, rows, title=title)
    print(flush=True)


def _milliseconds(seconds):
    return f"{1000 * seconds:.1f}"


def _processor():
    return _of_processor("model name") or "unknown"


def _processor_flags():
    return (_of_processor("flags") or "").split()


def _of_processor(field):
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(": ", 1)[1] for line in lines if line.startswith(field)), None)


def _draw(path, peers):
    from attention_layers import CALLS
    from matplotlib.figure import Figure

    longest = {"full": 8192, "window": 32768, "linear": 32768}
    longest |= {name: 32768 for name in peers.names}
    lengths = [2**n for n in range(8, 16)]
    seconds = {
        length: _race([name for name in longest if length <= longest[name]], length, peers)
        for length in lengths
    }
    figure = Figure(figsize=(9, 4), layout="constrained")
    panels = figure.subplots(1, len(CALLS), sharey=True)
    for axes, call in zip(panels, CALLS, strict=True):
        for name, style in zip(longest, ("o-", "o-", "o-", "x--", "+--"), strict=False):
            reached = [length for length in lengths if name in seconds[length]]
            values = [1000 * seconds[length][name][call] for length in reached]
            axes.loglog(reached, values, style, label=name, base=2)
        axes.set_yscale("log", base=10)
        axes.set_title(call)
        axes.set_xlabel("length")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("milliseconds")
    panels[0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
