"""A SavedModel in a program of C on TensorFlow's own library, which is how TF Serving loads it."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

_SOURCE = Path(__file__).with_name("saved_model_runner.c")
_SECONDS = 300


def why_not():
    """Returns why the program cannot be built on this machine, None if it can."""
    if shutil.which("cc") is None:
        return "no C compiler"
    if not (_tensorflow() / "libtensorflow_cc.so.2").exists():
        return "this TensorFlow comes without its C library"
    return None


class CLibrary:
    """Builds the program and runs batches through a signature.

    Args:
        folder: The SavedModel.

    Raises:
        RuntimeError: If the program is not built, or fails; the message is the library's.
    """

    def __init__(self, folder):
        self._folder = Path(folder).absolute()

    def run(self, signature, batches):
        """Returns a dict of outputs for each dict of inputs; one process answers them all."""
        definition = _signature(self._folder, signature)
        with tempfile.TemporaryDirectory(prefix="attnzoo-c-") as folder:
            folder = Path(folder)
            lines, expected = [], []
            for number, inputs in enumerate(batches):
                lines += [
                    _input_line(definition.inputs[name].name, value, folder / f"{number}.{name}")
                    for name, value in inputs.items()
                ]
                for name, tensor in definition.outputs.items():
                    file = folder / f"{number}.out.{name}"
                    lines.append(f"out {_place(tensor.name)} {file}")
                    expected.append((number, name, file))
                lines.append("run")
            (folder / "requests").write_text("\n".join(lines) + "\n", encoding="utf-8")
            _build(folder / "runner")
            said = _call(folder / "runner", self._folder, folder / "requests")
            shapes = dict(_shape(line) for line in said.splitlines())
            answers = [{} for _ in batches]
            for number, name, file in expected:
                dtype, shape = shapes[str(file)]
                answers[number][name] = np.fromfile(file, dtype).reshape(shape)
        return answers


def _tensorflow():
    return Path(tf.sysconfig.get_lib())


def _build(program):
    library = _tensorflow()
    _call(
        *("cc", "-O1", _SOURCE, f"-I{tf.sysconfig.get_include()}", f"-L{library}", "-o", program),
        *("-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2", f"-Wl,-rpath,{library}"),
    )


def _call(*command):
    """Returns what a program says, raising what it complains of."""
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=_SECONDS
    )
    if result.returncode:
        why = result.stderr.rpartition("failed: ")[2].strip() or f"exit code {result.returncode}"
        raise RuntimeError(f"{Path(command[0]).name}: {why.splitlines()[0]}")
    return result.stdout


def _signature(folder, name):
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return saved.meta_graphs[0].signature_def[name]


def _place(tensor_name):
    operation, _, index = tensor_name.partition(":")
    return f"{operation} {index}"


def _input_line(tensor_name, value, file):
    value = np.ascontiguousarray(value)
    value.tofile(file)
    kind = tf.as_dtype(value.dtype).as_datatype_enum
    return " ".join(map(str, ("in", _place(tensor_name), kind, value.ndim, *value.shape, file)))


def _shape(line):
    """Reads a line of the program: file, data type, rank, sizes."""
    file, kind, _, *sizes = line.split(" ")
    return file, (tf.as_dtype(int(kind)).as_numpy_dtype, [int(size) for size in sizes])
