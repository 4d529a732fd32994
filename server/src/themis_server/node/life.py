"""The life of a node: start and stop.

directory -> two engines -> groups, each with a machine -> driver thread, peer port
          -> (joining) -> metadata store -> topology -> catalog -> gateway -> handlers -> edge
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from themis_server import __version__
from themis_server.api.edge import Edge
from themis_server.clock import SystemClock
from themis_server.config import Config
from themis_server.errors import StartRefusedError, ThemisServerError, disk_full, not_ready, shutting_down
from themis_server.gateway.cluster import ClusterOperations
from themis_server.gateway.freshness import Freshness
from themis_server.gateway.hedge import Hedge
from themis_server.gateway.join_tokens import JoinTokens
from themis_server.gateway.metadata_group import MetadataGroup
from themis_server.gateway.news import News
from themis_server.gateway.node_calls import NodeCalls
from themis_server.gateway.reach import Reach, ReachLimits
from themis_server.gateway.routing import METADATA, Routing
from themis_server.gateway.shards import Shards
from themis_server.gateway.standing import Standing
from themis_server.gateway.status import MetadataSeen, StatusService
from themis_server.ids import raft_id
from themis_server.metadata import topology as topologies
from themis_server.metadata.catalog import Catalog
from themis_server.metadata.embedded import EmbeddedStore
from themis_server.metadata.fencing import Fence
from themis_server.metadata.joining import METHOD as JOIN
from themis_server.metadata.joining import Joining
from themis_server.metadata.keeper import load_or_create
from themis_server.metadata.lastknown import Remembering
from themis_server.metadata.placer.leaders import Transfer
from themis_server.metadata.store import MetadataStore
from themis_server.metadata.topology import KEY, NodeReport, Topology, TopologyView
from themis_server.metadata.topology import Node as Entry
from themis_server.node.belonging import Belonging
from themis_server.node.cluster_gauges import ClusterSources
from themis_server.node.external import close, external_store, seen_of
from themis_server.node.gauges import Gauges
from themis_server.node.hosting import Groups, Hosting
from themis_server.node.joining import join
from themis_server.node.knowledge import Knowledge, Part
from themis_server.node.leaders import Leaders
from themis_server.node.observing import DriverObserver
from themis_server.node.peering import Doorman, PeerPort, addresses_of, bind
from themis_server.node.replicating import Replicating
from themis_server.node.serving import Parts, client_tls, serve
from themis_server.node.stores import LocalNotes, open_stores
from themis_server.node.survey import Survey, survey
from themis_server.node.tasks import end_all
from themis_server.node.tidying import tidy
from themis_server.node.wellness import Wellness
from themis_server.observability.instruments import Instruments
from themis_server.observability.log import LogHandler, get_logger
from themis_server.observability.looplag import Periodic
from themis_server.observability.monitors import Monitors
from themis_server.replication.driver import Driver
from themis_server.replication.group import Group
from themis_server.replication.log import Log
from themis_server.replication.snapshot.recover import recover
from themis_server.replication.views import GroupStatus
from themis_server.shard import service
from themis_server.shard.local import LocalHost
from themis_server.shard.replica import Replica
from themis_server.shard.replicas import Replicas
from themis_server.statemachine import meta
from themis_server.statemachine.command import UnreadableEntry
from themis_server.storage.directory import DirectoryRefused
from themis_server.storage.engine import EngineError

_HOUSEKEEPING_S: Final = 1.0
_METADATA_ARRIVES_S: Final = 60.0
_POLL_S: Final = 0.02
_LAG_EVERY_S: Final = 2.0
_COMMAND_HEAD_BYTES: Final = 1 << 20
"""What a command is larger by than the batch it carries, at most."""
_log = get_logger(__name__)


class Node:
    """A running node. Make it, `start` it, wait, `stop` it; all on one event loop."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.port = 0
        self._me = raft_id(config.node.id)
        self._clock = SystemClock()
        self._instruments = Instruments(__version__)
        self._monitors = Monitors(self._instruments, self._clock)
        self._handed_over = False
        self._why_not_ready: str | None = "the node is starting"
        self._tasks: list[asyncio.Task[None]] = []
        self._edge: Edge | None = None
        self._port: PeerPort | None = None
        self._estranged: str | None = None
        self.dismissed = asyncio.Event()
        """Set when the cluster does not have this node any more: it has to be stopped."""
        self._begun: list[Callable[[], Awaitable[None]]] = []
        """What ends that which runs already, should the start be refused."""
        self._survey = Survey()

    def watch_log(self, handler: LogHandler) -> None:
        """Show in the metrics how many log lines were lost."""
        self._instruments.watch_log(handler)

    async def start(self) -> None:
        """Recover what is on disk and serve; raises `StartRefusedError` with a message for the operator."""
        tls = client_tls(self.config.http)
        listener = bind(self.config.http.host, self.config.http.port)
        try:
            self.port = listener.getsockname()[1]
            self.endpoint = self.config.http.endpoint(self.port)
            try:
                await self._open()
                self._directory_confirmed()
            except (DirectoryRefused, EngineError, UnreadableEntry) as error:
                raise StartRefusedError(str(error)) from error
            try:
                await self._learn()
            except ThemisServerError as error:
                raise StartRefusedError(f"the node's metadata cannot be used: {error.detail}") from error
            self._edge = self._serve()
            try:
                await self._edge.listen(listener, tls)
            except OSError as error:  # somebody who bound the port at the same time was faster
                raise StartRefusedError(f"cannot listen on {self.endpoint}: {error.strerror or error}") from error
        except BaseException:
            listener.close()
            await self._give_up()
            raise
        self._housekeeper = Periodic("housekeeping", _HOUSEKEEPING_S, self._housekeep)
        self._housekeeper.start()
        self._monitors.start()
        self._why_not_ready = None
        self._instruments.ready.set(1)
        _log.info(
            "node.ready",
            endpoint=self.endpoint,
            peer=self._port.address if self._port else None,
            node=self.config.node.id,
            shards=len(self._replicas.by_shard),
            epoch=self._view.epoch,
            data=str(self.config.node.data_path),
        )

    async def _give_up(self) -> None:
        """Stop what runs already: the start was refused."""
        await end_all(self._tasks)
        for end in reversed(self._begun):
            await end()

    async def stop(self) -> None:
        """Give what it leads to others, answer what was accepted, then close everything in the reverse order."""
        assert self._edge is not None
        self._why_not_ready = "stopping"
        self._instruments.ready.set(0)
        _log.info("node.stopping")
        self._view.release()
        await self._knowledge.leave()
        thread = self._replicating.thread
        # While it still serves: a request for a group that has gone elsewhere is forwarded there.
        await asyncio.to_thread(thread.hand_over)
        self._handed_over = True
        await self._edge.close()
        await end_all(self._tasks)
        await self._knowledge.stop()
        await self._housekeeper.stop()
        await self._monitors.stop()
        if self._port is not None:
            await self._port.close_calls(self.config.peer.call_timeout_s)
        await asyncio.to_thread(thread.stop)
        if self._replicating.snapshots is not None:
            await self._replicating.snapshots.close()
        await self._close_store()
        self._stores.close(self._instruments)
        _log.info("node.stopped")

    # Parts, in the order of starting

    async def _open(self) -> None:
        """Open the databases and begin to replicate what is in them."""
        config = self.config
        self._stores = open_stores(config, self._clock, self._instruments)
        recovered = recover(self._stores.log, self._stores.state)
        if recovered.installed or recovered.removed or recovered.discarded:
            _log.info(
                "snapshots.recovered",
                installed=list(recovered.installed),
                removed=list(recovered.removed),
                discarded=len(recovered.discarded),
            )
        self._fence = Fence(LocalNotes(self._stores.state))
        self._doorman = Doorman(config, self._stores.identity, self._fence.seen)
        if config.peer.enabled:
            self._port = PeerPort(config, self._doorman)
            self._port.calls.start()
            warning = self._port.warning(self._clock.unix_ms())
            if warning:
                _log.warning("peer.certificate.expires", why=warning)
        log = Log(self._stores.log)
        self._groups = Groups(log, self._stores.state, self._me, config.raft)
        first = self._groups.recovered()
        self._is_new = not first and self._fence.seen is None
        self._external: MetadataStore | None = external_store(config, LocalNotes(self._stores.state))
        if self._is_new and not config.cluster.join:
            first = await self._found()
        self._observer = DriverObserver(self._instruments)
        self._replicating = Replicating(
            config, self._clock, self._stores, log, self._groups, first, self._observer, self._port
        )
        self._replicating.pending.why_refused = self._why_writes_are_refused
        self._replicating.start()
        self._begun.append(lambda: asyncio.to_thread(self._replicating.thread.stop))
        if self._port is not None:
            self._replicating.thread.on_stop(self._port.close_streams)

    async def _found(self) -> list[Group]:
        """Return the groups of a new cluster; none if there is one in the external store already."""
        identity = self._stores.identity
        if self._external is None:
            return self._groups.founding(range(identity.shards + 1))
        if await self._external.get(KEY) is None:
            return self._groups.founding(range(1, identity.shards + 1))
        return []

    def _directory_confirmed(self) -> None:
        self._stores.directory.confirm()

    async def _learn(self) -> None:
        """Find out about the cluster: join it if this node is new to it, and follow it from now on."""
        config, clock, thread = self.config, self._clock, self._replicating.thread
        identity = self._stores.identity
        self._view = TopologyView(self._fence.seen or self._locally_known() or self._beginning())
        self._replicas = Replicas()
        host = LocalHost(
            self._replicas, self._view, command_bytes_max=config.limits.batch_bytes_max + _COMMAND_HEAD_BYTES
        )
        self._news = News()
        self._leaders = Leaders(thread)
        calls = self._port.calls if self._port else None
        routing = Routing(
            config.node.id,
            self._view,
            self._replicas,
            host,
            calls,
            leader_of=self._leaders.leader_of,
            is_down=self._is_down,
            is_silent=thread.driver.is_silent,
            is_blind=lambda: self._observer.stalls,
        )
        self._reach = Reach(
            routing,
            self._news,
            clock,
            ReachLimits(config.cluster.leader_wait_s, config.limits.request_timeout_s),
            Hedge(enabled=config.cluster.hedge_reads),
        )
        self._metadata_group = MetadataGroup(routing, self._reach, patience_s=config.cluster.leader_wait_s)
        self._shards = Shards(routing, self._reach)
        self._store = self._make_store()
        self._node_calls = NodeCalls(calls, clock)
        self._tokens = JoinTokens(self._store, clock)
        self._catalog = Catalog(
            self._catalog_store(),
            auto_create_namespaces=config.catalog.auto_create_namespaces,
            auto_create_collections=config.catalog.auto_create_collections,
        )
        self._wellness = Wellness(config.node.id, self._stores.space, self._observer, thread)
        self._hosting = Hosting(thread, self._groups, config.node.id, self._serve_replicas)
        self._knowledge = Knowledge(
            config,
            clock,
            self._store,
            self._catalog,
            self._view,
            self._fence,
            Part(
                me=self._entry,
                report=self._report,
                leads_metadata=lambda: self._leads(meta.GROUP),
                metadata_led=lambda: self._leaders.leader(meta.GROUP) is not None,
                transfer=self._transfer,
                follow=self._follow,
                ask=self._node_calls.ask,
                dial=self._dial,
            ),
        )
        counters = () if self._port is None else (self._port.counters, self._port.stream_counters)
        self._belonging = Belonging(config.node.id, self._view, self._knowledge.keeper, counters)
        self._status = StatusService(
            config.node.id,
            self._me,
            epoch=lambda: self._view.epoch,
            groups=self._group_statuses,
            view=lambda group: thread.views.get(group),
            transfer=self._transfer_here,
            disk_free_bytes=lambda: self._stores.space.free_bytes,
            clock=clock,
            metadata_seen=lambda: seen_of(self._external, self._remembering) if self._external else MetadataSeen(),
        )
        self._serve_replicas()
        if self._port is not None:
            self._port.heard, self._port.lost = self._node_calls.heard, self._node_calls.lost
            joining = Joining(
                self._knowledge.keeper, config.node.cluster, __version__, config.metadata.store, self._tokens.check
            )
            self._port.handlers |= {**service.handlers(host), **self._knowledge.handlers, JOIN: joining.handle}
            if self._replicating.snapshots is not None:
                self._port.handlers |= self._replicating.snapshots.handlers()
                self._replicating.address = lambda node: addresses_of(self._view.current).get(node)
            await self._port.open(thread)
            if self._is_new and config.cluster.join:
                await self._join()
            else:
                self._port.take(self._view.current, thread)
                if self._fence.seen is not None:
                    await self._receive_metadata()  # it was stopped after it had been admitted
        self._begin("leaders", self._leaders.follow(self._news.announce))
        topology = await load_or_create(
            self._store,
            self._entry(),
            identity.shards,
            identity.virtual_nodes,
            replicas=config.shards.replicas,
            cluster=secrets.token_hex(8),
            embedded=self._external is None,
            fence=self._fence,
        )
        self._view.update(topology)
        why = self._belonging.dismissed()
        if why is not None:
            raise StartRefusedError(why)
        await self._follow(topology)
        self._begun.append(self._knowledge.stop)
        await self._knowledge.start()
        self._standing = Standing(
            config.node.id, self._view, self._leaders.leader, lambda: self._knowledge.nodes.reports
        )

    def _beginning(self) -> Topology:
        """Return what the topology of a cluster of this node alone would be: what it goes by until it knows better."""
        identity = self._stores.identity
        alone = topologies.initial(
            self._entry(),
            identity.shards,
            identity.virtual_nodes,
            replicas=self.config.shards.replicas,
            embedded=self._external is None,
        )
        return msgspec.structs.replace(alone, epoch=0)

    def _locally_known(self) -> Topology | None:
        """Return the topology in this node's replica of the metadata: a directory of a release without notes has it."""
        stored = meta.read(self._stores.state, KEY)
        return None if stored is None else topologies.decode(stored.value)

    def _make_store(self) -> MetadataStore:
        if self._external is not None:
            return self._external
        store = EmbeddedStore(self._stores.state, self._metadata_group.change, self._metadata_group.linearize)
        self._replicating.tell(store)
        return store

    def _catalog_store(self) -> MetadataStore:
        if self._external is None:
            return self._store
        self._remembering = Remembering(self._store, LocalNotes(self._stores.state), "/catalog/")
        return self._remembering

    async def _close_store(self) -> None:
        if self._external is not None:
            self._remembering.flush()
            await close(self._external)

    async def _join(self) -> None:
        """Be admitted, and wait for the metadata to arrive."""
        assert self._port is not None
        answer = await join(self.config, self._port.calls, self._entry())
        topology = self._fence.admit(answer.topology)
        assert topology is not None, "a new fence admits anything"
        self._view.update(topology)
        await self._follow(topology)
        await self._receive_metadata()

    async def _receive_metadata(self) -> None:
        """Wait until the metadata has arrived here, if it is kept in the cluster and was never here before."""
        if self._external is not None or self._metadata_at() > 1:
            return
        await self._follow(self._view.current)
        deadline_s = self._clock.monotonic_s() + _METADATA_ARRIVES_S
        while self._metadata_at() <= 1:
            why = self._belonging.dismissed()
            if why is not None:
                raise StartRefusedError(why)
            if self._clock.monotonic_s() > deadline_s:
                raise StartRefusedError(
                    f"the cluster has admitted this node, and has not sent it the metadata within "
                    f"{_METADATA_ARRIVES_S:.0f} s: can its nodes reach {self._entry().peer}? Start it again to go on."
                )
            await asyncio.sleep(_POLL_S)

    def _metadata_at(self) -> int:
        view = self._replicating.thread.views.get(meta.GROUP)
        return 0 if view is None else view.applied

    def _serve(self) -> Edge:
        freshness = Freshness(
            self._catalog,
            (lambda: self._metadata_group.is_alone) if self._external is None else (lambda: False),
            self._clock,
        )
        serving = serve(
            Parts(
                config=self.config,
                clock=self._clock,
                topology=self._view,
                shards=self._shards,
                catalog=self._catalog,
                freshness=freshness,
                store=self._store,
                keeper=self._knowledge.keeper,
                standing=self._standing,
                status=self._status,
                groups=self._group_statuses,
                node_calls=self._node_calls,
                tokens=self._tokens,
                coordinator=lambda: self._knowledge.coordinator_id,
                metadata=self._knowledge.state,
                why_not_ready=lambda: self._why_not_ready,
                instruments=self._instruments,
                monitors=self._monitors,
            )
        )
        self._operations: ClusterOperations = serving.operations
        if self._port is not None:
            self._port.handlers |= serving.methods
        self._gauges = self._make_gauges()
        self._begin("catalog-tidy", tidy(serving.changes, lambda: self._knowledge.coordinates))
        self._begin("lag-watch", self._watch_lag())
        return serving.edge

    def _make_gauges(self) -> Gauges:
        thread = self._replicating.thread
        return Gauges(
            self._instruments,
            self._observer,
            self._stores,
            self._replicating,
            ClusterSources(
                me=self._me,
                topology=lambda: self._view.current,
                views=lambda: thread.views,
                survey=lambda: self._survey,
                raft=lambda: thread.driver.counters,
                reach=self._reach,
                port=self._port,
                snapshots=self._replicating.snapshots,
                health=lambda node_id: self._knowledge.nodes.health(node_id),
                degraded=lambda: self._report().health == "degraded",
                coordinates=lambda: self._knowledge.coordinates,
                refused=lambda: self._fence.refused,
                clock=self._clock,
            ),
        )

    # What the parts ask and tell

    def _entry(self) -> Entry:
        """Return what the topology shall say of this node."""
        node = self.config.node
        return Entry(
            node_id=node.id,
            raft_id=self._me,
            endpoint=self.endpoint,
            datacenter=node.datacenter,
            rack=node.rack,
            state="up",
            version=__version__,
            peer=self._port.address if self._port else "",
            instance=self._stores.identity.instance,
            kind=node.kind,
        )

    def _report(self) -> NodeReport:
        """Return what this node has to say of itself now."""
        reasons = self._wellness.complaints()
        if self._knowledge.keeper.fence.refused:
            reasons.append(self._knowledge.keeper.fence.refused)
        led = [view for view in list(self._replicating.thread.views.values()) if view.is_leader]
        return NodeReport(
            node_id=self.config.node.id,
            instance=self._stores.identity.instance,
            health="degraded" if reasons else "healthy",
            reasons=tuple(reasons),
            led=tuple(sorted(view.group for view in led)),
            unsettled=tuple(sorted(view.group for view in led if not view.settled)),
            lagging=self._survey.lagging,
            disk_free_bytes=self._stores.space.free_bytes,
            version=__version__,
            epoch=self._hosting.witnessed(view.group for view in led),
        )

    async def _follow(self, topology: Topology) -> None:
        """Bring replicas, peers and routes in line with a topology."""
        self._dial(topology)
        self._news.announce()
        await self._hosting.follow(topology, self._knowledge.nodes.reports)

    def _dial(self, topology: Topology) -> None:
        self._doorman.topology = topology
        if self._port is not None:
            self._port.take(topology, self._replicating.thread)

    def _serve_replicas(self) -> None:
        """Serve the replicas that are here, and no others."""
        views = self._replicating.thread.views
        for group in frozenset(self._replicas.by_group) - frozenset(views):
            self._replicas.remove(group)
        for group in sorted(frozenset(views) - frozenset(self._replicas.by_group)):
            name = METADATA if group == meta.GROUP else topologies.shard_id(group)
            self._replicas.add(
                Replica(
                    name,
                    group,
                    self._stores.cache,
                    self._replicating.pending,
                    views[group],
                    self._clock,
                    self._me,
                )
            )

    def _is_down(self, node_id: str) -> bool:
        return self._knowledge.nodes.health(node_id) == "down"

    def _leads(self, group: int) -> bool:
        view = self._replicating.thread.views.get(group)
        return view is not None and view.is_leader

    async def _group_statuses(self) -> Sequence[GroupStatus]:
        return await asyncio.wrap_future(self._replicating.thread.ask(Driver.status))

    async def _watch_lag(self) -> None:
        """Note which of the groups that this node leads have a voter that could not take over."""
        while True:
            self._survey = await asyncio.wrap_future(self._replicating.thread.ask(survey))
            await asyncio.sleep(_LAG_EVERY_S)

    async def _transfer_here(self, group: int, to: int) -> None:
        await asyncio.wrap_future(self._replicating.thread.call(lambda driver: driver.transfer_leader(group, to)))

    async def _transfer(self, transfer: Transfer) -> None:
        await self._operations.transfer_leader(topologies.shard_id(transfer.group), transfer.target)

    def _why_writes_are_refused(self) -> ThemisServerError | None:
        space = self._stores.space
        if space.short() or self._observer.stalls:
            return disk_full(space.free_bytes, space.reserve_bytes)
        if self._estranged is not None:
            return not_ready(self._estranged)
        return shutting_down() if self._handed_over and (self._edge is None or not self._edge.in_flight) else None

    def _housekeep(self) -> None:
        self._gauges.take()
        if not self._handed_over:
            self._wellness.look(self._knowledge.nodes.reports.values())
        why = self._belonging.dismissed()
        if why is not None and not self.dismissed.is_set():
            _log.error("node.dismissed", why=why)
            self._why_not_ready = why
            self.dismissed.set()
        estranged = self._belonging.estranged()
        if estranged is not None and self._estranged is None:
            _log.error("node.estranged", why=estranged)
            self._estranged = self._why_not_ready = estranged

    def _begin(self, name: str, work: object) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))  # type: ignore[arg-type]
