"""The age of replicas is proven again and again while somebody relies on it, and not longer."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from themis_server.shard.keeping import Keeper


class Timers:
    """A loop of which only the clock and one timer are there."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> object:
        self.due.append((self.now_s + delay_s, callback))
        return callback

    def until(self, end_s: float) -> None:
        while self.due and self.due[0][0] <= end_s:
            self.now_s, callback = self.due.pop(0)
            callback()
        self.now_s = end_s


@pytest.fixture
def timers() -> Timers:
    return Timers()


def keeper(timers: Timers) -> tuple[Keeper, list[float]]:
    refreshed: list[float] = []
    loop: asyncio.AbstractEventLoop = timers  # type: ignore[assignment]
    return Keeper(loop, lambda: refreshed.append(timers.now_s)), refreshed


def test_while_reads_come_in_no_proof_is_older_than_50_ms(timers: Timers) -> None:
    kept, refreshed = keeper(timers)

    for _ in range(20):
        for _ in range(50):
            kept.was_read()
        timers.until(timers.now_s + 0.2)

    gaps = [later - earlier for earlier, later in itertools.pairwise(refreshed)]
    assert refreshed[0] == 100.0
    assert max(gaps) <= 0.05
    assert len(refreshed) <= 4 / 0.02, "it does not depend on how many read"


def test_when_nobody_reads_any_more_it_ends_and_begins_again_with_the_next_read(timers: Timers) -> None:
    kept, refreshed = keeper(timers)
    kept.was_read()
    timers.until(110)
    count = len(refreshed)
    assert refreshed[-1] <= 101.0
    assert not timers.due

    timers.until(120)
    assert len(refreshed) == count
    kept.was_read()
    assert refreshed[-1] == 120.0
