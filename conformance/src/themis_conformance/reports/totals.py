"""How many cases passed, by subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from themis_conformance.outcome import Result, Status

__all__ = ["Totals"]

_MORE = (Status.SKIPPED, Status.ABSENT, Status.KNOWN_FAILING)


@dataclass(frozen=True)
class Totals:
    """Counts by subject, in the order in which the subjects were judged."""

    counts: dict[str, Counter[Status]]

    @classmethod
    def of(cls, results: Iterable[Result]) -> Totals:
        """Count."""
        counts: dict[str, Counter[Status]] = {}
        for result in results:
            counts.setdefault(result.subject, Counter())[result.status] += 1
        return cls(counts)

    @property
    def failed(self) -> int:
        """Over all subjects."""
        return sum(count[Status.FAILED] for count in self.counts.values())

    def lines(self) -> list[str]:
        """`python: 700 passed, 0 failed`, and what else there was."""
        lines: list[str] = []
        for subject, count in self.counts.items():
            more = "".join(f", {count[status]} {status.value}" for status in _MORE if count[status])
            lines.append(f"{subject}: {count[Status.PASSED]} passed, {count[Status.FAILED]} failed{more}")
        return lines
