"""May this replica answer this read? The rule, and nothing but the rule: no clock, no waiting, no storage.

    strong     what it answers includes every write that was acknowledged before the read began
    bounded    what it answers includes every write that was acknowledged `max_lag_ms` before it was read, or earlier
    eventual   what it answers was the state once
    session    whatever the level: what it answers includes the version that the caller has seen

The order of looking decides whether the rule holds, because another thread applies writes meanwhile:

    1  `Before`   version and freshness: the state that is read next is at least as new
    2  storage
    3  `judge`    lease and time: while the lease holds at this moment, nobody else can have acknowledged a write; and
                  `version_ahead`: what the read may have seen of writes that became visible meanwhile

Source: Ongaro, "Consensus: Bridging Theory and Practice" (2014), section 6.4, for reads by ReadIndex and by lease.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Final, Literal, NamedTuple, Protocol

from themis_server.replication.membership import Members

Role = Literal["leader", "follower", "learner"]

ROLES: Final[tuple[Role, ...]] = ("leader", "follower", "learner")
"""From the one that knows most to the one that is asked least."""

_MS_PER_S: Final = 1000


class Level(IntEnum):
    """How fresh a read must be. The numbers are sent to other nodes: never renumber."""

    STRONG = 0
    BOUNDED = 1
    EVENTUAL = 2


class Consistency(NamedTuple):
    """What a caller asks of a read, of however many shards."""

    level: Level = Level.STRONG
    max_lag_ms: int = 0
    """With `Level.BOUNDED`: how old the answer may be."""
    session: Mapping[str, int] = {}
    """From shard id to the version that the caller has seen there."""


STRONG: Final = Consistency()


class Need(NamedTuple):
    """What a read needs of one shard; `version` is what the caller has seen of it, 0 for nothing."""

    level: Level = Level.STRONG
    max_lag_ms: int = 0
    version: int = 0


class View(Protocol):
    """What a replica knows of itself (see replication.views.GroupView, which has more)."""

    @property
    def members(self) -> Members:
        """Who belongs to the group."""
        ...

    @property
    def leader(self) -> int:
        """The Raft id of the leader it follows, 0 if it knows none."""
        ...

    @property
    def is_leader(self) -> bool:
        """Whether it believes that it leads."""
        ...

    @property
    def version(self) -> int:
        """The greatest version that a read of the state is sure to see."""
        ...

    @property
    def version_ahead(self) -> int:
        """The greatest version that a read of the state can have seen."""
        ...

    @property
    def lease_until_s(self) -> float:
        """Until this reading of the monotonic clock no other leader can exist."""
        ...

    @property
    def fresh_at_s(self) -> float:
        """The state includes everything acknowledged before this reading of the monotonic clock; -inf: not known."""
        ...

    @property
    def installs(self) -> int:
        """Counts up when a snapshot begins to replace the state and when it has: odd means that half of it is there."""
        ...

    @property
    def removed(self) -> bool:
        """Whether the group goes on without this replica."""
        ...


class Before(NamedTuple):
    """What was known before storage was read.

    `proven`: a read barrier that began after the request arrived has ended.
    """

    version: int
    fresh_at_s: float
    installs: int
    proven: bool = False


class Serve(NamedTuple):
    """The replica may answer: as what, how far behind at most (None: not known), and having seen which version."""

    role: Role
    lag_ms: int | None
    version: int


class Verdict(Enum):
    """The replica may not answer what it has read."""

    PROVE = "prove"
    """Not before a read barrier has shown how fresh it is, and storage was read again."""
    TOO_OLD = "too_old"
    """It cannot show that it is fresh enough."""
    UNSEEN = "unseen"
    """It has not applied what the caller has seen."""
    NO_STATE = "no_state"
    """Its state is being replaced by a snapshot, or is not kept up any more."""


def judge(raft_id: int, view: View, need: Need, before: Before, now_s: float) -> Serve | Verdict:
    """Say whether what was just read from storage may be answered.

    Args:
        raft_id: the Raft id of the replica's node.
        view: the replica's view of itself, read now, which is after storage was read.
        need: what the read needs.
        before: what was known before storage was read.
        now_s: the monotonic clock, read after storage was read, in seconds.
    """
    if view.installs != before.installs or before.installs & 1 or view.removed:
        return Verdict.NO_STATE
    leased = view.lease_until_s > now_s
    if need.level == Level.STRONG:
        if not leased and not before.proven:
            return Verdict.PROVE
        # Who was deposed while its proof was on the way has a follower's: current when the read began, older now.
        current = leased or view.is_leader
        return Serve(
            role_of(raft_id, view), 0 if current else lag_between(before.fresh_at_s, now_s), view.version_ahead
        )
    if before.version < need.version:
        return Verdict.UNSEEN if before.proven else Verdict.PROVE
    lag_ms = 0 if leased else lag_between(before.fresh_at_s, now_s)
    if need.level == Level.BOUNDED and (lag_ms is None or lag_ms > need.max_lag_ms):
        return Verdict.TOO_OLD if before.proven else Verdict.PROVE
    return Serve(role_of(raft_id, view), lag_ms, view.version_ahead)


def role_of(raft_id: int, view: View) -> Role:
    """Return the role of a replica in the words of the API, which knows no candidates."""
    if view.is_leader:
        return "leader"
    return "learner" if raft_id in view.members.learners else "follower"


def lag_between(fresh_at_s: float, now_s: float) -> int | None:
    """Return how far behind a state is that was fresh at `fresh_at_s`, in ms, rounded up; None if that is not known."""
    if fresh_at_s == -math.inf:
        return None
    return max(math.ceil((now_s - fresh_at_s) * _MS_PER_S), 0)
