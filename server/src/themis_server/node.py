"""One node: its parts made, connected, started and stopped in the right order.

    directory -> two engines -> a machine and a Raft group for each shard -> driver thread
              -> metadata -> topology and catalog -> gateway -> handlers -> edge

Everything is handed what it needs here and nowhere else; nothing below looks anything up.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
from collections import deque
from collections.abc import Callable
from typing import Final

from themis_server import __version__
from themis_server.api.codec import DocumentRules
from themis_server.api.edge import Edge
from themis_server.api.handlers.admin import AdminHandlers
from themis_server.api.handlers.batch import BatchHandlers
from themis_server.api.handlers.catalog import CatalogHandlers
from themis_server.api.handlers.entity import EntityHandlers
from themis_server.api.handlers.system import SystemHandlers
from themis_server.cache.entities import CoherentEngine, EntityCache
from themis_server.clock import SystemClock
from themis_server.config import Config
from themis_server.errors import StartRefusedError, ThemisServerError, disk_full, shutting_down
from themis_server.gateway.batch import Batches
from themis_server.gateway.catalog import CatalogChanges
from themis_server.gateway.entities import Entities
from themis_server.gateway.listing import Listing
from themis_server.gateway.router import Router
from themis_server.gateway.writing import WriteLimits, Writer
from themis_server.ids import raft_id
from themis_server.metadata import topology as topologies
from themis_server.metadata.catalog import Catalog
from themis_server.metadata.embedded import EmbeddedStore
from themis_server.observability.instruments import Instruments
from themis_server.observability.log import LogHandler, get_logger
from themis_server.observability.looplag import Periodic
from themis_server.observability.monitors import Monitors
from themis_server.replication.driver import Driver, DriverLimits
from themis_server.replication.group import Completion, Group, RaftTiming
from themis_server.replication.log import Log
from themis_server.replication.thread import DriverThread
from themis_server.shard.changefeed import expire_events
from themis_server.shard.pending import Pending
from themis_server.shard.replica import Replica
from themis_server.statemachine import meta
from themis_server.statemachine.command import UnreadableEntry
from themis_server.statemachine.data import DataMachine
from themis_server.statemachine.machine import Machine
from themis_server.storage.directory import FORMAT, DataDirectory, DirectoryRefused, Identity
from themis_server.storage.engine import EngineError
from themis_server.storage.rocks import RocksEngine, Role
from themis_server.storage.space import DiskSpace

_HOUSEKEEPING_S: Final = 1.0
_TIDY_S: Final = 60.0
_FATAL_EXIT: Final = 70
_log = get_logger(__name__)


class Node:
    """A running node. Make it, `start` it, wait, `stop` it; all on one event loop."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.port = 0
        self._clock = SystemClock()
        self._instruments = Instruments(__version__)
        self._monitors = Monitors(self._instruments, self._clock)
        self._stopping = False
        self._stalled = False
        self._was_short = False
        self._expire_at_s = 0.0
        self._why_not_ready: str | None = "the node is starting"
        self._measurements: deque[Callable[[], None]] = deque()
        self._tasks: list[asyncio.Task[None]] = []

    def watch_log(self, handler: LogHandler) -> None:
        """Show in the metrics how many log lines were lost."""
        self._instruments.watch_log(handler)

    async def start(self) -> None:
        """Recover what is on disk and serve; raises `StartRefusedError` with a message for the operator."""
        listener = self._bind()
        try:
            self._open_storage()
            self._start_replication()
            self._directory.confirm()
        except (DirectoryRefused, EngineError, UnreadableEntry) as error:
            listener.close()
            raise StartRefusedError(str(error)) from error
        try:
            await self._start_metadata()
        except ThemisServerError as error:
            listener.close()
            raise StartRefusedError(f"the node's metadata cannot be written: {error.detail}") from error
        edge = self._make_edge()
        try:
            await edge.listen(listener, self._tls())
        except OSError as error:  # somebody who bound the port at the same time was faster
            raise StartRefusedError(f"cannot listen on {self.endpoint}: {error.strerror or error}") from error
        self._edge = edge
        self._housekeeper = Periodic("housekeeping", _HOUSEKEEPING_S, self._housekeep)
        self._housekeeper.start()
        self._monitors.start()
        self._why_not_ready = None
        self._instruments.ready.set(1)
        _log.info(
            "node.ready",
            endpoint=self.endpoint,
            node=self.config.node.id,
            shards=len(self._replicas),
            epoch=self._topology.epoch,
            data=str(self.config.node.data_path),
        )

    async def stop(self) -> None:
        """Answer what was accepted, then close everything in the reverse order."""
        self._stopping = True
        self._why_not_ready = "stopping"
        self._instruments.ready.set(0)
        _log.info("node.stopping")
        self._topology.release()
        await self._edge.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._housekeeper.stop()
        await self._monitors.stop()
        await asyncio.to_thread(self._thread.stop)
        self._close_storage()
        _log.info("node.stopped")

    # Parts, in the order of starting

    def _bind(self) -> socket.socket:
        http = self.config.http
        try:
            family = socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM)[0][0]
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((http.host, http.port))
        except OSError as error:
            raise StartRefusedError(
                f"cannot listen on {http.host} port {http.port}: {error.strerror or error}; another port: --port N"
            ) from error
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self.endpoint = http.endpoint(self.port)
        return listener

    def _open_storage(self) -> None:
        config = self.config
        self._directory = DataDirectory(config.node.data_path)
        wanted = Identity(FORMAT, config.node.id, config.node.cluster, config.shards.count, config.shards.virtual_nodes)
        self.identity = self._directory.identify(wanted)
        for name in ("shards", "virtual_nodes"):
            if getattr(self.identity, name) != getattr(wanted, name):
                _log.warning(
                    "config.ignored",
                    setting=f"shards.{'count' if name == 'shards' else name}",
                    configured=getattr(wanted, name),
                    fixed_at_first_start=getattr(self.identity, name),
                )
        storage = config.storage
        self._log_engine = RocksEngine(
            self._directory.path / "raft",
            Role.LOG,
            write_buffer_bytes=storage.write_buffer_bytes,
            max_open_files=storage.max_open_files,
        )
        self._engine = RocksEngine(
            self._directory.path / "data",
            Role.STATE,
            block_cache_bytes=storage.block_cache_bytes,
            write_buffer_bytes=storage.write_buffer_bytes,
            max_open_files=storage.max_open_files,
        )
        self._cache = EntityCache(self._engine, storage.entity_cache_bytes)
        self._groups = self._recover_groups()
        self._space = DiskSpace(self._directory.path, storage.disk_reserve_bytes, self._clock.monotonic_s)
        self._instruments.rocksdb.watch("raft", self._log_engine.property)
        self._instruments.rocksdb.watch("data", self._engine.property)

    def _recover_groups(self) -> list[Group]:
        self._log_store = Log(self._log_engine)
        self._metadata_machine = meta.MetadataMachine(self._engine)
        machines: dict[int, Machine] = {meta.GROUP: self._metadata_machine}
        for number in range(1, self.identity.shards + 1):
            machines[number] = DataMachine(number, self._engine)
        me = raft_id(self.config.node.id)
        timing = RaftTiming(self.config.raft.election_ticks, self.config.raft.heartbeat_ticks)
        return [
            Group(number, me, [me], machine, self._log_store.recover(number), timing)
            for number, machine in machines.items()
        ]

    def _start_replication(self) -> None:
        loop = asyncio.get_running_loop()
        limits, raft = self.config.limits, self.config.raft
        self._pending = Pending(
            loop,
            proposals_max=limits.proposals_max,
            proposal_bytes_max=limits.proposal_bytes_max,
            timeout_s=limits.request_timeout_s,
        )
        self._pending.why_refused = self._why_writes_are_refused
        driver_limits = DriverLimits(raft.entry_bytes_max, raft.log_compact_entries, raft.log_compact_bytes, raft.fsync)
        self._thread = DriverThread(
            lambda wait_for_space: Driver(
                self._log_store,
                CoherentEngine(self._engine, self._cache),
                self._groups,
                self._clock,
                self,
                driver_limits,
                wait_for_space=wait_for_space,
            ),
            self._engine,
            tick_ms=raft.tick_ms,
            deliver=self._deliver,
            fatal=_fatal,
            maintain=self._maintain,
        )
        self._loop = loop
        self._pending.connect(self._thread)
        self._thread.start()

    async def _start_metadata(self) -> None:
        config = self.config
        self._store = EmbeddedStore(self._engine, lambda command: self._pending.propose(meta.GROUP, command))
        me = topologies.Node(
            node_id=config.node.id,
            raft_id=raft_id(config.node.id),
            endpoint=self.endpoint,
            datacenter=config.node.datacenter,
            rack=config.node.rack,
            state="up",
            version=__version__,
        )
        topology = await topologies.load_or_create(self._store, me, self.identity.shards, self.identity.virtual_nodes)
        self._topology = topologies.TopologyView(topology)
        self._replicas = {
            shard.shard_id: Replica(shard.shard_id, shard.group, self._cache, self._pending)
            for shard in topology.shards
        }
        self._catalog = Catalog(
            self._store,
            auto_create_namespaces=config.catalog.auto_create_namespaces,
            auto_create_collections=config.catalog.auto_create_collections,
        )
        await self._catalog.load()
        self._tasks.append(asyncio.create_task(self._catalog.follow(), name="catalog-watch"))
        self._changes = CatalogChanges(
            self._catalog, self._store, self._replicas, self._clock, retention_ms=config.idempotency.retention_s * 1000
        )
        self._tasks.append(asyncio.create_task(self._tidy_metadata(), name="metadata-tidy"))

    def _make_edge(self) -> Edge:
        config = self.config
        limits = config.limits
        router = Router(self._catalog, self._topology, self._replicas, self._clock)
        writer = Writer(
            self._clock,
            WriteLimits(limits.body_bytes_max, config.idempotency.retention_s * 1000, config.idempotency.records_max),
        )
        listing = Listing(router, page_bytes_max=limits.batch_response_bytes_max)
        rules = DocumentRules(limits.json_depth_max, limits.strict_json)
        families = (
            EntityHandlers(Entities(router, writer), rules),
            BatchHandlers(Batches(router, writer, part_bytes_max=config.raft.entry_bytes_max // 2), rules, limits),
            CatalogHandlers(
                self._catalog,
                self._changes,
                listing,
                self._clock,
                auto_create_collections=config.catalog.auto_create_collections,
                strict_json=limits.strict_json,
            ),
            SystemHandlers(self._topology, self._leader_of, lambda: self._why_not_ready, self._instruments),
            AdminHandlers(
                self._topology,
                self._catalog,
                listing,
                self._thread.driver.status,
                self._leader_of,
                self._instruments,
                self._monitors,
                self._clock,
            ),
        )
        handlers = {operation: handler for family in families for operation, handler in family.handlers().items()}
        return Edge(config, handlers, self._instruments, self._topology)

    def _tls(self) -> ssl.SSLContext | None:
        http = self.config.http
        if not http.tls:
            return None
        try:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=http.tls_client_ca or None)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(http.tls_cert, http.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise StartRefusedError(f"the TLS files of [http] cannot be used: {error}") from error
        if http.tls_client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _close_storage(self) -> None:
        self._instruments.rocksdb.forget("raft")
        self._instruments.rocksdb.forget("data")
        try:
            self._engine.sync()
        finally:
            for engine in (self._engine, self._log_engine):
                try:
                    engine.close()
                except EngineError as error:
                    _log.warning("storage.close.failed", why=str(error))
            self._directory.close()

    # What the parts ask and tell

    def _why_writes_are_refused(self) -> ThemisServerError | None:
        if self._space.short() or self._stalled:
            return disk_full(self._space.free_bytes, self._space.reserve_bytes)
        return shutting_down() if self._stopping and not self._edge.in_flight else None

    def _leader_of(self, group: int) -> str | None:
        return self.config.node.id if self._thread.driver.groups[group].is_leader else None

    def _deliver(self, completions: list[Completion]) -> None:
        """Hand results to the event loop.

        Watchers of the metadata learn of changes before the one who made them does.
        """
        changes = self._metadata_machine.collect_changes()
        self._loop.call_soon_threadsafe(self._settle, changes, completions)

    def _settle(self, changes: list[meta.Change], completions: list[Completion]) -> None:
        self._take_measurements()
        if changes:
            self._store.publish(changes)
        self._pending.settle(completions)

    def logged(self, entries: int, size_bytes: int, sync_s: float) -> None:
        """Observer: a log write. Metrics belong to the event loop, so they are only noted here."""

        def measure() -> None:
            self._instruments.log_batch_entries.observe(entries)
            self._instruments.log_batch_bytes.observe(size_bytes)
            if sync_s:
                self._instruments.log_fsync_seconds.observe(sync_s)

        self._measurements.append(measure)

    def applied(self, entries: int, duration_s: float) -> None:
        """Observer: entries were applied."""
        self._measurements.append(lambda: self._instruments.apply_seconds.observe(duration_s))

    def stalled(self, full: bool) -> None:
        """Observer: the disk became full, or has space again."""
        self._stalled = full
        _log.warning("disk.full" if full else "disk.recovered")

    def _take_measurements(self) -> None:
        measurements = self._measurements
        while measurements:
            measurements.popleft()()

    def _housekeep(self) -> None:
        self._take_measurements()
        instruments = self._instruments
        instruments.proposals_in_flight.set(self._pending.count)
        instruments.proposal_bytes_in_flight.set(self._pending.size_bytes)
        instruments.entity_cache_hits.value = self._cache.hits
        instruments.entity_cache_misses.value = self._cache.misses
        instruments.entity_cache_bytes.set(self._cache.size_bytes)
        instruments.topology_epoch.set(self._topology.epoch)
        for status in self._thread.driver.status():
            name = topologies.shard_id(status.group) if status.group else "metadata"
            instruments.apply_lag_entries.labels(name).set(status.commit - status.applied)
        short = self._space.short()
        instruments.disk_free_bytes.set(self._space.free_bytes)
        if short != self._was_short:
            self._was_short = short
            _log.warning(
                "disk.reserve.reached" if short else "disk.reserve.free",
                free_bytes=self._space.free_bytes,
                reserve_bytes=self._space.reserve_bytes,
            )

    def _maintain(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s < self._expire_at_s or self._space.short():
            return
        self._expire_at_s = now_s + _TIDY_S
        oldest_ms = self._clock.unix_ms() - self.config.storage.change_feed_retention_s * 1000
        expire_events(self._engine, range(1, self.identity.shards + 1), oldest_ms)

    async def _tidy_metadata(self) -> None:
        while True:
            try:
                await self._changes.finish_drops()
                await self._store.end_expired_leases(self._clock.unix_ms())
                await self._changes.forget_expired()
                await self._changes.finish_drops()
            except ThemisServerError as error:
                _log.warning("metadata.tidy.failed", why=str(error))
            await asyncio.sleep(_TIDY_S)


def _fatal(error: BaseException) -> None:
    """End the process at once: after a failed sync, or damage, nothing that this process says could be trusted."""
    _log.error("node.fatal", exc=error)
    print(f"themis-server: stopped at once: {type(error).__name__}: {error}", file=sys.stderr)
    sys.stderr.flush()
    os._exit(_FATAL_EXIT)
