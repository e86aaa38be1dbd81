"""attnzoo inspect: what is in an artefact: tensors, operators, sizes, proof and provenance."""

from .output import print_json, print_table

_OPERATORS_SHOWN = 12


def add_arguments(parser):
    """Adds the arguments of `attnzoo inspect`."""
    parser.add_argument("artefact", help="a folder of `attnzoo export`")


def run(arguments):
    """Prints what is there."""
    from .. import export

    found = export.inspect(arguments.artefact)
    if arguments.json:
        print_json(found)
        return
    verified, training = found["verified"], found["training"] or {}
    rows = [
        ("architecture", found["architecture"]),
        ("task", found["task"]),
        ("parameters", f"{found['parameters']:,}"),
        ("labels", ", ".join(found["labels"])),
        ("trained on", training.get("data", "not known")),
        ("metrics", _pairs(training.get("best") or {}) or "not known"),
        ("made by", _pairs(found["versions"])),
        (
            "verified",
            f"{verified['passed']} of {verified['made']} checks passed when it was made"
            if verified
            else "never",
        ),
    ]
    print_table(["", found["path"]], rows)
    for name, variant in found["variants"].items():
        operators = variant["operators"]
        shown = list(operators.items())[:_OPERATORS_SHOWN]
        rest = sum(operators.values()) - sum(count for _, count in shown)
        listed = ", ".join(f"{count} {operator}" for operator, count in shown)
        print_table(
            ["", name],
            [
                ("size", f"{variant['bytes'] / 1e6:.2f} MB"),
                ("takes", "\n".join(variant["inputs"])),
                ("returns", "\n".join(variant["outputs"])),
                *((key, _pairs(variant[key])) for key in ("signatures",) if key in variant),
                (
                    "operators",
                    f"{sum(operators.values())}: {listed}" + (f", {rest} others" if rest else ""),
                ),
            ],
        )


def _pairs(values):
    return ", ".join(f"{key} {_number(value)}" for key, value in values.items())


def _number(value):
    return f"{value:.4g}" if isinstance(value, float) else value
