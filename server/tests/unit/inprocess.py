"""Nodes without processes: real drivers, machines, catalog and gateway on memory engines, on the test's event loop.

What is proposed waits until the loop comes round, and is then taken in one turn: so calls that are made together are
proposed together, as on a node under load, and a race can be brought about on purpose. `InProcess` is a cluster of one;
`inprocess_cluster` puts several together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import Self

import pytest

from themis.urn import UrnPrefix, split_urn
from themis_server.clock import Clock, ManualClock, SystemClock
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway.batch import Batches
from themis_server.gateway.catalog import CatalogChanges
from themis_server.gateway.entities import Entities
from themis_server.gateway.freshness import Freshness
from themis_server.gateway.hedge import Hedge
from themis_server.gateway.listing import Listing
from themis_server.gateway.metadata_group import MetadataGroup
from themis_server.gateway.news import News
from themis_server.gateway.reach import Reach, ReachLimits
from themis_server.gateway.router import Router
from themis_server.gateway.routing import METADATA, Routing
from themis_server.gateway.shards import Shards
from themis_server.gateway.writing import WriteLimits, Writer
from themis_server.metadata import topology as topologies
from themis_server.metadata.catalog import Catalog
from themis_server.metadata.embedded import EmbeddedStore
from themis_server.metadata.keeper import load_or_create
from themis_server.replication.driver import Driver, DriverLimits, Work
from themis_server.replication.group import Completion, Group, Proposal, RaftTiming
from themis_server.replication.log import Log
from themis_server.replication.ports import Transport
from themis_server.shard.local import LocalHost
from themis_server.shard.pending import Pending
from themis_server.shard.remote import Calls
from themis_server.shard.replica import Replica
from themis_server.shard.replicas import Replicas
from themis_server.shard.service import Handler, handlers
from themis_server.statemachine import meta
from themis_server.statemachine.data import DataMachine
from themis_server.statemachine.machine import Machine
from themis_server.storage.memory import MemoryEngine

SHARDS = 4
VIRTUAL_NODES = 8
RETENTION_MS = 60_000
ME = topologies.Node("node-1", 1, "http://127.0.0.1:1", "dc1", "rack1", "up", "0.1.0")


def uuid(number: int) -> str:
    """Return a uuid that is in the order of its number."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def urn(number: int, collection: str = "users", namespace: str = "app", model: str = "document") -> str:
    """Return the URN of entity `number`."""
    return f"{prefix(collection, namespace, model).text}{uuid(number)}"


def prefix(collection: str = "users", namespace: str = "app", model: str = "document") -> UrnPrefix:
    """Return what comes before the uuid."""
    return UrnPrefix(model, namespace, collection)


async def refused(call: Coroutine[object, object, object], code: ErrorCode) -> ThemisServerError:
    """Await a call that must end with `code`; return the error."""
    with pytest.raises(ThemisServerError) as raised:
        await call
    assert raised.value.code == code, repr(raised.value)
    return raised.value


class _Nothing:
    def logged(self, entries: int, size_bytes: int, sync_s: float) -> None:
        """Nobody measures here."""

    def applied(self, entries: int, duration_s: float) -> None:
        """Nobody measures here."""

    def stalled(self, full: bool) -> None:
        """Nobody measures here."""


