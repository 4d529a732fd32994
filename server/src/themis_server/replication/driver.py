"""One turn over all Raft groups of a node. No threads and no clock of its own: the thread and the simulator turn it
alike.

                   proposals   messages   ticks
                        |          |        |
    turn:   1  propose / step / tick          every group that has something to do
            2  ready                          what each group wants to persist, send and apply
            3  log.commit                     ONE write and ONE sync for all groups; messages that may go first go first
            4  send, advance                  what had to wait for the sync
            5  apply                          committed entries of all groups into ONE write of the state
            6  completions                    whose proposals ended, and how

Everything that arrives while a sync is under way waits for the next turn, and shares it: that is the group commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from themis_server.clock import Clock
from themis_server.replication.group import Completion, Group, GroupStatus, Proposal
from themis_server.replication.log import Log
from themis_server.statemachine import version
from themis_server.storage.engine import DiskFull, Engine, Overlay


class UnexpectedSnapshot(Exception):
    """A snapshot arrived from a peer of another release."""


class Transport(Protocol):
    """Carries encoded Raft messages to other nodes, in order or not at all."""

    def send(self, group: int, messages: list[tuple[int, bytes]]) -> None:
        """Send each message to the node with that Raft id. Never blocks; losing a message is allowed."""
        ...


class Observer(Protocol):
    """Is told what the driver does, for metrics. Called on the driver's thread."""

    def logged(self, entries: int, size_bytes: int, sync_s: float) -> None:
        """A log write of `entries` was made durable in `sync_s` seconds (0 where it was not synced)."""
        ...

    def applied(self, entries: int, duration_s: float) -> None:
        """Committed `entries` were applied in `duration_s` seconds."""
        ...

    def stalled(self, full: bool) -> None:
        """The disk became full, or has space again."""
        ...


@dataclass
class Work:
    """What arrived since the last turn."""

    proposals: dict[int, list[Proposal]] = field(default_factory=dict)
    messages: dict[int, list[bytes]] = field(default_factory=dict)
    barriers: list[tuple[int, object]] = field(default_factory=list)
    ticks: int = 0


@dataclass(frozen=True)
class DriverLimits:
    """When the driver splits entries, and when it asks for a log to be compacted."""

    entry_bytes_max: int = 1 << 20
    compact_entries: int = 20_000
    compact_bytes: int = 16 << 20
    sync: bool = True


