"""A node without a process: real drivers, machines, catalog and gateway on memory engines, on the test's event loop.

What is proposed waits until the loop comes round, and is then taken in one turn: so calls that are made together are
proposed together, as on a node under load, and a race can be brought about on purpose.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Self

import pytest

from themis.urn import UrnPrefix, split_urn
from themis_server.clock import ManualClock
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway.batch import Batches
from themis_server.gateway.catalog import CatalogChanges
from themis_server.gateway.entities import Entities
from themis_server.gateway.listing import Listing
from themis_server.gateway.router import Router
from themis_server.gateway.writing import WriteLimits, Writer
from themis_server.metadata import topology as topologies
from themis_server.metadata.catalog import Catalog
from themis_server.metadata.embedded import EmbeddedStore
from themis_server.replication.driver import Driver, DriverLimits, Work
from themis_server.replication.group import Completion, Group, Proposal, RaftTiming
from themis_server.replication.log import Log
from themis_server.shard.pending import Pending
from themis_server.shard.replica import Replica
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
    """The node. Use it as an asynchronous context manager; `crash` starts it again from what was synced."""

    def __init__(
        self,
        *,
        auto_create_namespaces: bool = True,
        auto_create_collections: bool = True,
        proposals_max: int = 1000,
        part_bytes_max: int = 1 << 20,
        document_bytes_max: int = 1000,
    ) -> None:
        self.log, self.state = MemoryEngine(), MemoryEngine()
        self.clock = ManualClock()
        self.held = False
        """While true, nothing that is proposed is taken: a node that is too slow."""
        self.lost: Callable[[int], bool] = lambda group: False
        """For which groups proposals are swallowed."""
        self._auto = {
            "auto_create_namespaces": auto_create_namespaces,
            "auto_create_collections": auto_create_collections,
        }
        self._proposals_max = proposals_max
        self._part_bytes_max = part_bytes_max
        self._document_bytes_max = document_bytes_max

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._work = Work()
        self._scheduled = False
        log = Log(self.log)
        self._metadata_machine = meta.MetadataMachine(self.state)
        machines: dict[int, Machine] = {meta.GROUP: self._metadata_machine}
        machines |= {number: DataMachine(number, self.state) for number in range(1, SHARDS + 1)}
        groups = [Group(n, 1, [1], machine, log.recover(n), RaftTiming()) for n, machine in machines.items()]
        self.driver = Driver(log, self.state, groups, self.clock, _Nothing(), DriverLimits())
        assert not self.driver.start()
        self.pending = Pending(
            self._loop, proposals_max=self._proposals_max, proposal_bytes_max=1 << 20, timeout_s=0.05
        )
        self.pending.connect(self)
        self.store = EmbeddedStore(self.state, lambda command: self.pending.propose(meta.GROUP, command))
        self.topology = topologies.TopologyView(await topologies.load_or_create(self.store, ME, SHARDS, VIRTUAL_NODES))
        self.replicas = {
            shard.shard_id: Replica(shard.shard_id, shard.group, self.state, self.pending)
            for shard in self.topology.current.shards
        }
        self.catalog = Catalog(self.store, **self._auto)
        await self.catalog.load()
        self._watch = asyncio.create_task(self.catalog.follow())
        self.changes = CatalogChanges(self.catalog, self.store, self.replicas, self.clock, retention_ms=RETENTION_MS)
        self.router = Router(self.catalog, self.topology, self.replicas, self.clock)
        self.writer = Writer(self.clock, WriteLimits(self._document_bytes_max, RETENTION_MS, 100))
        self.entities = Entities(self.router, self.writer)
        self.batches = Batches(self.router, self.writer, part_bytes_max=self._part_bytes_max)
        self.listing = Listing(self.router, page_bytes_max=1 << 20)

    async def _stop(self) -> None:
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)

    async def crash(self) -> None:
        """Lose what was not synced, and start again. Finishes no drops; that is the test's to do."""
        await self._stop()
        self.log.crash()
        self.state.crash()
        await self._start()

    # What takes proposals

    def propose(self, group: int, command: bytes, handle: object) -> None:
        if not self.lost(group):
            self._work.proposals.setdefault(group, []).append(Proposal(command, handle))
            self._schedule()

    def barrier(self, group: int, handle: object) -> None:
        self._work.barriers.append((group, handle))
        self._schedule()

    def release(self) -> None:
        """Take what was held back."""
        self.held = False
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled and not self.held:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        work, self._work = self._work, Work()
        completions: list[Completion] = self.driver.turn(work)
        # As node.py does: watchers learn of a change before the one who made it does.
        self.store.publish(self._metadata_machine.collect_changes())
        self.pending.settle(completions)

    # Shorthand

    def document(self, name: str) -> bytes | None:
        """Return the stored form of the entity of a URN."""
        return self.entities.read(*split_urn(name))[1]
