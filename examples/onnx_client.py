"""Asks an exported ONNX file, without attnzoo: `python examples/onnx_client.py DIST TEXT ...`."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import tokenizers

folder, texts = Path(sys.argv[1]), sys.argv[2:]
session = onnxruntime.InferenceSession(str(folder / "onnx" / "model.onnx"))
labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])

tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.encode_special_tokens = True
encoded = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
lengths = np.array([len(ids) for ids in encoded], "int32")
token_ids = np.zeros((len(texts), lengths.max()), "int32")
for row, ids in enumerate(encoded):
    token_ids[row, : len(ids)] = ids

probabilities, label = session.run(
    ["probabilities", "label"], {"token_ids": token_ids, "lengths": lengths}
)
for text, index, row in zip(texts, label, probabilities, strict=True):
    print(f"{labels[index]}\t{row[index]:.4f}\t{text}")
