"""What is in an artefact: its tensors, operators and sizes, and where it comes from."""

import json
from collections import Counter

from .artefact import VERIFY_FILE, Artefact


def inspect(path):
    """Returns what an artefact holds, read from its files without running them.

    Args:
        path: The artefact's folder.

    Returns:
        JSON-like dict: `architecture`, `task`, `parameters`, `labels`, `training`, `versions`, what
        the last verification found (`verified`: checks passed and made), and by `variants` each
        one's `format`, `bytes`, `inputs`, `outputs` and `operators`, the number of each kind. An
        operator that is not of ONNX's own set has its domain before its name.

    Raises:
        FileNotFoundError: If there is no artefact.
    """
    artefact = Artefact.open(path)
    manifest = artefact.manifest
    names = ("architecture", "task", "parameters", "labels", "training", "versions")
    return {
        "path": str(artefact.path),
        **{name: manifest.get(name) for name in names},
        "verified": _verified(artefact),
        "variants": {name: _variant(artefact, name) for name in artefact.variants},
    }


def _verified(artefact):
    path = artefact.path / VERIFY_FILE
    if not path.is_file():
        return None
    checks = json.loads(path.read_text(encoding="utf-8"))["checks"]
    # An export that was killed may have left checks of a variant that does not count.
    checks = [check for check in checks if check["variant"] in ("artefact", *artefact.variants)]
    return {"passed": sum(bool(check["passed"]) for check in checks), "made": len(checks)}


def _variant(artefact, name):
    variant = artefact.variants[name]
    inputs, outputs = artefact.tensors(name)
    known = {
        key: value for key, value in variant.items() if key not in ("files", "inputs", "outputs")
    }
    count = {"onnx": _onnx_operators, "savedmodel": _savedmodel_operators}[variant["format"]]
    return {
        **known,
        "bytes": sum(file["bytes"] for file in variant["files"].values()),
        "inputs": [_shown(spec) for spec in inputs],
        "outputs": [_shown(spec) for spec in outputs],
        "operators": dict(count(artefact.path / name).most_common()),
    }


def _shown(spec):
    return f"{spec['name']}: {spec['dtype']} ({', '.join(map(str, spec['shape']))})"


def _onnx_operators(path):
    import onnx

    model = onnx.load(path, load_external_data=False)
    counts = Counter()
    graphs = [model.graph, *model.functions]
    while graphs:
        for node in graphs.pop().node:
            counts[f"{node.domain}.{node.op_type}" if node.domain else node.op_type] += 1
            graphs += [a.g for a in node.attribute if a.HasField("g")]
    return counts


def _savedmodel_operators(folder):
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    nodes = [
        *graph.node,
        *(node for function in graph.library.function for node in function.node_def),
    ]
    return Counter(node.op for node in nodes)
