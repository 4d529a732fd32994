"""The judges: functions from a history to a verdict.

Invariant: a checker passes only what it has proved. What it could not decide is `unknown`, a history that says too
little is `void`, and neither counts as passed. Checkers must not know how a history came about: no server, no clock, no
network. Every rule of every checker is broken on purpose in the tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Result: TypeAlias = Literal["pass", "fail", "unknown", "void"]

_ORDER: dict[Result, int] = {"pass": 0, "void": 1, "unknown": 2, "fail": 3}
_SHOWN_MAX = 20


@dataclass(frozen=True)
class Verdict:
    """What a checker found.

    Attributes:
        checker: Its name.
        result: pass, fail, unknown (could not be decided within its limits) or void (too little to judge).
        problems: What is wrong, each in one line that names keys, clients and times.
        checked: How many things it looked at: operations, keys, reads, as the checker says.
    """

    checker: str
    result: Result
    problems: tuple[str, ...] = field(default=())
    checked: int = 0

    @property
    def passed(self) -> bool:
        """Whether it proved what it is there to prove."""
        return self.result == "pass"

    def __str__(self) -> str:
        shown = "".join(f"\n    {problem}" for problem in self.problems[:_SHOWN_MAX])
        more = len(self.problems) - _SHOWN_MAX
        return f"{self.checker}: {self.result} ({self.checked} checked){shown}" + (
            f"\n    and {more} more" if more > 0 else ""
        )


def verdict(checker: str, problems: Iterable[str], checked: int) -> Verdict:
    """Return fail if there are problems, void if nothing was checked, else pass."""
    found = tuple(problems)
    result: Result = "fail" if found else "pass" if checked else "void"
    return Verdict(checker, result, found, checked)


def worst(verdicts: Iterable[Verdict]) -> Result:
    """Return the worst of several results; void if there is none."""
    results: list[Result] = [each.result for each in verdicts]
    return max(results, key=lambda result: _ORDER[result]) if results else "void"
