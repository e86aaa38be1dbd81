"""The README of an artefact: what it takes and returns, and how to serve it."""

from ..zoo.tasks import get_task
from .client_lines import open_inference_clients, tf_serving_clients


def artefact_readme(manifest, requests):
    """Returns the Markdown text for an artefact.

    Args:
        manifest: The artefact's.
        requests: What `example_requests` gives.
    """
    name = manifest["architecture"]
    parts = [
        f"# {name}, exported by attnzoo {manifest['versions']['attnzoo']}",
        f"Task: {manifest['task']}. Parameters: {manifest['parameters']:,}." + _labels(manifest),
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
        section = _stream_section if "streaming" in variant else _SECTIONS[variant["format"]]
        parts.append(section(path, variant, name, manifest))
        if "streaming" not in variant:
            clients = _CLIENTS[variant["format"]]
            parts.append(clients(path, variant, manifest, requests))
    parts.append(
        "## Proof\n\n`verify.json` lists what was checked; `samples/` holds inputs with the "
        "answers of the Keras model. `attnzoo verify .` checks all of it again."
    )
    return "\n\n".join(parts) + "\n"


def _labels(manifest):
    if not manifest["labels"]:
        return ""
    return (
        f" Labels: {', '.join(manifest['labels'])} (`labels.txt`, in the order of their indices)."
    )


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
    return "\n".join(lines)


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
    made = any(f"{manifest['inputs'][0]['name']} = " in line for line in task.client_example)
    if made and set(task.preprocessor_files) <= set(manifest["files"]):
        lines += task.client_example
        if any(spec["name"] == "segment_ids" for spec in manifest["inputs"]):
            lines.append("segment_ids = numpy.zeros_like(token_ids)  # All of one text.")
    lines += [f"{outputs} = session.run(None, {{{feed}}})", "```"]
    return "\n".join(lines)


def _stream_section(path, variant, name, manifest):
    stream = variant["streaming"]
    steps = "samples" if variant["inputs"][0]["name"] == "waveform" else "frames"
    runtime = "ONNX Runtime" if variant["format"] == "onnx" else "TF Serving"
    flushes = -(-stream["lookahead_frames"] // stream["chunk_size"])
    flushing = (
        f"once it is over, {flushes} more with `lengths` 0 bring what answers lag behind."
        if flushes
        else "its last one brings the last answers."
    )
    return "\n\n".join(
        [
            f"## `{path}`: one step of a stream, {runtime}",
            f"A step takes the next {stream['steps_per_chunk']} {steps} of each stream, at "
            f"{stream['sampling_rate']} Hz, and answers {stream['chunk_size']} vectors, "
            f"{stream['lookahead_frames']} vectors late ({stream['vector_ms']} ms each): at most "
            f"{stream['latency_ms']} ms after it was said. Answers are where `padding_mask` is "
            "true; together they are those that the whole recording would get. Every tensor of the "
            "state starts as zeros, and goes into the next step as `next_` and its name came out "
            f"of the last. A stream whose chunk is not full says so by `lengths`; {flushing}",
            _table("takes", variant["inputs"]),
            _table("returns", variant["outputs"]),
            _stream_example(path, variant, steps, flushes),
        ]
    )


def _stream_example(path, variant, steps, flushes):
    if variant["format"] != "onnx":
        signature = ", ".join(f"`{name}`" for name in variant["signatures"])
        return f"Its one signature is {signature}."
    reading = [f'{steps} = numpy.load("{steps}.npy")']
    if steps == "samples":
        rate = variant["streaming"]["sampling_rate"]
        reading = [
            'samples, rate = soundfile.read("recording.wav", dtype="float32", always_2d=True)',
            f"samples = samples.mean(axis=1)  # `rate` must be {rate}.",
        ]
    names = [spec["name"] for spec in variant["outputs"]]
    answer = "label" if "label" in names else names[0]
    lines = [
        "import numpy, onnxruntime" + (", soundfile" if steps == "samples" else ""),
        f'session = onnxruntime.InferenceSession("{path}")',
        "step, lengths, *state = session.get_inputs()",
        'dtypes = {"tensor(float)": "float32", "tensor(bool)": "bool"}',
        "state = {s.name: numpy.zeros((1, *s.shape[1:]), dtypes[s.type]) for s in state}",
        *reading,
        "names = [output.name for output in session.get_outputs()]",
        "size, answers = step.shape[1], []",
        f"for index in range(-(-len({steps}) // size) + {flushes}):",
        f"    part = {steps}[index * size : (index + 1) * size]",
        '    chunk = numpy.zeros((1, *step.shape[1:]), "float32")',
        "    chunk[0, : len(part)] = part",
        '    fed = {step.name: chunk, lengths.name: numpy.array([len(part)], "int32")}',
        "    out = dict(zip(names, session.run(None, {**fed, **state})))",
        '    state = {name: out[f"next_{name}"] for name in state}',
        f'    answers += out["{answer}"][out["padding_mask"]].tolist()',
    ]
    return "\n".join(["```python", *lines, "```"])


_KINDS = {
    "raw": "raw inputs to label names, probabilities and logits",
    "words": "sentences that are cut to words (`words`, padded with empty strings) to the same",
    "preprocess": "raw inputs to the tensors above",
    "tensors": "the tensors above",
    "classify": "TF Serving's Classify API: `tf.train.Example`s, the raw input their feature",
    "classify_tensors": "TF Serving's Classify API: `tf.train.Example`s, the tensors above their "
    "features, without padding and `lengths`",
}
_SECTIONS = {"savedmodel": _savedmodel_section, "onnx": _onnx_section}
_CLIENTS = {"savedmodel": tf_serving_clients, "onnx": open_inference_clients}
