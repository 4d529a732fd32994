"""How a case ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["CaseFailed", "Result", "Status"]


class Status(StrEnum):
    """How a case ended. `absent`: the SDK has no function for a vector's rule."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ABSENT = "absent"
    KNOWN_FAILING = "known failing"


class CaseFailed(Exception):
    """A case did not go as it ought to.

    Args:
        complaints: What was not as expected, one line each.
    """

    def __init__(self, *complaints: str) -> None:
        super().__init__(*complaints)
        self.complaints = list(complaints)

    def __str__(self) -> str:
        return "\n".join(self.complaints)


@dataclass(frozen=True)
class Result:
    """One case, run by one subject in one mode.

    Attributes:
        subject: The adapter's name, or `server`.
        mode: `sync` or `async`; "" for vectors and for servers.
        case_id: Its name, with @live if it was run on the live server.
        layer, suite: Where it belongs.
        features: What it needs of an SDK.
        status: How it ended.
        seconds: How long it took.
        complaints: Why it failed, or was skipped.
        context: What may help to understand a failure: the wire log, stderr.
    """

    subject: str
    mode: str
    case_id: str
    layer: str
    suite: str
    features: frozenset[str]
    status: Status
    seconds: float = 0.0
    complaints: tuple[str, ...] = ()
    context: tuple[str, ...] = field(default=())

    @property
    def title(self) -> str:
        """For people: subject, mode and case."""
        return " ".join(part for part in (self.subject, self.mode, self.case_id) if part)
