"""What a run found: a table for a terminal, a file for programs, and a picture (robustness.picture)."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from robustness.checkers import Verdict, worst
from robustness.picture import draw
from robustness.rounds import Round
from robustness.timeline import Timeline

_PROBLEMS_SHOWN = 6
_MARKS = {"pass": "pass", "fail": "FAIL", "void": "void", "unknown": "unknown"}


class Report(msgspec.Struct):
    """A whole run.

    Attributes:
        nodes: How many nodes the cluster had.
        seed: What chance was drawn from.
        took_s: How long it took.
        rounds: What came of each fault.
        skipped: Faults that could not be tried, and why.
        overall: Verdicts on the history of the whole run, e.g. the second opinion.
        machine: What it ran on.
    """

    nodes: int
    seed: int
    took_s: float
    rounds: list[Round]
    skipped: dict[str, str]
    overall: list[Verdict]
    machine: str

    @property
    def passed(self) -> bool:
        """Whether every round was proved right. One that was not tried does not count; none at all is no proof."""
        return bool(self.rounds) and worst([*_all(self.rounds), *self.overall]) == "pass"


def _all(rounds: Sequence[Round]) -> list[Verdict]:
    return [verdict for each in rounds for verdict in each.verdicts]


def machine() -> str:
    """Describe this machine in a line."""
    return f"{platform.system()} {platform.release()} {platform.machine()}, Python {platform.python_version()}"


def table(report: Report) -> str:
    """Draw the verdicts: a line a fault, and what is wrong below."""
    head = (
        f"{'fault':<20} {'ops':>6} {'ok':>6} {'conflict':>8} {'refused':>7} {'unknown':>7}  {'longest gap':<22} verdict"
    )
    lines = [head, "-" * len(head)]
    for each in report.rounds:
        counts = [each.outcomes.get(name, 0) for name in ("ok", "conflict", "refused", "unknown")]
        lines.append(
            f"{each.fault:<20} {each.operations:>6,} {counts[0]:>6,} {counts[1]:>8,} {counts[2]:>7,} {counts[3]:>7,}  "
            f"{_gap(each.gaps_s):<22} {_summary(each.verdicts)}"
        )
    lines += [f"{name:<20} not tried: needs {why}" for name, why in report.skipped.items()]
    lines += ["", *(str(verdict) for verdict in report.overall)]
    for each in report.rounds:
        for verdict in each.verdicts:
            if not verdict.passed:
                lines.append(f"{each.fault}: {_first_problems(verdict)}")
    tried = f"{sum(each.result == 'pass' for each in report.rounds)} of {len(report.rounds)} rounds passed"
    operations = sum(each.operations for each in report.rounds)
    lines.append(f"{tried}, {len(report.skipped)} not tried; {operations:,} operations in {report.took_s:,.0f} s")
    return "\n".join(lines)


def _gap(gaps_s: Mapping[str, float]) -> str:
    if not gaps_s:
        return "-"
    shard = max(gaps_s, key=lambda name: gaps_s[name])
    return f"{gaps_s[shard]:6.2f} s in {shard}"


def _summary(verdicts: Sequence[Verdict]) -> str:
    result = worst(verdicts)
    if result == "pass":
        return f"pass ({', '.join(f'{each.checker} {each.checked}' for each in verdicts if each.checked > 1)})"
    bad = ", ".join(f"{each.checker} {_MARKS[each.result]}" for each in verdicts if not each.passed)
    return f"{_MARKS[result]}: {bad}"


def _first_problems(verdict: Verdict) -> str:
    shown = verdict.problems[:_PROBLEMS_SHOWN]
    more = len(verdict.problems) - len(shown)
    return (
        f"{verdict.checker} {verdict.result}"
        + "".join(f"\n    {problem}" for problem in shown)
        + (f"\n    and {more} more" if more > 0 else "")
    )


def write(report: Report, timeline: Timeline, history: Sequence[Any], directory: Path) -> list[Path]:
    """Write report.json, report.txt and timeline.svg; returns where they are."""
    directory.mkdir(parents=True, exist_ok=True)
    files = [directory / name for name in ("report.json", "report.txt", "timeline.svg")]
    encoded = msgspec.json.encode({"passed": report.passed, **msgspec.to_builtins(report)})
    files[0].write_bytes(msgspec.json.format(encoded) + b"\n")
    files[1].write_text(table(report) + "\n")
    files[2].write_text(draw(timeline, history))
    return files
