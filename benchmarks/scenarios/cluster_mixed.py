"""90 % reads, 10 % durable writes on 1, 3 and 5 nodes at a fixed rate: latency, CPU per request, the highest rate."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import clusters, process, rounds
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, Grid, Series, number, paired_ratio
from benchmarks.load import documents, mixed
from benchmarks.load.filling import fill
from benchmarks.load.paced import Account, Plan, Stream
from benchmarks.servers import ServerError

GROWTH_BAR = Bar(1.1, at_least=False)
P99_MS = 20.0
SIZES = (1, 3, 5)
_SIZES_QUICK = (1, 3)
_RATE_PER_S = 2_000.0
_RATE_QUICK_PER_S = 500.0
_SHARES = {mixed.READ: 0.9, mixed.WRITE: 0.1}
_WARM_UP_S = 0.5
_LADDER_FROM = 1_000.0
_LADDER_FACTOR = 1.25
_LADDER_QUICK_FACTOR = 2.0
_LADDER_TOP = 40_000.0
_LADDERS = 3
_ATTEMPTS = 2
_HELD_UP_MS_MAX = 5.0


@dataclass(frozen=True, slots=True)
class Round:
    """One round at a fixed rate."""

    cpu_ms_per_request: float
    p50_ms: float
    p99_ms: float
    held_up_ms: float


@dataclass(frozen=True, slots=True)
class _Size:
    """A cluster of one size, and its load."""

    cluster: clusters.Cluster
    streams: list[Stream]

    @property
    def name(self) -> str:
        count = len(self.cluster.nodes)
        return f"{count} node{'s' if count > 1 else ''}"


def run(bench: Bench) -> list[Figure]:
    """Measure all sizes in turn at one rate, then step by step up to where each is too slow."""
    quick = bench.effort is rounds.QUICK
    rate = _RATE_QUICK_PER_S if quick else _RATE_PER_S
    with contextlib.ExitStack() as stack:
        sizes = []
        for count in _SIZES_QUICK if quick else SIZES:
            bench.say(f"a cluster of {count}")
            home = bench.scratch / f"of-{count}"
            sizes.append(_size(stack.enter_context(clusters.running(home, count)), bench, home))
        bench.say(f"90/10 at {rate:,.0f} requests/s, {', '.join(size.name for size in sizes)} in turn")
        taken = rounds.alternate(bench.effort, [_at_rate(size, rate) for size in sizes])
        highest: list[list[float]] = [[] for _ in sizes]
        for ladder in range(1 if quick else _LADDERS):
            for size, found in zip(sizes, highest, strict=True):
                found.append(_climb(bench, size, quick, ladder))
                bench.say(f"{size.name}: {found[-1]:,.0f} requests/s with p99 below {P99_MS:.0f} ms")
    return _figures([size.name for size in sizes], rate, taken, highest)


def _size(cluster: clusters.Cluster, bench: Bench, home: Path) -> _Size:
    keys = documents.uuids(min(bench.stored, 20_000))
    fill(cluster.port, keys)
    folder = home.with_suffix(".load")
    folder.mkdir()
    return _Size(cluster, mixed.streams(cluster, folder, keys, _SHARES))


def _at_rate(size: _Size, rate: float) -> Callable[[float, int], Round]:
    """Make the contender that sends a fixed rate, and looks at CPU and latency."""

    def measure(duration_s: float, seed: int) -> Round:
        before_s = size.cluster.cpu_s()
        account = checked(mixed.run(Plan(rate, duration_s, seed, size.streams, _WARM_UP_S)))
        process.wait_until_quiet(*size.cluster.pids)
        used_s = size.cluster.cpu_s() - before_s
        sent = rate * (duration_s + _WARM_UP_S)
        return Round(used_s / sent * 1000, account.latency_ms(0.5), account.latency_ms(0.99), account.held_up_ms)

    return measure


def _climb(bench: Bench, size: _Size, quick: bool, ladder: int) -> float:
    """Raise the rate until p99 is too high twice in a row; returns the highest rate at which it was not."""
    rate, highest = _LADDER_FROM, 0.0
    while rate < _LADDER_TOP:
        for attempt in range(_ATTEMPTS):
            plan = Plan(rate, bench.effort.round_s, 100 * ladder + attempt, size.streams, _WARM_UP_S)
            account = mixed.run(plan)
            if account.held_up_ms > _HELD_UP_MS_MAX:
                bench.say(f"at {rate:,.0f}/s the load itself was {account.held_up_ms:.1f} ms late")
            if not account.failed and account.latency_ms(0.99) < P99_MS:
                break
        else:
            return highest
        highest = rate
        rate *= _LADDER_QUICK_FACTOR if quick else _LADDER_FACTOR
    return highest


def checked(account: Account) -> Account:
    """Make sure that every request was answered well; raises `ServerError`."""
    if account.failed:
        raise ServerError(f"of {account.requests:,} requests failed: {account.failed}")
    return account


def _figures(
    names: Sequence[str], rate: float, taken: Sequence[Sequence[Round]], highest: Sequence[Sequence[float]]
) -> list[Figure]:
    cpu, p50, p99, top = [], [], [], []
    for name, each, found in zip(names, taken, highest, strict=True):
        cpu.append(Series(f"{name}, CPU of 1,000 requests", "CPU-s", tuple(r.cpu_ms_per_request for r in each)))
        p50.append(Series(f"{name}, p50", "ms", tuple(r.p50_ms for r in each)))
        p99.append(Series(f"{name}, p99", "ms", tuple(r.p99_ms for r in each)))
        top.append(Series(f"{name}, highest rate with p99 < {P99_MS:.0f} ms", "requests/s", tuple(found)))
    held_up_ms = max(r.held_up_ms for each in taken for r in each)
    head = (
        "nodes",
        f"p50 at {rate:,.0f}/s",
        "p99",
        "CPU-s per 1,000 requests",
        f"highest rate with p99 < {P99_MS:.0f} ms",
    )
    grid = Grid(
        head,
        tuple(
            (name, *(f"{number(s.median)} {unit}".strip() for s, unit in zip(row, ("ms", "ms", "", "/s"), strict=True)))
            for name, *row in zip(names, p50, p99, cpu, top, strict=True)
        ),
    )
    figures = [
        Figure(
            f"90/10 at {rate:,.0f}/s: CPU per request on {names[-1]}, of {names[-2]}",
            paired_ratio(cpu[-1].rounds, cpu[-2].rounds),
            "ratio",
            GROWTH_BAR if len(names) == len(SIZES) else None,
            tuple(reversed(cpu)),
            f"3 replicas, as far as there are nodes; the load itself was {number(held_up_ms)} ms late (p99)",
            grid,
        )
    ]
    for index, name in enumerate(names):
        figures.append(
            Figure(f"90/10 at {rate:,.0f}/s on {name}, p99", p99[index].median, "ms", None, (p99[index], p50[index]))
        )
        figures.append(
            Figure(
                f"90/10 on {name}, highest rate with p99 < {P99_MS:.0f} ms",
                top[index].median,
                "requests/s",
                None,
                (top[index],),
            )
        )
    return figures
