"""Writes a random BERT and the ONNX files that Hugging Face's way of export makes of it.

    python export_torch.py FOLDER SIZES_AS_JSON

pip install torch transformers onnx onnxscript onnxruntime
"""

import json
import sys
from pathlib import Path

import onnx
import torch
import transformers
from onnxruntime.transformers import optimizer

NAMES = ["input_ids", "attention_mask"]


def main():
    """Writes `bert/`, and an ONNX file of each exporter of PyTorch, optimised for BERT or not."""
    folder, sizes = Path(sys.argv[1]), json.loads(sys.argv[2])
    torch.manual_seed(0)
    config = transformers.BertConfig(**sizes, num_labels=2, pad_token_id=0)
    model = transformers.BertForSequenceClassification(config)
    with torch.no_grad():
        for parameter in model.parameters():  # A bias of zeros would be optimised away.
            parameter.add_(0.02 * torch.randn_like(parameter))
    model.save_pretrained(folder / "bert")
    exports = {
        # Eager attention is the one that the optimizer's patterns of BERT know.
        "torchscript": ("eager", _by_torchscript),
        "torch.export": ("sdpa", _by_torch_export),
    }
    for name, (attention, write) in exports.items():
        model = transformers.BertForSequenceClassification.from_pretrained(
            folder / "bert", attn_implementation=attention
        )
        path = folder / f"{name}.onnx"
        write(model.eval(), path)
        optimized = optimizer.optimize_model(
            str(path),
            model_type="bert",
            num_heads=sizes["num_attention_heads"],
            hidden_size=sizes["hidden_size"],
        )
        onnx.save(optimized.model, folder / f"{name}, optimised.onnx")


def _example():
    return torch.randint(5, 1000, (2, 16)), torch.ones(2, 16, dtype=torch.long)


def _by_torchscript(model, path):
    axes = {name: {0: "batch", 1: "length"} for name in NAMES}
    torch.onnx.export(
        model,
        _example(),
        path,
        dynamo=False,
        input_names=NAMES,
        output_names=["logits"],
        opset_version=17,
        dynamic_axes=axes,
    )


def _by_torch_export(model, path):
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    program = torch.onnx.export(
        model,
        kwargs=dict(zip(NAMES, _example(), strict=True)),
        dynamo=True,
        dynamic_shapes=dict.fromkeys(NAMES, shape),
        input_names=NAMES,
        output_names=["logits"],
    )
    program.save(path)


if __name__ == "__main__":
    main()
