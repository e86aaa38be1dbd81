"""How a folder of sentence-transformers pools: the files that it adds to a checkpoint."""

import json

MODULES_FILE = "modules.json"
_TYPES = "sentence_transformers.models."
_POOLINGS = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean"}


def read_pooling(folder, report):
    """Returns `"cls"` or `"mean"`, or None if the folder is not of sentence-transformers.

    Args:
        folder: `Path` of the checkpoint.
        report: `LoadReport` that is told what stays outside the model.

    Raises:
        ValueError: If it pools in another way, or has modules that are not read.
    """
    if not (folder / MODULES_FILE).is_file():
        return None
    modules = _read(folder / MODULES_FILE)
    try:
        kinds = {module["type"].removeprefix(_TYPES): module["path"] for module in modules}
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"Expected {folder / MODULES_FILE} to list modules: {error!r}") from error
    unknown = sorted(set(kinds) - {"Transformer", "Pooling", "Normalize"})
    if unknown or "Pooling" not in kinds:
        raise ValueError(
            "Expected the modules Transformer, Pooling and perhaps Normalize in "
            f"{folder / MODULES_FILE}. Received: {sorted(kinds)}"
        )
    settings = _read(folder / kinds["Pooling"] / "config.json")
    chosen = [key for key, value in settings.items() if key.startswith("pooling_mode") and value]
    if len(chosen) != 1 or chosen[0] not in _POOLINGS:
        raise ValueError(
            f"Expected pooling by {' or '.join(_POOLINGS)}, for the first token or the mean. "
            f"Received: {chosen}"
        )
    if "Normalize" in kinds:
        report.notes.append(
            "sentence-transformers scales the pooled vectors to length 1: "
            "`pipeline.embed(texts, normalize=True)`"
        )
    return _POOLINGS[chosen[0]]


def write_pooling(folder, pooling, hidden_dim):
    """Writes the files by which sentence-transformers pools in the same way."""
    (folder / "1_Pooling").mkdir()
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"))
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": f"{_TYPES}{kind}"}
        for index, (path, kind) in enumerate(kinds)
    ]
    settings = {key: value == pooling for key, value in _POOLINGS.items()}
    settings["word_embedding_dimension"] = hidden_dim
    for path, value in ((MODULES_FILE, modules), ("1_Pooling/config.json", settings)):
        (folder / path).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _read(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"Expected {path} to be JSON: {error}") from error
