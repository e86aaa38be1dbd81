"""What our models cost beside those of keras-hub and transformers of the same sizes.

    python benchmarks/models.py --keras-hub PYTHON --torch PYTHON

Each PYTHON is an interpreter with `keras-hub` and TensorFlow, or with `torch` and `transformers`;
a peer without one is left out. The three take turns within each round, each in a process of its
own, and are compared by the clock and by the processor's time, which other work on the machine
lengthens less.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent
IMAGE, TEXT, TEXT_WITHOUT_DROPOUT = "image", "text", "text, no dropout"
ROWS = (
    (IMAGE, "inference", 1),
    (IMAGE, "inference", 8),
    (IMAGE, "training step", 8),
    (TEXT, "inference", 1),
    (TEXT, "inference", 16),
    (TEXT, "training step", 16),
    (TEXT_WITHOUT_DROPOUT, "training step", 16),
)
OURS = "attnzoo"


def main():
    """Prints the parameters, the times and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keras-hub", metavar="PYTHON", help="Interpreter that has keras-hub")
    parser.add_argument("--torch", metavar="PYTHON", help="Interpreter that has transformers")
    parser.add_argument("--image", default="image_classifier/tiny")
    parser.add_argument("--text", default="sentiment_classifier/base")
    parser.add_argument("--cores", type=int, default=2, help="Processor cores to use")
    parser.add_argument("--rows", type=int, nargs="+", default=range(len(ROWS)), help="Which ones")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--xla", action="store_true", help="Compile both Keras libraries by XLA")
    arguments = parser.parse_args()
    # Before TensorFlow and PyTorch ask how many there are; they inherit both.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    compiler = "xla" if arguments.xla else "graph"
    commands = {
        OURS: (sys.executable, "models_keras.py", OURS, compiler),
        "keras-hub": (arguments.keras_hub, "models_keras.py", "keras-hub", compiler),
        "transformers": (arguments.torch, "models_torch.py"),
    }
    sizes = _sizes(arguments.image, arguments.text)
    rivals = []
    for name, (interpreter, script, *options) in commands.items():
        if interpreter is None:
            print(f"Left out: {name}, which no interpreter was named for")
        else:
            command = [interpreter, str(FOLDER / script), *options]
            rivals.append(Rival(name, command, sizes))
    print(f"{arguments.cores} core(s), Keras with XLA: {arguments.xla}")
    _print_parameters(rivals, sizes)
    _print_times(rivals, [ROWS[row] for row in arguments.rows], arguments.rounds)


class Rival:
    """The models of one library, called in a process of their own."""

    def __init__(self, name, command, sizes):
        self.name = name
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.parameters = json.loads(self._answer(json.dumps(sizes)))

    def seconds(self, model, call, batch):
        """Makes a call; returns its seconds by the clock and of the processor."""
        return [float(value) for value in self._answer(f"{model}\t{call}\t{batch}").split("\t")]

    def _answer(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"The process of {self.name} has ended; its error is above.")
        return answer


def _sizes(image, text):
    from model_turns import NUM_CLASSES

    from attnzoo import zoo

    of_image, of_text = (
        zoo.get_config(name).replace(num_classes=NUM_CLASSES) for name in (image, text)
    )
    without_dropout = of_text.replace(dropout=0.0, embedding_dropout=0.0, attention_dropout=0.0)
    configs = {IMAGE: of_image, TEXT: of_text, TEXT_WITHOUT_DROPOUT: without_dropout}
    return {name: config.to_dict() for name, config in configs.items()}


def _race(rivals, model, call, batch, rounds, warmup=2):
    """Returns `{name: [(seconds, processor seconds) of each round]}`."""
    times = {rival.name: [] for rival in rivals}
    for turn in range(warmup + rounds):
        for rival in rivals:
            time.sleep(0.02)  # Threads of the one before may spin for a while.
            seconds = rival.seconds(model, call, batch)
            if turn >= warmup:
                times[rival.name].append(seconds)
    return times


def _print_parameters(rivals, sizes):
    from attnzoo.cli.output import print_table

    rows = [(name, *(f"{rival.parameters[name]:,}" for rival in rivals)) for name in sizes]
    print_table(["parameters", *(rival.name for rival in rivals)], rows)


def _print_times(rivals, cases, rounds):
    from attnzoo.cli.output import print_table

    best, processor = [], []
    for model, call, batch in cases:
        times = _race(rivals, model, call, batch, rounds)
        row = f"{model}, {call}, batch {batch}"
        by_clock = {name: min(clock for clock, _ in turns) for name, turns in times.items()}
        by_processor = {
            name: statistics.median(seconds for _, seconds in turns)
            for name, turns in times.items()
        }
        best.append((row, *_cells(by_clock)))
        processor.append((row, *_cells(by_processor)))
        # At once, as a busy machine makes one wait for the tables.
        print(*best[-1], "| processor:", *processor[-1][1:], file=sys.stderr, flush=True)
    columns = ["", *(f"{rival.name} ms" for rival in rivals)]
    columns += [f"{rival.name} / ours" for rival in rivals[1:]]
    print_table(columns, best, title=f"By the clock, the best of {rounds} rounds")
    print_table(columns, processor, title=f"Of the processor, the median of {rounds} rounds")


def _cells(seconds):
    ours = seconds[OURS]
    milliseconds = [f"{1000 * value:.1f}" for value in seconds.values()]
    return *milliseconds, *(
        f"{value / ours:.2f}" for name, value in seconds.items() if name != OURS
    )


if __name__ == "__main__":
    main()
