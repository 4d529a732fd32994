"""What the rest of the node may see of a group without asking: written by the Raft thread, read anywhere.

Each attribute is written by itself, after the state write that it speaks of is visible, and read by itself. So a reader
that needs two of them to fit together reads the one that can only get worse last: a strong read takes its value from
storage first and looks at `lease_until_s` afterwards. There is one object for a replica's whole life.
"""

from __future__ import annotations

from math import inf

import msgspec

from themis_server.replication.membership import NOBODY, Members


class GroupView:
    """One group of this node as of the last turn."""

    __slots__ = (
        "applied",
        "config_epoch",
        "fresh_at_s",
        "group",
        "installs",
        "is_leader",
        "leader",
        "lease_until_s",
        "members",
        "quiesced",
        "released",
        "removed",
        "role",
        "settled",
        "sole_voter",
        "term",
        "version",
        "version_ahead",
    )

    def __init__(self, group: int) -> None:
        self.group = group
        self.role = "follower"
        """leader, follower, candidate, pre_candidate; a learner is a follower (see `members`)."""
        self.leader = 0
        """Raft id of who leads, as far as known; 0: nobody is known to."""
        self.term = 0
        self.is_leader = False
        self.sole_voter = False
        """This replica alone decides what is committed."""
        self.applied = 0
        """Index of the last log entry whose effects are visible in the state."""
        self.version = 0
        """The machine's last version; everything up to it is visible in the state."""
        self.version_ahead = 0
        """No version in the state is above it: raised before a state write becomes visible, so that who reads it after
        reading the state names everything that was seen."""
        self.installs = 0
        """Odd while a snapshot takes the place of the state, which then must not be read; a reader compares it before
        and after."""
        self.lease_until_s = 0.0
        """Until this reading of `clock.monotonic_s()` nobody else can lead: `inf` for a sole voter, 0 for no lease."""
        self.fresh_at_s = -inf
        """The state includes everything that was acknowledged before this reading. A leader does not use it."""
        self.members: Members = NOBODY
        self.settled = True
        """The membership in force is the one that was asked for; on the leader: and a majority knows it."""
        self.config_epoch = 0
        """The epoch of the topology that last said whom the group shall consist of."""
        self.removed = False
        """A committed change took this replica out of the group: nobody reads from it any more."""
        self.released = False
        """Most of those who stay know of that change: it can be destroyed."""
        self.quiesced = False
        """Nothing happens in the group, and its clock stands."""


class GroupStatus(msgspec.Struct, frozen=True):
    """A group as operators see it."""

    group: int
    role: str
    leader: int
    term: int
    commit: int
    applied: int
    log_entries: int
    log_bytes: int
    voters: tuple[int, ...] = ()
    learners: tuple[int, ...] = ()
    settled: bool = True
    quiesced: bool = False
    match: dict[int, int] = {}
    """On the leader: up to which index each replica is known to have the log."""
