"""How long a bare import, `attnzoo --help` and `attnzoo list` take.

python benchmarks/import_time.py
"""

import subprocess
import sys
from pathlib import Path

from timing import medians

from attnzoo.cli.output import print_table


def main():
    """Prints median seconds of fresh processes, and their ratio to `import keras`."""
    command = str(Path(sys.executable).with_name("attnzoo"))
    rivals = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import attnzoo.zoo": [sys.executable, "-c", "import attnzoo.zoo"],
        "attnzoo --help": [command, "--help"],
        "attnzoo list": [command, "list"],
        "import onnxruntime": [sys.executable, "-c", "import onnxruntime"],
        "import keras": [sys.executable, "-c", "import keras"],
    }
    seconds = medians(
        {
            name: lambda arguments=arguments: subprocess.run(
                arguments, check=True, capture_output=True
            )
            for name, arguments in rivals.items()
        },
        repeats=5,
        warmup=1,
    )
    print_table(
        ["fresh process", "median seconds", "of import keras"],
        [
            (name, f"{value:.2f}", f"{value / seconds['import keras']:.2f}")
            for name, value in seconds.items()
        ],
    )


if __name__ == "__main__":
    main()