class InProcess:
    """A node. Use it as an asynchronous context manager; `crash` starts it again from what was synced."""

    def __init__(
        self,
        *,
        auto_create_namespaces: bool = True,
        auto_create_collections: bool = True,
        proposals_max: int = 1000,
        part_bytes_max: int = 1 << 20,
        document_bytes_max: int = 1000,
        timeout_s: float = 0.05,
        leader_wait_s: float = 0.05,
        me: topologies.Node = ME,
        voters: tuple[int, ...] = (1,),
        clock: Clock | None = None,
        timing: RaftTiming | None = None,
        limits: DriverLimits | None = None,
        calls: Calls | None = None,
        transport: Transport | None = None,
        topology: topologies.Topology | None = None,
        hedge: Hedge | None = None,
        page_bytes_max: int = 1 << 20,
    ) -> None:
        self.log, self.state = MemoryEngine(), MemoryEngine()
        self.clock = ManualClock()
        self.me = me
        self.held = False
        """While true, nothing that is proposed is taken: a node that is too slow."""
        self.lost: Callable[[int], bool] = lambda group: False
        """For which groups proposals are swallowed."""
        self.unproven = False
        """While true, read barriers are swallowed."""
        self.down: Callable[[str], bool] = lambda node_id: False
        """Which nodes this one knows to be down."""
        self._auto = {
            "auto_create_namespaces": auto_create_namespaces,
            "auto_create_collections": auto_create_collections,
        }
        self._proposals_max = proposals_max
        self._part_bytes_max = part_bytes_max
        self._page_bytes_max = page_bytes_max
        self._document_bytes_max = document_bytes_max
        self._timeout_s = timeout_s
        self._leader_wait_s = leader_wait_s
        self._voters = voters
        self._time = clock or self.clock
        self._timing = timing or RaftTiming()
        self._limits = limits or DriverLimits()
        self._calls = calls
        self._transport = transport
        self._topology = topology
        self._hedge = hedge or Hedge(enabled=False)

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start(self) -> None:
        self.begin()
        self.topology.update(await load_or_create(self.store, self.me, SHARDS, VIRTUAL_NODES))
        await self.open()

    def begin(self) -> None:
        """Make and start everything that waits for nobody."""
        self._loop = asyncio.get_running_loop()
        self.work = Work()
        self._scheduled = False
        clock, raft_id = self._time, self.me.raft_id
        log = Log(self.log)
        self._metadata_machine = meta.MetadataMachine(self.state)
        machines: dict[int, Machine] = {meta.GROUP: self._metadata_machine}
        machines |= {number: DataMachine(number, self.state) for number in range(1, SHARDS + 1)}
        groups = [
            Group(n, raft_id, self._voters, machine, log.recover(n), self._timing) for n, machine in machines.items()
        ]
        self.driver = Driver(log, self.state, groups, clock, _Nothing(), self._limits, self._transport)
        self.pending = Pending(
            self._loop, proposals_max=self._proposals_max, proposal_bytes_max=1 << 20, timeout_s=self._timeout_s
        )
        self.pending.connect(self)
        assert not self.driver.start()
        self.replicas = Replicas(
            Replica(
                topologies.shard_id(number) if number else METADATA,
                number,
                self.state,
                self.pending,
                self.driver.views[number],
                clock,
                raft_id,
            )
            for number in machines
        )
        # What is created below is the same; until then it serves to find group 0.
        self.topology = topologies.TopologyView(self._topology or topologies.initial(self.me, SHARDS, VIRTUAL_NODES))
        self.host = LocalHost(self.replicas, self.topology, command_bytes_max=1 << 20)
        self.handlers: Mapping[str, Handler] = handlers(self.host)
        self.news = News()
        self.routing = Routing(
            self.me.node_id,
            self.topology,
            self.replicas,
            self.host,
            self._calls,
            leader_of=self._leader_of,
            is_down=lambda node_id: self.down(node_id),
            is_silent=self.driver.is_silent,
        )
        limits = ReachLimits(self._leader_wait_s, self._timeout_s)
        self.reach = Reach(self.routing, self.news, SystemClock(), limits, self._hedge)
        self.metadata = MetadataGroup(self.routing, self.reach, patience_s=self._leader_wait_s)
        self.store = EmbeddedStore(self.state, self.metadata.change, self.metadata.linearize)
        self.catalog = Catalog(self.store, **self._auto)
        self.freshness = Freshness(self.catalog, lambda: self.metadata.is_alone, clock)
        self.shards = Shards(self.routing, self.reach)
        self.changes = CatalogChanges(self.freshness, self.store, self.shards, clock, retention_ms=RETENTION_MS)
        self.router = Router(self.freshness, self.topology, self.replicas, clock)
        self.writer = Writer(self.shards, clock, WriteLimits(self._document_bytes_max, RETENTION_MS, 100))
        self.entities = Entities(self.router, self.shards, self.writer, clock)
        self.batches = Batches(
            self.router,
            self.shards,
            self.writer,
            clock,
            part_bytes_max=self._part_bytes_max,
            response_bytes_max=1 << 20,
        )
        self.listing = Listing(self.shards, page_bytes_max=self._page_bytes_max)

    async def open(self) -> None:
        """Load the catalog and follow it."""
        await self.catalog.load()
        self._watch = asyncio.create_task(self.catalog.follow())

    async def stop(self) -> None:
        """End what runs beside the test."""
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)

    async def crash(self) -> None:
        """Lose what was not synced, and start again. Finishes no drops; that is the test's to do."""
        await self.stop()
        self.log.crash()
        self.state.crash()
        await self._start()

    def _leader_of(self, group: int) -> int | None:
        known = self.driver.known_leaders().get(group)
        return None if known is None else known[1]

    # What takes proposals

    def propose(self, group: int, command: bytes, handle: object) -> None:
        if not self.lost(group):
            self.work.proposals.setdefault(group, []).append(Proposal(command, handle))
            self.schedule()

    def barrier(self, group: int, handle: object) -> None:
        if not self.unproven:
            self.work.barriers.append((group, handle))
            self.schedule()

    def refresh(self) -> None:
        if not self.unproven:
            self.work.refresh = True
            self.schedule()

    def release(self) -> None:
        """Take what was held back."""
        self.held = False
        self.schedule()

    def schedule(self) -> None:
        """Have what has arrived taken when the loop comes round."""
        if not self._scheduled and not self.held:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if self.held:
            return
        before = self.driver.known_leaders()
        work, self.work = self.work, Work()
        completions: list[Completion] = self.driver.turn(work)
        # As the node does: watchers learn of a change before the one who made it does.
        self.store.publish(self._metadata_machine.collect_changes())
        self.pending.settle(completions)
        if self.driver.known_leaders() != before:
            self.news.announce()
        if self.driver.has_more:
            self.schedule()

    # Shorthand

    def document(self, name: str) -> bytes | None:
        """Return the stored form of the entity of a URN, as the leader here has it."""
        found = self.entities.read_here(*split_urn(name))
        return None if found is None else found.stored
