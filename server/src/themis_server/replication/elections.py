"""How long each voter waits for a leader before it stands for election.

Given, not drawn: a voter's wait follows from its rank among the voters of its group, so no two stand at once, and a run
can be repeated. Ranks differ from group to group, so the groups of a dead node go to many successors.

With check-quorum a voter refuses its vote, and its pre-vote, until it has heard nothing of a leader for
`election_ticks`. Whoever stands before all others have passed that is refused and has lost a whole wait. The others
heard the leader up to a heartbeat interval later, so the first in rank waits for that too.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class RaftTiming:
    """How fast time runs for a group: how long a tick is, seconds, and the rest in ticks."""

    election_ticks: int = 10
    heartbeat_ticks: int = 2
    tick_s: float = 0.05

    @property
    def lease_s(self) -> float:
        """How long after a quorum confirmed its leader nobody else can be elected, with clocks up to a tenth apart.

        A voter refuses its vote for election_ticks after it heard the leader; the first of these may be cut short,
        and each may come up to a tick late and the next in time again.
        """
        return (0.8 * self.election_ticks - 1) * self.tick_s


def election_timeout(group: int, me: int, voters: Iterable[int], timing: RaftTiming) -> int:
    """Return how many ticks `me` waits for a leader of `group`, in [election_ticks, 2 x election_ticks)."""
    order = sorted(set(voters) | {me}, key=lambda voter: (zlib.crc32(b"%d/%d" % (group, voter)), voter))
    first = timing.election_ticks + max(1, timing.heartbeat_ticks // 2)
    last = 2 * timing.election_ticks - 1
    return min(first + timing.heartbeat_ticks * order.index(me), last)
