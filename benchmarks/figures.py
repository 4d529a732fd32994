"""What a measurement comes to: series of rounds, figures, and the bars they have to clear."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["met", "missed", "no bar", "not measured"]


@dataclass(frozen=True, slots=True)
class Series:
    """One thing measured in several rounds."""

    name: str
    unit: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle round."""
        return statistics.median(self.rounds)

    @property
    def spread(self) -> float:
        """How far the rounds are apart: (greatest - least) / median."""
        return (max(self.rounds) - min(self.rounds)) / self.median if self.median else 0.0


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must reach (`at_least`) or must stay below."""

    limit: float
    at_least: bool = True

    def cleared_by(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value >= self.limit if self.at_least else value < self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<'} {number(self.limit)}"


@dataclass(frozen=True, slots=True)
class Grid:
    """Numbers that are read side by side: a table of its own in the report."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `value` is None if it could not be measured, and `note` then says why."""

    name: str
    value: float | None
    unit: str
    bar: Bar | None = None
    series: tuple[Series, ...] = ()
    note: str = ""
    grid: Grid | None = None

    @property
    def verdict(self) -> Verdict:
        """Whether the bar is cleared."""
        if self.value is None:
            return "not measured"
        if self.bar is None:
            return "no bar"
        return "met" if self.bar.cleared_by(self.value) else "missed"

    @property
    def spread(self) -> float:
        """How far the rounds are apart that the value was made of: the first series, and those in the same unit."""
        return max((series.spread for series in self.series if series.unit == self.series[0].unit), default=0.0)


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Compare two series whose rounds alternated: the median of the ratios of neighbouring rounds.

    A machine that slows down for a while slows both halves of a pair, which a ratio of medians would not forgive.

    Raises:
        ValueError: The series differ in length, are empty, or have a round of zero to divide by.
    """
    if not ours or len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} rounds cannot be paired with {len(theirs)}")
    if not all(theirs):
        raise ValueError("a round of zero cannot be compared with")
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def number(value: float) -> str:
    """Write a number with about three digits that matter."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".") if value < 10 else f"{value:.1f}".removesuffix(".0")
