"""What became of every tensor of a checkpoint and of every weight of a model."""

from dataclasses import asdict, dataclass, field


@dataclass
class LoadReport:
    """The account of one checkpoint.

    Args:
        model_type: The family, as config.json calls it.
        loaded: Dict from the path of each weight of ours to the tensors that it was made of.
        ignored: Dict from the name of each tensor that was left out to the reason.
        missing: Paths of our weights that no tensor is for: a new head's, which are random.
        mismatched: What has another shape than the model; nothing is loaded then.
        notes: What else to know.
    """

    model_type: str
    loaded: dict[str, list[str]] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_dict(self):
        """Returns the report as a dict."""
        return asdict(self)

    def __str__(self):
        """The report as lines of text."""
        lines = [
            f"{self.model_type}: {len(self.loaded)} weights loaded, "
            f"{len(self.ignored)} tensors ignored, {len(self.missing)} weights new and random"
        ]
        lines += [f"ignored {name}: {reason}" for name, reason in sorted(self.ignored.items())]
        lines += [f"new and random: {path}" for path in self.missing]
        return "\n".join([*lines, *self.notes])
