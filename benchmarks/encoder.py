"""What our encoders cost beside stock Keras layers, keras-hub and transformers, of the same sizes.

    python benchmarks/encoder.py --keras-hub PYTHON --torch PYTHON

BERT-small (4 layers of 512) at 128 tokens and ViT-Ti/16 at 224 x 224 pixels. Each PYTHON is an
interpreter with `keras-hub` and TensorFlow, or with `torch` and `transformers`; a peer without one
is left out. All take turns within each round, each in a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent
IMAGE, TEXT = "ViT-Ti/16", "BERT-small"
INFERENCE, TRAINING = "inference", "training step"
ROWS = (
    (TEXT, INFERENCE, 1),
    (TEXT, INFERENCE, 16),
    (TEXT, TRAINING, 16),
    (IMAGE, INFERENCE, 1),
    (IMAGE, INFERENCE, 16),
    (IMAGE, TRAINING, 16),
)
OURS, BFLOAT16, ONNX = "attnzoo", "attnzoo bfloat16", "attnzoo ONNX"
STOCK, KERAS_HUB, TORCH = "stock Keras", "keras-hub", "transformers"
# Whose time is divided by whose. An ONNX file does not train.
RATIOS = (
    (OURS, STOCK),
    (OURS, KERAS_HUB),
    (OURS, TORCH),
    (BFLOAT16, STOCK),
    (ONNX, STOCK),
    (ONNX, TORCH),
)


def main():
    """Prints the parameters, the times and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keras-hub", metavar="PYTHON", help="Interpreter that has keras-hub")
    parser.add_argument("--torch", metavar="PYTHON", help="Interpreter that has transformers")
    parser.add_argument("--cores", type=int, default=2, help="Processor cores to use")
    parser.add_argument("--rows", type=int, nargs="+", default=range(len(ROWS)), help="Which ones")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--xla", action="store_true", help="Compile Keras models by XLA")
    arguments = parser.parse_args()
    # Before TensorFlow and PyTorch ask how many there are; they inherit both.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    compiler = "xla" if arguments.xla else "graph"
    keras = (sys.executable, "encoder_keras.py")
    commands = {
        OURS: (*keras, "attnzoo", compiler, "float32"),
        BFLOAT16: (*keras, "attnzoo", compiler, "mixed_bfloat16"),
        ONNX: (sys.executable, "encoder_onnx.py"),
        STOCK: (*keras, "stock", compiler, "float32"),
        KERAS_HUB: (arguments.keras_hub, "encoder_keras.py", "keras-hub", compiler, "float32"),
        TORCH: (arguments.torch, "encoder_torch.py"),
    }
    sizes = _sizes()
    rivals = {}
    for name, (interpreter, script, *options) in commands.items():
        if interpreter is None:
            print(f"Left out: {name}, which no interpreter was named for")
        else:
            rivals[name] = Rival([interpreter, str(FOLDER / script), *options], sizes)
    print(f"{arguments.cores} core(s), Keras with XLA: {arguments.xla}")
    _print_parameters(rivals, sizes)
    _print_times(rivals, [ROWS[row] for row in arguments.rows], arguments.rounds)


class Rival:
    """The models of one library, called in a process of their own."""

    def __init__(self, command, sizes):
        self.command = command
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.parameters = json.loads(self._answer(json.dumps(sizes)))

    def seconds(self, model, call, batch):
        """Makes a call; returns its seconds."""
        return float(self._answer(f"{model}\t{call}\t{batch}"))

    def _answer(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"This process has ended; its error is above: {self.command}")
        return answer


def _sizes():
    from encoder_turns import NUM_CLASSES

    from attnzoo import zoo

    shared = {"num_classes": NUM_CLASSES, "dropout": 0.1}
    of_text = zoo.get_config("sentiment_classifier/base").replace(
        hidden_dim=512,
        num_layers=4,
        num_heads=8,
        intermediate_dim=2048,
        vocabulary_size=30522,
        max_sequence_length=512,
        embedding_dropout=0.1,
        embedding_norm=True,
        normalize_first=False,
        layer_scale=None,
        **shared,
    )
    of_image = zoo.get_config("image_classifier/tiny").replace(**shared)
    return {TEXT: of_text.to_dict(), IMAGE: of_image.to_dict()}


def _race(rivals, model, call, batch, rounds, warmup=2):
    """Returns the fewest seconds of each rival."""
    seconds = {name: [] for name in rivals}
    for turn in range(warmup + rounds):
        for name, rival in rivals.items():
            time.sleep(0.02)  # Threads of the one before may spin for a while.
            elapsed = rival.seconds(model, call, batch)
            if turn >= warmup:
                seconds[name].append(elapsed)
    return {name: min(values) for name, values in seconds.items()}


def _print_parameters(rivals, sizes):
    from attnzoo.cli.output import print_table

    rows = [(name, *(f"{rival.parameters[name]:,}" for rival in rivals.values())) for name in sizes]
    print_table(["parameters", *rivals], rows)


def _print_times(rivals, cases, rounds):
    from attnzoo.cli.output import print_table

    pairs = [pair for pair in RATIOS if set(pair) <= set(rivals)]
    times, ratios = [], []
    for model, call, batch in cases:
        able = {name: r for name, r in rivals.items() if call == INFERENCE or name != ONNX}
        seconds = _race(able, model, call, batch, rounds)
        row = f"{model}, {call}, batch {batch}"
        times.append((row, *(_cell(seconds.get(name), 1e3, 1) for name in rivals)))
        ratios.append(
            (row, *(_cell(seconds.get(a), 1 / seconds[b], 2) for a, b in pairs)),
        )
        # At once, as a busy machine makes one wait for the tables.
        print(*times[-1], "| ratios:", *ratios[-1][1:], file=sys.stderr, flush=True)
    print_table(["", *rivals], times, title=f"Milliseconds, the fewest of {rounds} rounds")
    print_table(["", *(f"{a} / {b}" for a, b in pairs)], ratios, title="Ratios: below 1 is faster")


def _cell(value, factor, digits):
    return "" if value is None else f"{value * factor:.{digits}f}"


if __name__ == "__main__":
    main()
