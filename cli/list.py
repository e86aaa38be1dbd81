"""attnzoo list: the architectures and their presets."""

from .output import print_json, print_table


def add_arguments(parser):
    """Adds the arguments of `attnzoo list`."""
    parser.add_argument("pattern", nargs="?", help="shell pattern, such as 'sentiment*'")


def run(arguments):
    """Prints a table, or a list of `{name, task, pretrained, description}`."""
    from ..zoo.registry import get_architecture, get_preset, list_models, list_presets

    presets = [
        {
            "name": name,
            "task": get_architecture(name).task,
            "pretrained": get_preset(name).weights is not None,
            "description": get_preset(name).description or get_architecture(name).description,
        }
        for model in list_models(arguments.pattern)
        for name in list_presets(model)
    ]
    if not presets and arguments.pattern:
        raise ValueError(
            f"Expected a pattern that fits one of {list_models()}. Received: {arguments.pattern!r}"
        )
    if arguments.json:
        print_json(presets)
        return
    rows = [
        (p["name"], p["task"], "yes" if p["pretrained"] else "no", p["description"])
        for p in presets
    ]
    print_table(["preset", "task", "weights", "what it does"], rows)
