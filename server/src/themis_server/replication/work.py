"""What arrives at a driver between two turns, and what limits its work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from themis_server.replication.envelope import Envelope, decode
from themis_server.replication.group import Proposal
from themis_server.replication.ports import Staged


class Arrived(NamedTuple):
    """A snapshot whose content is here: the Raft message that speaks of it is to be taken now."""

    group: int
    sender: int
    message: bytes
    staged: Staged


@dataclass
class Work:
    """What arrived since the last turn."""

    proposals: dict[int, list[Proposal]] = field(default_factory=dict)
    barriers: list[tuple[int, object]] = field(default_factory=list)
    refresh: bool = False
    """Whether the state of every group is to be proven anew, for reads to come."""
    envelopes: list[tuple[int, Envelope]] = field(default_factory=list)
    """(sender, what it said), in the order of arrival; `add_envelope` fills it."""
    connected: list[tuple[int, int]] = field(default_factory=list)
    """(peer, version of the protocol that both speak): a stream to it stands since."""
    disconnected: list[int] = field(default_factory=list)
    """Peers a stream to or from which broke; what was said last may be lost."""
    snapshots: list[Arrived] = field(default_factory=list)
    ticks: int = 0
    tell_commits: bool = False
    """It is time to tell followers what was committed and no entries followed (see `commits`)."""

    def add_envelope(self, sender: int, payload: bytes) -> None:
        """Take an envelope as it came off the wire; raises `MalformedEnvelope`, and then took nothing."""
        self.envelopes.append((sender, decode(payload)))


@dataclass(frozen=True)
class DriverLimits:
    """When the driver splits entries, when it asks for a log to be compacted, and what it may rely on."""

    entry_bytes_max: int = 1 << 20
    compact_entries: int = 20_000
    compact_bytes: int = 16 << 20
    retain_bytes: int = 64 << 20
    """Log of a group that is kept for replicas that lag; beyond it they are sent a snapshot."""
    sync: bool = True
    lease_reads: bool = False
    """A confirmed leader may answer reads without asking again for a while: relies on clocks of about equal speed."""
