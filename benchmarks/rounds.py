"""Measuring in rounds that alternate between what is compared."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from benchmarks import process
from benchmarks.figures import Series
from benchmarks.load import wrk
from benchmarks.servers import Running

R = TypeVar("R")

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Effort:
    """How long and how often is measured."""

    rounds: int
    round_s: float
    warm_up_s: float


QUICK = Effort(rounds=3, round_s=1, warm_up_s=1)
FULL = Effort(rounds=7, round_s=2, warm_up_s=2)


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of a load on a server."""

    report: wrk.Report
    cpu_s: float

    @property
    def requests_per_cpu_s(self) -> float:
        """Answers per second of CPU that the server's processes used."""
        return self.report.requests / self.cpu_s


def sample(server: Running, load: wrk.Load, duration_s: float, seed: int) -> Sample:
    """Put a load on a server once; raises as `take` does."""
    return take([server.pid], lambda: wrk.run(server.port, load, duration_s, seed), seed)


def take(pids: Sequence[int], run: Callable[[], wrk.Report], number: int) -> Sample:
    """Let a load run once on servers; the CPU of all of them is counted until they are quiet again.

    A round in which nothing at all was answered is taken again, for a shared disk may stand still for seconds.

    Raises:
        WrkError: A request failed, or nothing was answered time after time.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        before_s = process.cpu_s_of(pids)
        try:
            report = run()
        except wrk.StandstillError as error:
            if attempt == _ATTEMPTS:
                raise
            print(f"    {error} in round {number}; it is taken again", file=sys.stderr, flush=True)
            process.wait_until_quiet(*pids)
            continue
        process.wait_until_quiet(*pids)
        return Sample(report, process.cpu_s_of(pids) - before_s)
    raise AssertionError("the last attempt returns or raises")


def alternate(effort: Effort, contenders: Sequence[Callable[[float, int], R]]) -> list[list[R]]:
    """Warm every contender up, then let them measure in turn, round by round.

    Args:
        effort: How often and how long.
        contenders: Called with the duration in seconds and the round's number (0 is the warm-up).

    Returns:
        For each contender its rounds.
    """
    for contender in contenders:
        contender(effort.warm_up_s, 0)
    rounds: list[list[R]] = [[] for _ in contenders]
    for number in range(1, effort.rounds + 1):
        # Every other round begins with the other end, so that none always follows the same neighbour.
        order = range(len(contenders)) if number % 2 else reversed(range(len(contenders)))
        for index in order:
            rounds[index].append(contenders[index](effort.round_s, number))
    return rounds


Contender = Callable[[float, int], Sample]


def contender(server: Running, load: wrk.Load) -> Contender:
    """Make the contender that puts `load` on `server`."""
    return lambda duration_s, number: sample(server, load, duration_s, number)


def per_cpu_s(name: str, samples: Sequence[Sample], *, times: int = 1, unit: str = "requests/CPU-s") -> Series:
    """Make the series of requests (`times` something in each) per CPU-second."""
    return Series(name, unit, tuple(each.requests_per_cpu_s * times for each in samples))


def per_s(name: str, samples: Sequence[Sample], *, times: int = 1, unit: str = "requests/s") -> Series:
    """Make the series of requests (`times` something in each) per second of wall clock."""
    return Series(name, unit, tuple(each.report.requests_per_s * times for each in samples))


def p99_ms(name: str, samples: Sequence[Sample]) -> Series:
    """Make the series of latencies that 99 % of the requests stayed below."""
    return Series(f"{name}, p99", "ms", tuple(each.report.p99_us / 1000 for each in samples))
