"""Replication as a node runs it: the driver on its thread, snapshots, and the way back of what was committed.

event loop -> Pending -> DriverThread (Raft loop) -> Driver -> deliver -> event loop: watchers first, then who waits
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from themis_server.clock import Clock
from themis_server.config import Config
from themis_server.ids import raft_id
from themis_server.node.hosting import Groups
from themis_server.node.observing import DriverObserver
from themis_server.node.peering import PeerPort
from themis_server.node.stores import Stores
from themis_server.observability.log import get_logger
from themis_server.peer import PeerAddress
from themis_server.replication.driver import Driver
from themis_server.replication.group import Group
from themis_server.replication.log import Log
from themis_server.replication.outcome import Completion
from themis_server.replication.snapshot.transfer import SnapshotTransfers, TransferLimits
from themis_server.replication.thread import DriverThread
from themis_server.replication.work import DriverLimits
from themis_server.shard.changefeed import expire_events
from themis_server.shard.pending import Pending
from themis_server.statemachine import meta

_TIDY_S: Final = 60.0
_FATAL_EXIT: Final = 70
_log = get_logger(__name__)


class Watched(Protocol):
    """Tells watchers of the metadata what this node's replica of it has applied: `EmbeddedStore`."""

    def publish(self, changes: list[meta.Change]) -> None:
        """Tell of changes, in order."""
        ...

    def replaced(self) -> None:
        """Tell that a snapshot took the place of everything."""
        ...


class Replicating:
    """The replication of a node. Make it on the event loop, then `start`."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        stores: Stores,
        log: Log,
        groups: Groups,
        first: Iterable[Group],
        observer: DriverObserver,
        port: PeerPort | None,
    ) -> None:
        """Connect the parts.

        Args:
            config: The node's.
            clock: The time.
            stores: The opened databases.
            log: The logs in them.
            groups: Makes machines and further groups.
            first: The groups to begin with.
            observer: Measures.
            port: The peer port, if there is one.
        """
        limits, raft = config.limits, config.raft
        self._config = config
        self._clock = clock
        self._stores = stores
        self._groups = groups
        self._loop = asyncio.get_running_loop()
        self._expire_at_s = 0.0
        self._metadata: Watched | None = None
        self.address: Callable[[int], PeerAddress | None] = lambda node: None
        """Where the node with a raft id is; set once the topology is known."""
        self.pending = Pending(
            self._loop,
            proposals_max=limits.proposals_max,
            proposal_bytes_max=limits.proposal_bytes_max,
            timeout_s=limits.request_timeout_s,
        )
        self.snapshots: SnapshotTransfers | None = None
        transport = None
        if port is not None:
            transport = port.make_streams(lambda: self.thread)
            self.snapshots = SnapshotTransfers(
                stores.log,
                stores.coherent,
                port.calls,
                lambda node: self.address(node),
                clock,
                TransferLimits(raft.snapshot_chunk_bytes, raft.snapshot_bytes_per_s, raft.snapshots_max),
                name_prefix=f"{raft_id(config.node.id):x}-{secrets.token_hex(4)}",
                sent=lambda group, to, ok: _queue(self.thread, lambda driver: driver.snapshot_sent(group, to, ok)),
                released=lambda group, manifest: _queue(
                    self.thread, lambda driver: driver.snapshot_released(group, manifest)
                ),
                deliver=lambda group, sender, message, staged: self.thread.snapshot(group, sender, message, staged),
                wanted=lambda group: group in self.thread.views,
                room=lambda: not stores.space.short(),
            )
        driver_limits = DriverLimits(
            entry_bytes_max=raft.entry_bytes_max,
            compact_entries=raft.log_compact_entries,
            compact_bytes=raft.log_compact_bytes,
            retain_bytes=raft.log_retain_bytes,
            sync=raft.fsync,
            lease_reads=raft.lease_reads,
        )
        self.thread = DriverThread(
            lambda wait_for_space: Driver(
                log,
                stores.coherent,
                first,
                clock,
                observer,
                driver_limits,
                transport,
                wait_for_space,
                snapshots=self.snapshots,
                machine=groups.machine,
                on_removed=lambda group: _log.info("replica.removed", group=group),
                timing=groups.timing,
            ),
            stores.state,
            tick_ms=raft.tick_ms,
            deliver=self._deliver,
            fatal=fatal,
            maintain=self._maintain,
            waiting=lambda: self.pending.writes,
        )
        self._observer = observer
        self.pending.connect(self.thread)

    def start(self) -> None:
        """Start turning; groups that this node alone votes in are led when this returns."""
        if self.snapshots is not None:
            self.snapshots.start()
        self.thread.start()

    def tell(self, metadata: Watched) -> None:
        """Name who is told what the replica of the metadata applies."""
        self._metadata = metadata

    def _deliver(self, completions: list[Completion]) -> None:
        """Hand results to the event loop.

        Watchers of the metadata learn of changes before the one who made them does.
        """
        changes, replaced = self._groups.collect_changes()
        if not completions and not changes and not replaced:
            return  # a follower's turn: nothing in it is worth waking the event loop
        self._loop.call_soon_threadsafe(self._settle, changes, replaced, completions)

    def _settle(self, changes: list[meta.Change], replaced: bool, completions: list[Completion]) -> None:
        self._observer.take()
        if self._metadata is not None:
            if replaced:
                self._metadata.replaced()
            if changes:
                self._metadata.publish(changes)
        self.pending.settle(completions)

    def _maintain(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s < self._expire_at_s or self._stores.space.short():
            return
        self._expire_at_s = now_s + _TIDY_S
        oldest_ms = self._clock.unix_ms() - self._config.storage.change_feed_retention_s * 1000
        shards = [group for group in frozenset(self.thread.views) if group != meta.GROUP]
        expire_events(self._stores.state, shards, oldest_ms)


def _queue(thread: DriverThread, step: Callable[[Driver], None]) -> None:
    """Have `step` done with the driver; what it raises is logged, as nobody waits for it."""
    thread.call(step).add_done_callback(
        lambda done: None if done.cancelled() or done.exception() is None else _not_done(done.exception())
    )


def _not_done(error: BaseException | None) -> None:
    _log.warning("replication.step.failed", why=repr(error))


def fatal(error: BaseException) -> None:
    """End the process at once: after a failed sync, or damage, nothing that this process says could be trusted."""
    _log.error("node.fatal", exc=error)
    print(f"themis-server: stopped at once: {type(error).__name__}: {error}", file=sys.stderr)
    sys.stderr.flush()
    os._exit(_FATAL_EXIT)
