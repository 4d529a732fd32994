"""Counters, gauges and histograms that cost next to nothing to change.

A metric object has one writer, the event loop: its numbers are plain attributes, changed without a lock; a worker
thread hands its measurement back to the loop. Label values are resolved once into a child object that the hot path
keeps. From then on counting is one addition and observing is one bisect.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

__all__ = ["Counter", "Distribution", "Family", "Gauge", "Histogram", "Kind", "MetricSpec", "Registry"]

_CHILDREN_MAX: Final = 5_000


class Kind(StrEnum):
    """What a metric is to Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """The definition of a metric: its name with its unit last, its help, its labels, a histogram's bucket bounds."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


class Counter:
    """A number that only grows. `value` may be added to directly where a call would cost too much."""

    __slots__ = ("value",)

    def __init__(self, spec: MetricSpec) -> None:
        self.value: float = 0

    def inc(self, amount: float = 1) -> None:
        """Add `amount`."""
        self.value += amount


class Gauge:
    """A number that goes up and down, or is read from a function when somebody looks."""

    __slots__ = ("_read", "value")

    def __init__(self, spec: MetricSpec) -> None:
        self.value: float = 0
        self._read: Callable[[], float] | None = None

    def set(self, value: float) -> None:
        """Set the value."""
        self.value = value

    def inc(self, amount: float = 1) -> None:
        """Add `amount`."""
        self.value += amount

    def dec(self, amount: float = 1) -> None:
        """Take `amount` away."""
        self.value -= amount

    def follow(self, read: Callable[[], float]) -> None:
        """From now on, ask `read` for the value at every scrape."""
        self._read = read

    def current(self) -> float:
        """Return the value as of now."""
        return self.value if self._read is None else self._read()


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a histogram held at one moment: `counts[i]` observations fell into bucket `i`, the last of which is open."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float

    @property
    def count(self) -> int:
        """Number of observations."""
        return sum(self.counts)

    def __add__(self, other: Distribution) -> Distribution:
        """Return both together; they must have the same bounds."""
        return self._combine(other, 1)

    def __sub__(self, earlier: Distribution) -> Distribution:
        """Return what came since `earlier`, a snapshot of the same histogram."""
        return self._combine(earlier, -1)

    def _combine(self, other: Distribution, sign: int) -> Distribution:
        if self.bounds != other.bounds:
            raise ValueError("these distributions have different buckets")
        counts = tuple(mine + sign * theirs for mine, theirs in zip(self.counts, other.counts, strict=True))
        return Distribution(self.bounds, counts, self.sum + sign * other.sum)

    def quantile(self, q: float) -> float | None:
        """Estimate the `q` quantile (0..1), linear within a bucket as Prometheus' histogram_quantile does.

        Returns None without observations. An estimate never leaves its bucket, so its error is at most the bucket's
        width; beyond the last bound that bound is returned.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"a quantile lies within 0..1: {q}")
        total = self.count
        if total == 0:
            return None
        rank = q * total
        below = 0
        for index, count in enumerate(self.counts):
            if count and below + count >= rank:
                if index == len(self.bounds):
                    return self.bounds[-1]
                upper = self.bounds[index]
                lower = self.bounds[index - 1] if index else min(0.0, upper)
                return lower + (upper - lower) * max(0.0, rank - below) / count
            below += count
        return self.bounds[-1]


class Histogram:
    """Counts observations by size. `bounds`, `counts` and `sum` are public for hot paths that inline `observe`."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, spec: MetricSpec) -> None:
        self.bounds = spec.bounds
        self.counts = [0] * (len(spec.bounds) + 1)
        self.sum: float = 0.0

    def observe(self, value: float) -> None:
        """Count `value`, in the unit of the metric's name."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def snapshot(self) -> Distribution:
        """Return the current contents."""
        return Distribution(self.bounds, tuple(self.counts), self.sum)


Child = TypeVar("Child", Counter, Gauge, Histogram)


class Family(Generic[Child]):
    """One metric with all its children, one per combination of label values."""

    __slots__ = ("_children", "_make", "spec")

    def __init__(self, spec: MetricSpec, make: Callable[[MetricSpec], Child]) -> None:
        self.spec = spec
        self._make: Callable[[MetricSpec], Child] = make
        self._children: dict[tuple[str, ...], Child] = {}

    def labels(self, *values: str) -> Child:
        """Return the child of these label values, made at the first call; keep it, do not ask on a hot path."""
        child = self._children.get(values)
        if child is None:
            if len(values) != len(self.spec.labels):
                raise ValueError(f"{self.spec.name} has the labels {self.spec.labels}, not {len(values)} of them")
            # Label values come from a closed set; somebody who puts a key or a path there is stopped here.
            if len(self._children) >= _CHILDREN_MAX:
                raise ValueError(f"{self.spec.name} has more than {_CHILDREN_MAX} combinations of label values")
            child = self._children[values] = self._make(self.spec)
        return child

    def children(self) -> Iterator[tuple[tuple[str, ...], Child]]:
        """Iterate over label values and children, in the order in which they were made."""
        yield from self._children.items()

    def forget(self, *values: str) -> None:
        """Drop the child of these label values (a shard that moved away), so that it is no longer shown."""
        self._children.pop(values, None)


AnyFamily = Family[Counter] | Family[Gauge] | Family[Histogram]


class Registry:
    """All metrics of a process, in the order in which they were defined."""

    def __init__(self) -> None:
        self._families: dict[str, AnyFamily] = {}
        self._hooks: list[Callable[[], None]] = []

    def counter(self, spec: MetricSpec) -> Family[Counter]:
        """Define a counter."""
        return self._define(Family(_checked(spec, Kind.COUNTER), Counter))

    def gauge(self, spec: MetricSpec) -> Family[Gauge]:
        """Define a gauge."""
        return self._define(Family(_checked(spec, Kind.GAUGE), Gauge))

    def histogram(self, spec: MetricSpec) -> Family[Histogram]:
        """Define a histogram."""
        return self._define(Family(_checked(spec, Kind.HISTOGRAM), Histogram))

    def before_scrape(self, hook: Callable[[], None]) -> None:
        """Call `hook` before every scrape; it reads figures from elsewhere and sets metrics."""
        self._hooks.append(hook)

    def hooks(self) -> tuple[Callable[[], None], ...]:
        """Return what is to be called before a scrape."""
        return tuple(self._hooks)

    def families(self) -> tuple[AnyFamily, ...]:
        """Return all metrics."""
        return tuple(self._families.values())

    def _define(self, family: Family[Child]) -> Family[Child]:
        if family.spec.name in self._families:
            raise ValueError(f"{family.spec.name} is defined already")
        self._families[family.spec.name] = family
        return family


def _checked(spec: MetricSpec, kind: Kind) -> MetricSpec:
    if spec.kind is not kind:
        raise ValueError(f"{spec.name} is a {spec.kind}, not a {kind}")
    if kind is Kind.HISTOGRAM and (not spec.bounds or list(spec.bounds) != sorted(set(spec.bounds))):
        raise ValueError(f"{spec.name} needs bucket bounds in growing order")
    if any(math.isnan(bound) or math.isinf(bound) for bound in spec.bounds):
        raise ValueError(f"{spec.name}: every bound is a finite number, the last bucket is open anyway")
    return spec
