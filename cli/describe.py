"""attnzoo describe: a preset's configuration, or what is in a saved folder or an artefact."""

import json
from pathlib import Path

from .output import print_json, print_table


def add_arguments(parser):
    """Adds the arguments of `attnzoo describe`."""
    parser.add_argument("name", help="model/preset, or a folder of `attnzoo train` or `export`")


def run(arguments):
    """Prints the description."""
    path = Path(arguments.name).expanduser() / "manifest.json"
    described = _manifest(path) if path.is_file() else _preset(arguments.name)
    if arguments.json:
        print_json(described)
        return
    rows = [(key, _cell(value)) for key, value in described.items() if key != "files"]
    print_table(["", arguments.name], rows)


def _manifest(path):
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"Expected {path} to be JSON: {error}") from error
    if not isinstance(manifest, dict):
        raise ValueError(f"Expected {path} to be a manifest of attnzoo. Received: {manifest!r:.40}")
    return manifest


def _preset(name):
    from ..zoo import build, get_config
    from ..zoo.registry import get_architecture
    from ..zoo.tasks import get_task

    architecture, config = get_architecture(name), get_config(name)
    task = get_task(architecture.task)
    return {
        "architecture": architecture.name,
        "description": architecture.description,
        "task": architecture.task,
        "parameters": build(name, weights=None).count_params(),
        "config": config.to_dict(),
        "inputs": [spec.to_dict() for spec in task.inputs(config)],
        "outputs": [spec.to_dict() for spec in task.outputs(config)],
    }


def _cell(value):
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_inline(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return "\n".join(_inline(inner) for inner in value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _inline(value):
    if isinstance(value, dict) and {"name", "dtype", "shape"} <= set(value):
        return f"{value['name']}: {value['dtype']} ({', '.join(map(str, value['shape']))})"
    if isinstance(value, dict):
        value = {key: inner for key, inner in value.items() if key != "files"}
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)
