"""What the driver needs of the world, as protocols: wires, snapshots, somebody who measures.

All of it is called on the driver's thread, and none of it may block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import themis_raft
from themis_server.replication.log import HardState


class Transport(Protocol):
    """Carries envelopes to other nodes, in order or not at all."""

    def send(self, to: int, envelope: bytes) -> None:
        """Send an envelope to the node with that Raft id. Never blocks; losing it is allowed."""
        ...


class Observer(Protocol):
    """Is told what the driver does, for metrics."""

    def logged(self, entries: int, size_bytes: int, sync_s: float) -> None:
        """A log write of `entries` was made durable in `sync_s` seconds (0 where it was not synced)."""
        ...

    def applied(self, entries: int, duration_s: float) -> None:
        """Committed `entries` were applied in `duration_s` seconds."""
        ...

    def stalled(self, full: bool) -> None:
        """The disk became full, or has space again."""
        ...


@dataclass(frozen=True, slots=True)
class Provided:
    """A snapshot that stands ready to be sent: where in the log it was taken, and what to say about it."""

    index: int
    term: int
    conf_state: bytes
    manifest: bytes
    """Travels in the Raft message; names the content, which travels beside it."""


class Staged(Protocol):
    """The content of a snapshot, received and verified, on this node's disk and not in force yet."""


class Snapshots(Protocol):
    """Makes, sends and installs the states of groups."""

    def request(self, group: int, to: int, lowest_index: int, membership: bytes) -> Provided | None:
        """Take a snapshot for replica `to`, which can use none below `lowest_index`.

        None: not now; Raft asks again with that replica's next heartbeat answer. `membership` is what the group's
        log begins with, for a machine that remembers none of its own.
        """
        ...

    def outgoing(self, group: int, to: int, message: bytes, manifest: bytes) -> None:
        """Send the content that `manifest` names, and last the Raft message. The end goes to `Driver.snapshot_sent`."""
        ...

    def install(
        self, group: int, staged: Staged, snapshot: themis_raft.Snapshot, hard_state: HardState
    ) -> Iterator[None]:
        """Put a state in place of the group's own, in slices of a few milliseconds; exhausted: it is durable.

        The group's log then is empty and begins after the snapshot. A crash in between is made good at the next
        start. Raises `SnapshotMismatch` before anything is changed if the message speaks of other content.
        """
        ...

    def destroy(self, group: int, hard_state: HardState) -> Iterator[None]:
        """Remove a group's state and log, in slices. Its hard state stays: the node may come back and has voted."""
        ...

    def discard(self, staged: Staged) -> None:
        """Forget a content that Raft had no use for."""
        ...
