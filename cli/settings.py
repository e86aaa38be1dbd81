"""`--set FIELD=VALUE`: fields of the model's configuration and of the recipe."""

import ast
import dataclasses
import difflib
import typing


def add_settings_argument(parser):
    """Adds `--set`."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        dest="settings",
        help="a field of the model's configuration or of the recipe, such as hidden_dim=96 or "
        "epochs=5; may be given several times",
    )


def split_settings(settings, *defaults):
    """Sorts `FIELD=VALUE` strings by the dataclass that has the field, and checks their types.

    Args:
        settings: List of strings.
        *defaults: Instances of dataclasses.

    Returns:
        A dict of changes for each of `defaults`.

    Raises:
        ValueError: If a field is unknown or a value is of another type than the field's.

    Example:
    >>> from attnzoo.training import Recipe
    >>> split_settings(["epochs=3"], Recipe())
    [{'epochs': 3}]
    """
    changes = [{} for _ in defaults]
    fields = {
        field.name: (getattr(default, field.name), field.type, place)
        for place, default in enumerate(defaults)
        for field in dataclasses.fields(default)
    }
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in fields:
            close = difflib.get_close_matches(name, fields, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise ValueError(
                f"Expected --set FIELD=VALUE with one of the fields {sorted(fields)}.{hint} "
                f"Received: --set {setting}"
            )
        default, kind, place = fields[name]
        changes[place][name] = _value(text, default, kind, setting)
    return changes


def _value(text, default, kind, setting):
    if text in ("None", "none", "null") and type(None) in typing.get_args(kind):
        return None
    if isinstance(default, str):
        return text
    try:
        value = ast.literal_eval(text.capitalize() if text in ("true", "false") else text)
    except (ValueError, SyntaxError):
        value = text
    allowed = {float: (float, int), type(None): (str, int, float)}.get(
        type(default), (type(default),)
    )
    if dict in typing.get_args(kind):
        allowed = (*allowed, dict)
    if type(value) not in allowed:
        raise ValueError(
            f"Expected a value of type {allowed[0].__name__} in --set {setting}. Received: {text!r}"
        )
    return value
