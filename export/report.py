"""What a verification found."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Args:
        variant: Which part of the artefact, such as `"onnx/model.onnx"`.
        name: What was checked.
        passed: Whether it is as it must be; None if it was asked for and could not be run here.
        detail: What was found, in a few words.
    """

    variant: str
    name: str
    passed: bool | None
    detail: str = ""

    @property
    def verdict(self):
        """`"ok"`, `"FAIL"` or `"not run"`."""
        return {True: "ok", False: "FAIL", None: "not run"}[self.passed]

    def __str__(self):
        return f"{self.verdict:4} {self.variant}: {self.name} ({self.detail})"


@dataclass(frozen=True)
class Report:
    """All checks of an artefact.

    Args:
        path: The artefact's folder.
        checks: The checks, in the order they were made.
    """

    path: Path
    checks: list[Check]

    @property
    def passed(self):
        """Whether no check failed, and some were run."""
        return not self.failures and any(check.passed for check in self.checks)

    @property
    def failures(self):
        """The checks that were run and did not pass."""
        return [check for check in self.checks if check.passed is False]

    def to_dict(self):
        """Returns a JSON-like dict."""
        return {"passed": self.passed, "checks": [check.__dict__ for check in self.checks]}

    def __str__(self):
        return "\n".join(str(check) for check in self.checks)


class VerificationError(Exception):
    """An artefact that does not answer as its model did.

    Args:
        report: `Report` with at least one failure.
    """

    def __init__(self, report):
        self.report = report
        failures = "; ".join(f"{c.variant}: {c.name} ({c.detail})" for c in report.failures)
        super().__init__(
            f"Expected the artefact to pass every check. Received: {len(report.failures)} of "
            f"{len(report.checks)} failed: {failures}"
        )
