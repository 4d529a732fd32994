"""Rounds alternate, the warm-up does not count, and only the server's CPU does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import rounds
from benchmarks.load.wrk import Report
from benchmarks.rounds import Effort, Sample

_EFFORT = Effort(rounds=4, round_s=2, warm_up_s=5)


def sample(requests: int, cpu_s: float) -> Sample:
    return Sample(Report(requests, 2_000_000, requests * 400, {}, 1_000, 5_000), cpu_s)


def test_the_contenders_take_turns_and_the_warm_up_is_left_out() -> None:
    calls: list[str] = []

    def contender(name: str) -> Callable[[float, int], str]:
        def run(duration_s: float, number: int) -> str:
            calls.append(f"{name}{number}:{duration_s:g}")
            return f"{name}{number}"

        return run

    result = rounds.alternate(_EFFORT, [contender("a"), contender("b")])

    assert result == [["a1", "a2", "a3", "a4"], ["b1", "b2", "b3", "b4"]]
    assert calls == ["a0:5", "b0:5", "a1:2", "b1:2", "b2:2", "a2:2", "a3:2", "b3:2", "b4:2", "a4:2"]


def test_a_rate_is_per_cpu_second_and_not_per_second() -> None:
    samples = [sample(10_000, 0.5), sample(12_000, 0.5)]

    assert list(rounds.per_cpu_s("GET", samples).rounds) == [20_000, 24_000]
    assert list(rounds.per_s("GET", samples).rounds) == [5_000, 6_000]


def test_a_batch_counts_as_many_entities_as_it_has() -> None:
    series = rounds.per_cpu_s("batch", [sample(1_000, 1.0)], times=100, unit="entities/CPU-s")

    assert list(series.rounds) == [100_000]
    assert series.unit == "entities/CPU-s"


def test_latency_is_told_in_milliseconds() -> None:
    assert list(rounds.p99_ms("GET", [sample(1, 1)]).rounds) == pytest.approx([5.0])
