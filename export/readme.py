"""The README of an artefact: what it takes and returns, and how to serve it."""

import json

from ..zoo.tasks import get_task


def artefact_readme(manifest):
    """Returns the Markdown text for an artefact's manifest."""
    name = manifest["architecture"]
    parts = [
        f"# {name}, exported by attnzoo {manifest['versions']['attnzoo']}",
        f"Task: {manifest['task']}. Parameters: {manifest['parameters']:,}. "
        f"Labels: {', '.join(manifest['labels'])} (`labels.txt`, in the order of their indices).",
        "## Tensors",
        _table("takes", manifest["inputs"]),
        _table("returns", manifest["outputs"]),
    ]
    task = get_task(manifest["task"])
    if task.masks:
        parts.append(
            "Batches are padded to one length; what stands in the padding does not matter."
        )
    for path, variant in sorted(manifest["variants"].items()):
        parts.append(_SECTIONS[variant["format"]](path, variant, name, manifest))
    parts.append(
        "## Proof\n\n`verify.json` lists what was checked; `samples/` holds inputs with the "
        "answers of the Keras model. `attnzoo verify .` checks all of it again."
    )
    return "\n\n".join(parts) + "\n"


def _table(verb, specs):
    lines = [f"| {verb} | dtype | shape | |", "|---|---|---|---|"]
    for spec in specs:
        shape = ", ".join(map(str, spec["shape"]))
        lines.append(f"| `{spec['name']}` | {spec['dtype']} | ({shape}) | {spec['description']} |")
    return "\n".join(lines)


def _savedmodel_section(path, variant, name, manifest):
    signatures = variant["signatures"]
    lines = [f"## `{path}`: TF Serving", "", "Signatures:"]
    lines += [f"- `{signature}`: {_KINDS[kind]}" for signature, kind in signatures.items()]
    if "without_raw_signatures" in variant:
        lines += [
            "",
            "None takes raw inputs, which are to be preprocessed in the client, as below for ONNX "
            f"Runtime or by `tokenizer.json`: {variant['without_raw_signatures']}",
        ]
    lines += [
        "",
        "```bash",
        f'docker run -p 8501:8501 -v "$PWD/savedmodel:/models/{name}" -e MODEL_NAME={name} '
        "tensorflow/serving",
    ]
    if signatures["serving_default"] == "raw":
        request = json.dumps({"inputs": get_task(manifest["task"]).raw_example})
        lines.append(f"curl -d '{request}' localhost:8501/v1/models/{name}:predict")
    return "\n".join([*lines, "```"])


def _onnx_section(path, variant, name, manifest):
    feed = ", ".join(f'"{spec["name"]}": {spec["name"]}' for spec in manifest["inputs"])
    outputs = ", ".join(spec["name"] for spec in manifest["outputs"])
    lines = [
        f"## `{path}`: ONNX Runtime",
        "",
        "```python",
        "import onnxruntime",
        f'session = onnxruntime.InferenceSession("{path}")',
    ]
    task = get_task(manifest["task"])
    if set(task.preprocessor_files) <= set(manifest["files"]):
        lines += task.client_example
    lines += [f"{outputs} = session.run(None, {{{feed}}})", "```"]
    return "\n".join(lines)


_KINDS = {
    "raw": "raw inputs to label names, probabilities and logits",
    "words": "sentences that are cut to words (`words`, padded with empty strings) to the same",
    "preprocess": "raw inputs to the tensors above",
    "tensors": "the tensors above",
}
_SECTIONS = {"savedmodel": _savedmodel_section, "onnx": _onnx_section}
