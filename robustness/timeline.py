"""What happened when: faults, leaders, and what was noted, on the clock of the history."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Final

import msgspec

from robustness.cluster import Cluster
from robustness.history import now

_SAMPLE_S: Final = 0.5


class Band(msgspec.Struct):
    """A fault, from its start to the end of its taking back; `healed` is when that began. All in ns."""

    name: str
    begun: int
    healed: int
    ended: int
    notes: list[str] = []


class Sample(msgspec.Struct, frozen=True):
    """Who led what at a time, as one node saw it."""

    at: int
    leaders: Mapping[str, str | None]


class Timeline(msgspec.Struct):
    """The run, beside its operations."""

    begun: int
    bands: list[Band] = []
    samples: list[Sample] = []

    def changes(self) -> dict[str, list[tuple[int, str | None]]]:
        """Return, by shard, when somebody else was first seen to lead it."""
        found: dict[str, list[tuple[int, str | None]]] = {}
        for sample in self.samples:
            for shard, leader in sample.leaders.items():
                seen = found.setdefault(shard, [])
                if not seen or seen[-1][1] != leader:
                    seen.append((sample.at, leader))
        return found


async def watch(cluster: Cluster, timeline: Timeline) -> None:
    """Sample the leaders until cancelled. A node that stands still is asked in vain, and another one next time."""
    turn = 0
    names = list(cluster.nodes)
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            order = names[turn:] + names[:turn]
            leaders = await asyncio.to_thread(cluster.leaders, order)
            if leaders:
                timeline.samples.append(Sample(now(), leaders))
            turn = (turn + 1) % len(names)
            await asyncio.sleep(_SAMPLE_S)
