"""What a node knows of its cluster, and its part in deciding it: metadata store, topology, catalog, placing.

store (embedded or etcd) --> keeper  --> view --> hosting, peer port      followed for the node's whole life
                         --> catalog
                         <-- registration (its own report), coordinator (the placer, on one node of the cluster)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from themis_server.clock import Clock
from themis_server.config import Config
from themis_server.errors import ThemisServerError
from themis_server.gateway.cluster import MetadataState
from themis_server.metadata.catalog import Catalog
from themis_server.metadata.coordinator import KEY as COORDINATOR_KEY
from themis_server.metadata.coordinator import Coordinator
from themis_server.metadata.embedded import EmbeddedStore
from themis_server.metadata.fencing import Fence
from themis_server.metadata.keeper import TopologyKeeper
from themis_server.metadata.leases import LeaseSweeper
from themis_server.metadata.nodes import NodesView, Registration
from themis_server.metadata.placer import Settings
from themis_server.metadata.placer.leaders import Transfer
from themis_server.metadata.store import Compacted, MetadataStore
from themis_server.metadata.telling import METHOD as TELL
from themis_server.metadata.telling import Telling
from themis_server.metadata.topology import Node, NodeReport, Topology, TopologyView
from themis_server.node.tasks import end_all
from themis_server.observability.log import get_logger
from themis_server.peer import Handler

_RETRY_S: Final = 0.5
_log = get_logger(__name__)
_warnings = _log.limited(burst=3, interval_s=60.0)


@dataclass(frozen=True, kw_only=True)
class Part:
    """What this node brings to it.

    Args:
        me: Its own entry as it should be.
        report: What it has to say of itself now.
        leads_metadata: Whether it leads group 0.
        metadata_led: Whether anybody is known to lead group 0.
        transfer: Asks the leader of a group to hand over.
        follow: Brings replicas, peers and routes in line with a topology.
        ask: Calls a method of another node.
        dial: Knows the nodes of a topology, to speak to them.
    """

    me: Callable[[], Node]
    report: Callable[[], NodeReport]
    leads_metadata: Callable[[], bool]
    metadata_led: Callable[[], bool]
    transfer: Callable[[Transfer], Awaitable[None]]
    follow: Callable[[Topology], Awaitable[None]]
    ask: Callable[[Node, str, bytes], Awaitable[bytes]]
    dial: Callable[[Topology], None]


class Knowledge:
    """The metadata as one node lives with it. Belongs to the event loop."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        store: MetadataStore,
        catalog: Catalog,
        view: TopologyView,
        fence: Fence,
        part: Part,
    ) -> None:
        """Connect the parts; `start` them when the topology is loaded."""
        self._config = config
        self._store = store
        self._view = view
        self._part = part
        self._catalog = catalog
        self._tasks: list[asyncio.Task[None]] = []
        self._moved = asyncio.Event()
        lease_s = config.cluster.node_lease_s
        self.coordinator_id: str | None = None
        """The node that runs the placer, as far as is known."""
        self.keeper = TopologyKeeper(store, view, fence, part.me)
        self.nodes = NodesView(store, clock, self._changed)
        self._registration = Registration(store, part.report, lease_s, clock)
        self._coordinator = Coordinator(
            store,
            view,
            self.keeper,
            self.nodes,
            config.node.id,
            Settings(
                replace_after_s=config.cluster.replace_after_s,
                moves_max=config.cluster.moves_max,
                voters_max=config.metadata.voters_max,
            ),
            clock,
            lease_s,
            part.transfer,
        )
        self._telling = Telling(view, part.leads_metadata, self._absent, part.ask, part.dial)
        self.handlers: Mapping[str, Handler] = {TELL: self._telling.handle}
        """What other nodes may call."""
        self._sweeper = (
            LeaseSweeper(store, clock, part.leads_metadata, lease_s) if isinstance(store, EmbeddedStore) else None
        )

    @property
    def coordinates(self) -> bool:
        """Whether this node runs the placer, and does what one node of the cluster has to do."""
        return self._coordinator.active

    def state(self) -> MetadataState:
        """Return where the metadata is, and why it cannot be changed, if so."""
        why = self.keeper.fence.refused
        if not why and isinstance(self._store, EmbeddedStore) and not self._part.metadata_led():
            why = "the metadata has no leader: too few of the nodes that vote on it are heard"
        return MetadataState(self._config.metadata.store, why or None)

    async def start(self) -> None:
        """Load the catalog, and follow everything from now on."""
        await self._catalog.load()
        self._begin("catalog-watch", self._catalog.follow())
        self._begin("topology-watch", self.keeper.follow())
        self._begin("nodes-watch", self.nodes.follow())
        self._begin("coordinator-watch", self._follow_coordinator())
        self._begin("duties", self._follow())
        self._begin("registration", self._registration.run())
        self._begin("coordinator", self._coordinator.run())
        if self._sweeper is not None:
            self._begin("lease-sweep", self._sweeper.run())
            self._begin("telling", self._telling.run())

    async def leave(self) -> None:
        """Give up office and registration: the node stops, and nobody shall wait for its leases to run out."""
        await end_all([task for task in self._tasks if task.get_name() in ("registration", "coordinator", "duties")])
        try:
            async with asyncio.timeout(1.0):
                await self._coordinator.end()
                await self._registration.end()
        except (TimeoutError, ThemisServerError) as error:
            _log.info("registration.end.failed", why=str(error))

    async def stop(self) -> None:
        """End every task."""
        await end_all(self._tasks)

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_complain)
        self._tasks.append(task)

    def _absent(self, topology: Topology) -> Set[str]:
        return self.nodes.absent_since_s(topology).keys() - {self._config.node.id}

    def _changed(self) -> None:
        self._coordinator.wake()
        self._moved.set()

    async def _follow(self) -> None:
        """Do what the topology, and the reports, ask of this node."""
        while True:
            self._moved.clear()
            topology = self._view.current
            try:
                await self._part.follow(topology)
            except ThemisServerError as error:
                _warnings.warning("duties.failed", why=str(error))
            newer = asyncio.ensure_future(self._view.newer(topology.epoch))
            moved = asyncio.ensure_future(self._moved.wait())
            _done, pending = await asyncio.wait({newer, moved}, timeout=5.0, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()

    async def _follow_coordinator(self) -> None:
        while True:
            try:
                listing = await self._store.list(COORDINATOR_KEY, stale=True)
                held = listing.values.get(COORDINATOR_KEY)
                self.coordinator_id = None if held is None else held.data.decode()
                async for event in self._store.watch(COORDINATOR_KEY, listing.revision):
                    self.coordinator_id = None if event.data is None else event.data.decode()
            except Compacted:
                continue
            except ThemisServerError as error:
                _warnings.warning("coordinator.follow.failed", why=str(error))
            await asyncio.sleep(_RETRY_S)


def _complain(task: asyncio.Task[None]) -> None:
    """Log what ended a task that must not end."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("task.failed", task=task.get_name(), exc=error)
