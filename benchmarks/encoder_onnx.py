"""Serves the ONNX files of our models to the benchmark of encoders."""

import os
import tempfile
from pathlib import Path

import encoder_turns
import numpy as np
import onnxruntime
from encoder_keras import ours

from attnzoo import export


def build(sizes):
    """Returns our model of these sizes as its ONNX file answers in ONNX Runtime."""
    model, _ = ours(sizes)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "artefact"
        export.to_onnx(model, path)
        session = onnxruntime.InferenceSession(
            path / "onnx" / "model.onnx", options, providers=["CPUExecutionProvider"]
        )
    types = {"tensor(int32)": "int32", "tensor(float)": "float32", "tensor(uint8)": "uint8"}

    def prepare(arrays):
        if "padding_mask" in arrays:
            arrays = {**arrays, "lengths": arrays["padding_mask"].sum(axis=1)}
        return {
            tensor.name: np.asarray(arrays[tensor.name], types[tensor.type])
            for tensor in session.get_inputs()
        }

    return encoder_turns.Model(
        parameters=model.count_params(),
        prepare=prepare,
        inference=lambda batch: session.run(["logits"], batch),
        training_step=None,
    )


if __name__ == "__main__":
    encoder_turns.serve(build)