class Driver:
    """Drives every group of this node. Belongs to one thread."""

    def __init__(
        self,
        log: Log,
        state: Engine,
        groups: Iterable[Group],
        clock: Clock,
        observer: Observer,
        limits: DriverLimits,
        transport: Transport | None = None,
        wait_for_space: Callable[[], None] | None = None,
    ) -> None:
        self._log = log
        self._state = state
        self.groups = {group.id: group for group in groups}
        self._clock = clock
        self._observer = observer
        self._limits = limits
        self._transport = transport
        self._wait_for_space = wait_for_space
        self._ended: list[Completion] = []

    def start(self) -> list[Completion]:
        """Make new groups durable, and let groups that this node alone votes in elect it at once."""
        write = self._log.new_write()
        for group in self.groups.values():
            if group.is_new:
                group.log_genesis(write)
        if write:
            self._log.commit(write, sync=True)
        for group in self.groups.values():
            if group.is_sole_voter:
                group.raft.campaign()
        return self.turn(Work())

    def turn(self, work: Work) -> list[Completion]:
        """Take what arrived, bring every group as far as it will go, and return whose proposals and barriers ended."""
        done = self._ended = []
        proposed = version.from_unix_ms(self._clock.unix_ms())
        for group_id, messages in work.messages.items():
            if (group := self.groups.get(group_id)) is not None:
                group.raft.step(messages)
        for _ in range(work.ticks):
            for group in self.groups.values():
                group.raft.tick()
        for group_id, proposals in work.proposals.items():
            done += self.groups[group_id].propose(proposals, proposed, self._limits.entry_bytes_max)
        for group_id, handle in work.barriers:
            refused = self.groups[group_id].read_barrier(handle)
            if refused is not None:
                done.append(refused)
        while busy := [group for group in self.groups.values() if group.raft.has_ready()]:
            self._advance(busy, done)
        return done

    def _advance(self, busy: Sequence[Group], done: list[Completion]) -> None:
        write = self._log.new_write()
        entries = size = 0
        must_sync = False
        readies = []
        for group in busy:
            ready = group.raft.ready()
            readies.append((group, ready))
            if ready.messages:
                self._send(group.id, ready.messages)
            if ready.snapshot is not None:
                raise UnexpectedSnapshot(f"group {group.id} was sent a snapshot, and no node of this release sends any")
            size += group.log(ready, write)
            entries += len(ready.entries)
            must_sync = must_sync or ready.must_sync
            group.barriers_confirmed(ready.read_states)
            if group.leader and ready.role != "leader" and group.leader == group.raft.node_id:
                done += group.lost_leadership()
            group.leader = ready.leader
        if write:
            self._commit(write, entries, size, must_sync)

        overlay = Overlay(self._state)
        applied = 0
        started_s = self._clock.monotonic_s()
        for group, ready in readies:
            if ready.persisted_messages:
                self._send(group.id, ready.persisted_messages)
            advanced = group.raft.advance()
            if advanced.messages:
                self._send(group.id, advanced.messages)
            committed = ready.committed + advanced.committed
            if committed:
                applied += len(committed)
                done += group.apply(committed, overlay)
        if overlay:
            self._until_space(lambda: self._state.write(overlay), self._state.reopen)
        if applied:
            self._observer.applied(applied, self._clock.monotonic_s() - started_s)
        for group in busy:
            done += group.barriers_reached()

    def _commit(self, write: Overlay, entries: int, size: int, must_sync: bool) -> None:
        self._until_space(lambda: self._log.commit(write, sync=False), self._log.reopen)
        sync_s = 0.0
        if must_sync and self._limits.sync:
            started_s = self._clock.monotonic_s()
            self._log.sync()
            sync_s = self._clock.monotonic_s() - started_s
        if entries:
            self._observer.logged(entries, size, sync_s)

    def _send(self, group: int, messages: list[tuple[int, bytes]]) -> None:
        if self._transport is not None:
            self._transport.send(group, messages)

    def _until_space(self, write: Callable[[], None], reopen: Callable[[], None]) -> None:
        """Write, and where the disk is full try the very same again until it is not.

        The entries are promised to Raft already. What a failed attempt left behind in a write-ahead log is either an
        incomplete record, which opening it again cuts off, or the very same batch, which may be written twice.
        """
        try:
            write()
            return
        except DiskFull:
            if self._wait_for_space is None:
                raise
        self._observer.stalled(True)
        while True:
            self._wait_for_space()
            try:
                reopen()
                write()
            except DiskFull:
                continue
            self._observer.stalled(False)
            return

    def compaction_due(self, *, idle: bool) -> dict[int, int]:
        """Return the groups whose log is longer than it needs to be, with the index that the state holds and nobody
        lacks.

        An `idle` node compacts whatever it can: a short log is a quick start and little memory.
        """
        due = {}
        for group in self.groups.values():
            applied = group.machine.state.applied_index
            held = applied - group.start.index
            if held > 0 and (
                idle or held >= self._limits.compact_entries or group.logged_bytes >= self._limits.compact_bytes
            ):
                due[group.id] = min(applied, group.replicated_to_all())
        return {group_id: index for group_id, index in due.items() if index > self.groups[group_id].start.index}

    def compact(self, due: dict[int, int]) -> None:
        """Forget log entries. The caller has synced the state since `compaction_due` said up to where."""
        write = self._log.new_write()
        for group_id, index in due.items():
            self.groups[group_id].compact(index, write)
        self._until_space(lambda: self._log.commit(write, sync=False), self._log.reopen)

    def abandon(self, queued: Work, why: Exception) -> list[Completion]:
        """Return everything that waits: what was queued did not happen, for `why`; what was proposed may have."""
        done = [Completion(proposal.handle, why) for proposals in queued.proposals.values() for proposal in proposals]
        done += [Completion(handle, why) for _, handle in queued.barriers]
        for group in self.groups.values():
            done += group.abandon(why)
        return done

    def broken_off(self) -> list[Completion]:
        """Return what had ended in a turn that an exception left: it is committed and logged, and nobody was told."""
        ended, self._ended = self._ended, []
        return ended

    def status(self) -> list[GroupStatus]:
        """Return every group as operators see it."""
        return [
            GroupStatus(
                group=group.id,
                role=group.raft.role,
                leader=group.raft.leader,
                term=group.raft.term,
                commit=group.raft.commit,
                applied=group.machine.state.applied_index,
                log_entries=group.last_logged - group.start.index,
                log_bytes=group.logged_bytes,
            )
            for group in self.groups.values()
        ]
