"""Writing figures down: JSON with every round, and a table for people."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.figures import Figure, Series, number
from benchmarks.machine import Machine
from benchmarks.rounds import Effort

LATEST = "latest.md"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one scenario came to; `failure` says why it has no figures."""

    scenario: str
    measured_at: datetime.datetime
    took_s: float
    effort: Effort
    figures: tuple[Figure, ...]
    failure: str = ""

    @property
    def missed(self) -> bool:
        """Whether a bar was not cleared, or the scenario failed."""
        return bool(self.failure) or any(figure.verdict == "missed" for figure in self.figures)


@dataclass(frozen=True, slots=True)
class Record:
    """A results file."""

    machine: Machine
    scenarios: dict[str, Outcome]


def write(machine: Machine, outcomes: Sequence[Outcome], folder: Path) -> list[Path]:
    """Write the day's JSON file, and the table; returns both paths.

    Scenarios that were measured earlier on the same day and kind of machine, and not now, stay in both with their
    own time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    today = max(outcome.measured_at for outcome in outcomes).date()
    file = folder / f"{today}-{machine.slug}.json"
    scenarios = read(file).scenarios if file.exists() else {}
    scenarios |= {outcome.scenario: outcome for outcome in outcomes}
    record = Record(machine, scenarios)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    table = folder / LATEST
    table.write_text(markdown(record), encoding="utf-8")
    return [file, table]


def read(file: Path) -> Record:
    """Read a results file."""
    return msgspec.json.decode(file.read_bytes(), type=Record)


def markdown(record: Record) -> str:
    """Draw the figures, their rounds, and the machine."""
    parts = [
        "# Benchmarks",
        "",
        "Made by `./themis bench`; how each figure is taken is written in benchmarks/README.md.",
        "",
        *_table(
            ("figure", "measured", "bar", "", "spread of the rounds"),
            [_line(figure) for outcome in record.scenarios.values() for figure in outcome.figures],
        ),
        "",
    ]
    for outcome in record.scenarios.values():
        parts += [f"## {outcome.scenario}", "", _how(outcome), ""]
        rows = [_rounds(series) for figure in outcome.figures for series in figure.series]
        if rows:
            parts += [*_table(("series", "median", "least", "greatest", "unit"), rows), ""]
        for grid in (figure.grid for figure in outcome.figures if figure.grid):
            parts += [*_table(grid.head, grid.rows), ""]
        parts += [f"- {figure.name}: {figure.note}" for figure in outcome.figures if figure.note]
        parts += [""] if parts[-1] else []
    parts += ["## Machine", "", *_table(("fact", ""), _facts(record.machine)), ""]
    return "\n".join(parts)


def _line(figure: Figure) -> tuple[str, ...]:
    measured = "-" if figure.value is None else f"{number(figure.value)} {figure.unit}"
    bar = str(figure.bar) if figure.bar else ""
    verdict = f"**{figure.verdict}**" if figure.verdict == "missed" else figure.verdict
    return figure.name, measured, bar, verdict, f"{figure.spread:.0%}" if figure.series else ""


def _rounds(series: Series) -> tuple[str, ...]:
    return series.name, *(number(v) for v in (series.median, min(series.rounds), max(series.rounds))), series.unit


def _how(outcome: Outcome) -> str:
    effort = outcome.effort
    text = (
        f"{outcome.measured_at:%Y-%m-%d %H:%M} UTC, {effort.rounds} rounds of {number(effort.round_s)} s "
        f"after {number(effort.warm_up_s)} s of warm-up, {outcome.took_s:.0f} s in all."
    )
    return f"{text} **Failed:** {outcome.failure}" if outcome.failure else text


def _facts(machine: Machine) -> list[tuple[str, ...]]:
    return [
        ("CPU", f"{machine.cores} cores, {machine.cpu}"),
        ("memory", f"{machine.memory_gib} GiB"),
        ("system", f"{machine.system} {machine.kernel}"),
        ("Python", machine.python),
        ("disk", f"{machine.syncs_per_s:,.0f} appends with fdatasync per second"),
        ("load average before", str(machine.load_before)),
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
